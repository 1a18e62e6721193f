"""How a town's measurement stands, and what its director must see at once."""

from datetime import date

from chaland.hub.association.models import Association
from chaland.hub.common import clock
from chaland.hub.footfall import charters, keeping
from chaland.wire.charter import Charter


def standing(charter: Charter | None, today: date) -> str:
    """Say how a measurement stands: waiting, ended, outdated, ending (within a month), running."""
    if charter is None:
        return "waiting"
    if charter.ends_on < today:
        return "ended"
    if charters.is_outdated(charter):
        return "outdated"
    return "ending" if charter.ends_on - today < keeping.END_IS_NEAR else "running"


class Warnings:
    """What ``footfall/partials/measurement_warnings.html`` shows; nothing while all is well.

    ``listening`` names the shops that withdrew and whose boxes still listen; ``days_left`` counts
    local days until the end, today included.
    """

    def __init__(self, association: Association) -> None:
        charter, today = charters.current(association.pk), clock.today(association.timezone)
        self.state = standing(charter, today)
        self.days_left = max((charter.ends_on - today).days + 1, 0) if charter else 0
        ended = self.state == "ended"
        self.listening = {} if ended else charters.still_listening(charter)
