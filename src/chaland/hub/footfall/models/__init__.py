"""Plane A on the hub: what sensors released, the figures made of it, and what binds the town.

Nothing here stands for a person.
"""

from chaland.hub.footfall.models.shop import (
    Batch,
    Calibration,
    Cell,
    DayFigure,
    DoorCount,
    DoorToken,
    DropCount,
    DwellDay,
    EnrolmentCode,
    Mechanism,
    Sensor,
)
from chaland.hub.footfall.models.town import (
    Agreement,
    AuditReport,
    BudgetEntry,
    Charter,
    DayKey,
    FlowDay,
    Measurement,
    ObjectionBit,
    ObjectionDay,
    ObjectionFilter,
    SealedCopy,
    Sketch,
    TownKey,
)

__all__ = [
    "Agreement",
    "AuditReport",
    "Batch",
    "BudgetEntry",
    "Calibration",
    "Cell",
    "Charter",
    "DayFigure",
    "DayKey",
    "DoorCount",
    "DoorToken",
    "DropCount",
    "DwellDay",
    "EnrolmentCode",
    "FlowDay",
    "Measurement",
    "Mechanism",
    "ObjectionBit",
    "ObjectionDay",
    "ObjectionFilter",
    "SealedCopy",
    "Sensor",
    "Sketch",
    "TownKey",
]
