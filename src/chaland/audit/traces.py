"""What a sensor leaves on its box: known files only, and words that depend on no phone (F1).

Two boxes hear the same two hours, one without a single phone, one with a crowd. What they write on
standard error and in their status must be the same text: a number in it that follows the crowd
would be a count without its noise.
"""

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from chaland.audit.radio import Canaries, data, heartbeat, pcap_header, pcap_record, probe
from chaland.audit.report import Outcome
from chaland.audit.town import Box, Run, Town

KNOWN = re.compile(
    r"key|sensor\.json|charter\.json|filter\.json|status\.json(\.new)?|forget"
    r"|spool/(lock|ledger\.json|(queue|parked)/[0-9]{16}(\.[a-z-]+)?\.json)"
)
_CHANGING = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(\+00:00|Z)?( UTC)?|[a-z2-7]{16}"
    r"|([a-z2-7]{4}-){3}[a-z2-7]{4}|box-[\w-]+|street-\w+"
)
_OF_THE_MOMENT = {"pid", "clock_skew_s", "answers", "town_key_held"}
_SPAN_S = 7200


def judge(town: Town, boxes: list[Box], outcome: Outcome) -> None:
    """Compare a quiet and a busy box, then look at the files of all."""
    told = []
    pair = [town.enrol(1), town.enrol(1)]
    town.sign_charter(*pair)
    for box, busy in zip(pair, (False, True), strict=True):
        capture = box.folder / "street.pcap"
        _write(capture, town.today_at(6), busy)
        run = box.run(str(capture))
        run.close()
        told.append((_words(run), _status(box)))
    for what, quiet, crowded in zip(("log", "status"), *told, strict=True):
        outcome.require(
            quiet == crowded,
            f"a sensor's {what} depends on phones: {_difference(quiet, crowded)}",
        )
    for box in [*boxes, *pair]:
        _closed(outcome, box)
    unknown = sorted({name for box in [*boxes, *pair] for name in _unknown(box)})
    outcome.require(not unknown, f"a sensor keeps files that it should not: {unknown[:5]}")


def _words(run: Run) -> str:
    return _CHANGING.sub("…", run.said())


def _status(box: Box) -> str:
    members = json.loads((box.state / "status.json").read_text())
    kept = {
        name: value
        for name, value in members.items()
        if name not in _OF_THE_MOMENT and not name.endswith("_at") and name != "at"
    }
    return _CHANGING.sub("…", json.dumps(kept, indent=1))


def _difference(one: str, other: str) -> str:
    lines = set(one.splitlines()) ^ set(other.splitlines())
    return "; ".join(sorted(line.strip() for line in lines)[:2])


def _closed(outcome: Outcome, box: Box) -> None:
    """The sensor's identity is its user's alone."""
    rights = stat.S_IMODE((box.state / "key").stat().st_mode)
    outcome.require(
        not rights & 0o077, f"others may read a sensor's key: its rights are {rights:o}"
    )


def _unknown(box: Box) -> Iterator[str]:
    for path in box.state.rglob("*"):
        name = str(path.relative_to(box.state))
        if path.is_file() and not KNOWN.fullmatch(name):
            yield f"state/{name}"
    for part in ("cwd", "tmp", "home"):
        for path in (box.folder / part).rglob("*"):
            if path.is_file():
                yield f"{part}/{path.name}"


def _write(path: Path, start_s: int, busy: bool) -> None:
    people = Canaries.draw()
    crowd = [*people.staying, *people.probing, *people.passing]
    with path.open("wb") as file:
        file.write(pcap_header())
        for at_s in range(0, _SPAN_S + 10, 10):
            frames = [heartbeat(at_s)]
            if busy and at_s % 50 == 0:
                here = crowd[at_s // 20 : at_s // 20 + 60]
                frames += [data(a) if i % 2 else probe(a) for i, a in enumerate(here)]
            for i, frame in enumerate(frames):
                file.write(pcap_record((start_s + at_s) * 10**6 + i, frame))
