"""The hub's answers to a summary, each with its HTTP status and what the sensor does about it."""

from dataclasses import dataclass
from enum import StrEnum

from chaland.wire.fields import dump, load, readable
from chaland.wire.summary import MAX_SEQUENCE

FORMAT = "chaland.answer/1"
MAX_BYTES = 2048


class Meaning(StrEnum):
    """What a sensor does with the summary that was answered."""

    DONE = "done"
    """The hub has it: delete it."""
    HOLD = "hold"
    """The fault is not in the summary: keep it, say so, try again later."""
    RENUMBER = "renumber"
    """The hub is past this sequence number: go past it too, and send under a new number."""
    PARK = "park"
    """It will never be accepted: set it aside where a technician sees it."""


class Code(StrEnum):
    """Every answer to a summary; all but ``accepted`` are counted by the hub under this name."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    SEQUENCE_CONFLICT = "sequence-conflict"
    SEQUENCE_REPLAYED = "sequence-replayed"
    CLOCK_JUMP = "clock-jump"
    FORGED_SIGNATURE = "forged-signature"
    UNKNOWN_SENSOR = "unknown-sensor"
    REVOKED_SENSOR = "revoked-sensor"
    OVERSIZED = "oversized"
    FUTURE_DATED = "future-dated"
    TOO_OLD = "too-old"
    MALFORMED = "malformed"
    CELL_REPEATED = "cell-repeated"
    DWELL_REPEATED = "dwell-repeated"
    SIMULATED = "simulated"
    OVER_BUDGET = "over-budget"
    NOT_AGREED = "not-agreed"
    CHARTER_OUTDATED = "charter-outdated"


_ANSWERS: dict[Code, tuple[int, Meaning]] = {
    Code.ACCEPTED: (201, Meaning.DONE),
    Code.DUPLICATE: (200, Meaning.DONE),
    Code.SEQUENCE_CONFLICT: (409, Meaning.RENUMBER),
    Code.SEQUENCE_REPLAYED: (409, Meaning.RENUMBER),
    Code.CLOCK_JUMP: (401, Meaning.HOLD),
    Code.FORGED_SIGNATURE: (401, Meaning.HOLD),
    Code.UNKNOWN_SENSOR: (401, Meaning.HOLD),
    Code.REVOKED_SENSOR: (403, Meaning.HOLD),
    Code.OVERSIZED: (413, Meaning.PARK),
    Code.FUTURE_DATED: (422, Meaning.PARK),
    Code.TOO_OLD: (422, Meaning.PARK),
    Code.MALFORMED: (400, Meaning.PARK),
    Code.CELL_REPEATED: (409, Meaning.PARK),
    Code.DWELL_REPEATED: (409, Meaning.PARK),
    Code.SIMULATED: (422, Meaning.PARK),
    Code.OVER_BUDGET: (422, Meaning.PARK),
    Code.NOT_AGREED: (403, Meaning.PARK),
    Code.CHARTER_OUTDATED: (403, Meaning.HOLD),
}


def status_of(code: Code) -> int:
    """Return the HTTP status that carries an answer."""
    return _ANSWERS[code][0]


def meaning_of(code: Code) -> Meaning:
    """Return what the sensor does about an answer."""
    return _ANSWERS[code][1]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its code, a sentence that says what to do, and the hub's last sequence number.

    ``last_sequence`` is 0 until the sender has proved who it is.
    """

    code: Code
    message: str
    last_sequence: int = 0


def encode(answer: Answer) -> bytes:
    """Write an answer's bytes."""
    return dump(
        {
            "format": FORMAT,
            "code": answer.code,
            "message": answer.message,
            "last_sequence": answer.last_sequence,
        }
    )


def decode(body: bytes) -> Answer:
    """Read an answer; a later version may add members. Raises WireErrorFinal if it is none."""
    fields = load(body, MAX_BYTES)
    if fields.take("format") != FORMAT:
        raise fields.refuse("format", f"must be {FORMAT}")
    message = fields.take("message")
    if not isinstance(message, str):
        raise fields.refuse("message", "must be a text")
    code = fields.choice("code", Code)
    last_sequence = fields.integer("last_sequence", 0, MAX_SEQUENCE)
    return Answer(code, readable(message, MAX_BYTES), last_sequence)
