"""F8: noise can't be averaged away: one draw a cell, whatever is asked, sent or restarted."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from chaland.audit import egress
from chaland.audit.bench import Bench
from chaland.audit.promises import DAY_LIMITS
from chaland.audit.radio import Canaries, data, heartbeat, pcap_header, pcap_record
from chaland.audit.report import Outcome
from chaland.audit.town import Box, BrokenFinal, Town

_WANTED = {
    "first": {"accepted"},
    "the same again": {"duplicate"},
    "the same cell drawn anew": {"cell-repeated"},
    "a count with a larger epsilon": {"over-budget", "malformed"},
    "a wider bound for the same noise": {"over-budget", "malformed"},
    "the day's dwell": {"accepted"},
    "the dwell drawn anew": {"dwell-repeated", "over-budget"},
    "a cell when E1 is spent": {"over-budget"},
    "a cell when E2 is spent": {"over-budget"},
}


def judge(bench: Bench) -> Outcome:
    """Send twice, restart, overspend."""
    outcome = Outcome()
    town = bench.town
    box = town.enrol(0)
    town.sign_charter(box)
    _restart(outcome, town, box)
    _stored_as_sent(outcome, town, box)
    key = (box.state / "key").read_text().strip()
    start = datetime.fromtimestamp(town.today_at(12), UTC) - timedelta(days=3)
    found = town.inside("spend", key=key, start=start.isoformat())
    for case, wanted in _WANTED.items():
        said = found["said"][case]
        outcome.measure(f"the hub's answer: {case}", said, " or ".join(sorted(wanted)))
        outcome.require(said in wanted, f"the hub's answer to {case} is {said}")
    _account(outcome, found["entered"], found["sensors"])
    outcome.require(found["stored"] == [5], f"one cell is stored as {found['stored']}")
    return outcome


def _account(outcome: Outcome, entered: dict[str, list[Any]], sensors: int) -> None:
    """Two cells and one day were accepted: what is entered of them, and the day's limits."""
    wanted = {"E1": (2, "1.5"), "E2": (2, "0.92"), "E4": (1, "0.25")}
    outcome.measure("entered in the account, releases and epsilon by row", entered)
    for row, (releases, epsilon) in wanted.items():
        found = entered.get(row, [0, "0", "0"])
        outcome.require(
            (found[0], Decimal(found[1])) == (releases, Decimal(epsilon)),
            f"the account of row {row} says {found[:2]}, not {releases} and {epsilon}",
        )
    for row, (_, _, limit) in entered.items():
        outcome.require(
            Decimal(limit) == sensors * Decimal(DAY_LIMITS[row]),
            f"a day's limit of row {row} is {limit} for {sensors} sensors, not {DAY_LIMITS[row]} "
            "for each",
        )


def _restart(outcome: Outcome, town: Town, box: Box) -> None:
    """A sensor is started again on the same capture, as a file and as a pipe."""
    capture = box.folder / "hours.pcap"
    _write(capture, town.today_at(6))
    box.run(str(capture)).close()
    once = _released(town, box)
    if len(once) < 8:
        raise BrokenFinal(f"of ten quarter hours, {len(once)} were released")
    box.run(str(capture)).close()
    piped = box.run()
    piped.feed(capture)
    piped.close()
    again = _released(town, box)
    bodies = len(list((box.state / "spool").rglob("*.json"))) - 1
    outcome.measure("cells released, and again after two restarts", f"{len(once)}, {len(again)}")
    outcome.require(
        again.items() <= once.items(), "a restarted sensor released a cell a second time"
    )
    outcome.require(bodies <= 0, f"{bodies} second releases wait in the spool")


def _released(town: Town, box: Box) -> dict[datetime, str]:
    """Return what was sent for each cell, and tell cells that were sent with several values."""
    found: dict[datetime, set[str]] = {}
    for sent in egress.summaries(town.post, box.sensor):
        if sent.cell.counts:
            said = f"{sent.cell.counts} {sent.cell.dwell}"
            found.setdefault(sent.cell.start, set()).add(said)
    return {start: " and ".join(sorted(said)) for start, said in found.items()}


def _stored_as_sent(outcome: Outcome, town: Town, box: Box) -> None:
    """What the hub has of the sensor is what the sensor sent, and nothing besides."""
    stored = town.inside("stored", sensor=box.sensor)["cells"]
    sent = {
        each.cell.start.isoformat(): {name: c.value for name, c in each.cell.counts.items()}
        for each in egress.summaries(town.post, box.sensor)
    }
    differing = [start for start, counts in stored.items() if sent.get(start) != counts]
    outcome.measure("stored cells that are not as they were sent", len(differing), 0)
    outcome.require(not differing, f"the hub stores other values than were sent: {differing[:3]}")


def _write(path: Path, start_s: int) -> None:
    """Write two hours and a half with some people in them."""
    people = Canaries.draw().staying[:40]
    with path.open("wb") as file:
        file.write(pcap_header())
        for at_s in range(0, 9000, 20):
            frames = [heartbeat(at_s)]
            if at_s % 60 == 0:
                frames += [data(address) for address in people[: at_s // 200]]
            for i, frame in enumerate(frames):
                file.write(pcap_record((start_s + at_s) * 10**6 + i, frame))
