"""What the worker does for tills of others, each minute."""

from datetime import datetime

from chaland.hub.loyalty.connect.asking import ask_due
from chaland.hub.loyalty.connect.files import import_due, prune

__all__ = ["ask_due", "import_due", "prune", "run_due"]


def run_due(now: datetime) -> int:
    """Do what is due; return how much was done."""
    return ask_due(now) + import_due(now) + prune(now)
