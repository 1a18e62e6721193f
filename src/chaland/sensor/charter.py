"""Whether this sensor may listen: the signed charter decides, on the box and in the day's process.

Off by default: without a charter that is signed by the pinned town key, names this sensor, has not
ended, and describes the very mechanism of this software, nothing is captured.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from chaland.wire.charter import Charter, decode, is_signed
from chaland.wire.errors import WireErrorFinal
from chaland.wire.mechanism import annex_digest


class Refusal(StrEnum):
    """Why a sensor does not listen, or does not obey a charter that came."""

    NO_CHARTER = "no-charter"
    FORGED = "forged"
    OTHER_TOWN_KEY = "other-town-key"
    OLDER_VERSION = "older-version"
    NOT_LISTED = "not-listed"
    ENDED = "ended"
    ANNEX_DIFFERS = "annex-differs"
    WITHDRAWN = "withdrawn"
    """No charter says this: the hub does, until the next charter leaves the sensor out."""


WHAT_TO_DO: Mapping[Refusal, str] = {
    Refusal.NO_CHARTER: (
        "no signed charter has come yet, so this sensor does not listen: the director signs it "
        "and gives it to the hub (page Measurement); it is fetched within a minute"
    ),
    Refusal.FORGED: (
        "the hub sent a charter that its town key did not sign, and it is not obeyed: tell the "
        "association, the hub may be in other hands"
    ),
    Refusal.OTHER_TOWN_KEY: (
        "the charter is signed by another town key than the one that this box trusts: if the "
        "association really has a new key, run chaland sensor enroll --replace --town-key "
        "FINGERPRINT with the fingerprint from the poster; otherwise tell the association"
    ),
    Refusal.OLDER_VERSION: (
        "the hub sent an older charter than the one in force, and it is not obeyed: if the hub "
        "was restored from a back-up, give it the newest charter again"
    ),
    Refusal.NOT_LISTED: (
        "the charter does not name this sensor, so it does not listen: record the shop's agreement "
        "on the hub (page Measurement), then sign and give it the next charter"
    ),
    Refusal.ENDED: (
        "the measurement has ended, so this sensor does not listen: a new charter with a later "
        "end must be signed, or the box taken down"
    ),
    Refusal.ANNEX_DIFFERS: (
        "this software counts otherwise than the charter says, so it does not listen: sign a "
        "charter for this version (after reading its impact assessment), or install the version "
        "that was agreed"
    ),
    Refusal.WITHDRAWN: (
        "the hub says that the shop has withdrawn its agreement, or that this sensor was revoked, "
        "so it does not listen: take the box down, or let the shop agree again and sign the next "
        "charter"
    ),
}


class CharterRefusedFinal(Exception):
    """A charter that came is not obeyed; ``refusal`` says why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(WHAT_TO_DO[refusal])
        self.refusal = refusal


def accept(text: str, town_key: str, last: Charter | None) -> Charter:
    """Return the charter that ``text`` holds, if it may take the place of ``last``.

    ``town_key``: the fingerprint that is pinned. Raises CharterRefusedFinal.
    """
    try:
        charter = decode(text.encode("ascii"))
    except (WireErrorFinal, UnicodeEncodeError):
        raise CharterRefusedFinal(Refusal.FORGED) from None
    if not is_signed(charter):
        raise CharterRefusedFinal(Refusal.FORGED)
    if charter.fingerprint != town_key:
        raise CharterRefusedFinal(Refusal.OTHER_TOWN_KEY)
    if last is not None and charter != last and charter.version <= last.version:
        raise CharterRefusedFinal(Refusal.OLDER_VERSION)
    return charter


def permission(
    charter: Charter | None, sensor: str, today: date, annex_sha256: str = annex_digest()
) -> Refusal | None:
    """Return why ``sensor`` may not listen on a local day under an accepted charter, or None."""
    if charter is None:
        return Refusal.NO_CHARTER
    listed = charter.sensor(sensor)
    if listed is None or listed.agreed_on > today:
        return Refusal.NOT_LISTED
    if charter.ends_on < today:
        return Refusal.ENDED
    if charter.annex_sha256 != annex_sha256:
        return Refusal.ANNEX_DIFFERS
    return None
