"""Where frames come from: capture files, standard input, or a live radio."""

from chaland.sensor.capture.files import NoSource, StreamSource, open_source
from chaland.sensor.capture.health import Health
from chaland.sensor.capture.live import LiveSource
from chaland.sensor.capture.source import CaptureProblem, FrameSource, Record
from chaland.sensor.capture.tools import Failure, Fault, Tool

__all__ = [
    "CaptureProblem",
    "Failure",
    "Fault",
    "FrameSource",
    "Health",
    "LiveSource",
    "NoSource",
    "Record",
    "StreamSource",
    "Tool",
    "open_source",
]
