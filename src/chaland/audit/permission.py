"""F11, F15, F16: without a charter that says so, nothing listens; and the hub takes nothing.

The same box, with its hub out of reach, starts under a dozen charters at once. Whether it listens
shows on its pipe of frames: what it does not read, it did not hear.
"""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from nacl.signing import SigningKey

from chaland.audit import annex
from chaland.audit.bench import Bench
from chaland.audit.radio import Canaries, data, heartbeat
from chaland.audit.report import Outcome
from chaland.audit.town import NOBODY, Box, Run, Town, until
from chaland.wire import charter as wire
from chaland.wire.charter import Charter

_SETTLE_S = 3.0
_GOOD = "valid"
_ROWS: Mapping[str, str] = {
    "without a charter": "F11",
    "not signed": "F11",
    "changed after signing": "F11",
    "signed by another town": "F11",
    "naming other sensors": "F11",
    "agreed from tomorrow on": "F11",
    "with another mechanism": "F15",
    "ended yesterday": "F16",
}


@dataclass(frozen=True, slots=True)
class Heard:
    """Whether a box listened under each charter, and what the hub said to uncovered summaries."""

    listened: Mapping[str, bool]
    said: Mapping[str, str]
    unsaid: Sequence[str]
    """Members of the annex that the page of the assessment does not show."""


def judge(bench: Bench, check: str) -> Outcome:
    """Judge one of the three rows by one story."""
    outcome, heard = Outcome(), bench.once("permission", _hear)
    outcome.require(heard.listened[_GOOD], "a sensor with a valid charter does not listen")
    for case, row in _ROWS.items():
        if row != check:
            continue
        outcome.measure(f"listens {case}", heard.listened[case], False)
        outcome.require(not heard.listened[case], f"a sensor listens under a charter {case}")
    wanted = {
        "F11": (
            "not listed", "not agreed yet", "agreed the day after", "without a charter",
            "withdrawn", "a charter of another key", "a charter changed after signing",
            "an older charter",
        ),
        "F15": ("another mechanism",),
        "F16": ("ended", "ended the day before"),
    }[check]  # fmt: skip
    outcome.require(heard.said["covered"] == "accepted", "the hub refuses what the charter covers")
    for case in wanted:
        outcome.measure(f"the hub's answer: {case}", heard.said[case], "a refusal")
        outcome.require(heard.said[case] != "accepted", f"the hub takes a summary: {case}")
    if check == "F15":
        annex.judge(outcome)
        outcome.require(not heard.unsaid, f"the assessment does not show {heard.unsaid[:3]}")
    return outcome


def _hear(bench: Bench) -> Heard:
    with Town(bench.folder / "permission", shops=1) as town:
        box = town.enrol(0)
        document = town.sign_charter(box)
        listened = _listen(town, box, document)
        key = (box.state / "key").read_text().strip()
        start = datetime.fromtimestamp(town.today_at(8), UTC) - timedelta(days=2)
        said = town.inside("consent", key=key, town_key=town.key.hex(), start=start.isoformat())
    return Heard(listened, said["said"], said["unsaid"])


def _listen(town: Town, box: Box, document: bytes) -> dict[str, bool]:
    charter = wire.decode(document)
    cases = _charters(charter, SigningKey(town.key))
    runs: dict[str, tuple[Run, int]] = {}
    for number, (case, body) in enumerate(cases.items()):
        other = box.copy(f"case-{number}")
        _settle(other, body, charter.fingerprint)
        run = other.run()
        radio = run.tune(town.today_at(9))
        canaries = Canaries.draw().staying[:20]
        radio.hear(0.5, [heartbeat(0), *(data(address) for address in canaries)])
        runs[case] = run, run.unread()
    good, size = runs[_GOOD]
    until(lambda: good.unread() < size or good.has_ended(), "a sensor with a charter listens", 30)
    time.sleep(_SETTLE_S)
    listened = {case: run.unread() < written for case, (run, written) in runs.items()}
    for run, _ in runs.values():
        run.kill()
    return listened


def _settle(box: Box, charter: bytes, fingerprint: str) -> None:
    """Give the box its charter (none if empty), the pinned town key, and no hub."""
    config = box.config() | {"hub": "http://127.0.0.1:9", "town_key": fingerprint}
    box.configure(config)
    path = box.state / "charter.json"
    path.unlink(missing_ok=True)
    if charter:
        path.write_bytes(charter)
        os.chown(path, NOBODY, NOBODY)


def _charters(charter: Charter, key: SigningKey) -> dict[str, bytes]:
    today = date.today()  # noqa: DTZ011 (days before and after, in whatever zone)
    later = tuple(replace(s, agreed_on=today + timedelta(days=3)) for s in charter.sensors)
    foreign = SigningKey.generate()

    def signed(**changes: object) -> bytes:
        draft = replace(charter, version=charter.version + 1, **changes)  # type: ignore[arg-type]
        return wire.encode(wire.sign(draft, key))

    return {
        _GOOD: wire.encode(charter),
        "without a charter": b"",
        "not signed": wire.encode(replace(charter, signature="")),
        "changed after signing": wire.encode(replace(charter, purpose="another")),
        "signed by another town": wire.encode(wire.sign(charter, foreign)),
        "naming other sensors": signed(sensors=()),
        "agreed from tomorrow on": signed(sensors=later),
        "with another mechanism": signed(annex_sha256="0" * 64),
        "ended yesterday": signed(ends_on=today - timedelta(days=2)),
    }
