"""F7: small hours are hidden by every door, and no difference of published sums tells more of them.

Three shops of a hub get weeks of cells with hours of known size. The director's page, its heat map,
its charts and its CSV are read for whole weeks and single days, for the town, a zone and each shop.
"""

import csv
import json
import re
from io import StringIO
from typing import Any

import numpy as np

from chaland.audit import closed
from chaland.audit.bench import Bench
from chaland.audit.report import Outcome
from chaland.audit.town import Town

SHOWN_AT_MOST = 0.01
"""Of small hours: noise lifts one in hundreds above the threshold, clear of its own error."""
BUSY_AT_LEAST = 0.9

THRESHOLD, ROUNDING = 10.0, 0.5

Json = dict[str, Any]
Hours = dict[tuple[str, int], float | None]


def judge(bench: Bench) -> Outcome:
    """Read the doors, then subtract."""
    outcome = Outcome()
    with Town(bench.folder / "doors", shops=0) as town:
        found = town.inside("publish", "published", seed=1)
        walked = town.inside("walk", "walked")
    outcome.require(found["repeats"], "the same question gets another answer after a rebuild")
    doors = [_hours(door) for door in found["doors"]]
    _hidden(outcome, found, doors)
    _differences(outcome, found)
    closed.judge(outcome, walked)
    return outcome


def _hours(door: Json) -> Hours:
    """Return the hours of single days that a door shows: (day, hour) to visits, or None."""
    shown: Hours = {}
    for row in csv.DictReader(StringIO(door["csv"])):
        if row["figure"] in ("hour", "heure"):
            value = row["value"].replace(",", ".")
            shown[row["from"], int(row["hour"])] = float(value) if value else None
    return shown


def _hidden(outcome: Outcome, found: Json, doors: list[Hours]) -> None:
    facts = next(iter(found["facts"].values()))  # the three shops have the same hours
    small = busy = small_shown = busy_shown = 0
    for door, hours in zip(found["doors"], doors, strict=True):
        for (day, hour), value in hours.items():
            fact = facts.get(f"{day} {hour}")
            if fact is None:
                continue
            if fact["people"] < 1:  # two visits an hour; six in the whole town
                small, small_shown = small + 1, small_shown + (value is not None)
            elif fact["people"] > 5:
                busy, busy_shown = busy + 1, busy_shown + (value is not None)
        shown = [
            value for value in (*hours.values(), *_on_the_map(door), *_in_charts(door)) if value
        ]
        least = min(shown, default=THRESHOLD)
        outcome.require(
            least >= THRESHOLD - ROUNDING,
            f"an hour with {least:g} visits is shown, which is under the threshold",
        )
    share = small_shown / max(small, 1)
    outcome.measure("hours of two visits looked at", small, "> 300")
    outcome.measure("of them shown", share, f"<= {SHOWN_AT_MOST}")
    outcome.measure("busy hours shown", busy_shown / max(busy, 1), f">= {BUSY_AT_LEAST}")
    outcome.require(small > 300, "the small hours were not found in the tables")
    outcome.require(share <= SHOWN_AT_MOST, f"{share:.1%} of hours under the threshold are shown")
    outcome.require(busy_shown >= BUSY_AT_LEAST * busy, "busy hours are hidden: nothing was tested")


def _on_the_map(door: Json) -> list[float]:
    """Return the numbers that stand in the heat map's cells, whatever their look."""
    texts = [text.split("(")[0] for row in door["heat"] for _, text in row]
    return [float(number) for text in texts for number in re.findall(r"\d+(?:\.\d+)?", text)]


def _in_charts(door: Json) -> list[float]:
    """Return the hourly values that the page gives to its charts."""
    found: list[float] = []
    for text in door["chart"]:
        chart = json.loads(text)
        if chart.get("unit") == "visits an hour":
            for series in chart["series"]:
                found += [value for value in series["values"] if value is not None]
    return found


def _differences(outcome: Outcome, found: Json) -> None:
    """Day total minus shown hours: it tells what the noised cells tell, and nothing of the truth.

    The attacker's figure of a day's hidden hours differs from their noised sum by rounding only;
    what is left does not know the noise (else it would point to the truth).
    """
    residues, noises = [], []
    for door in found["doors"]:
        slug = door["place"].removeprefix("&shop=")
        facts = found["facts"].get(slug)
        days = {row["from"] for row in csv.DictReader(StringIO(door["csv"])) if row["hour"]}
        if facts is None or len(days) != 1:
            continue
        total = _total(door["csv"])
        day = days.pop()
        hours = [fact for key, fact in facts.items() if key.startswith(day)]
        noised = sum(fact["noised"] for fact in hours)
        exact = sum(fact["exact"] for fact in hours)
        scale = 0.5 / 12 / (900 / 3600)  # fingerprints of a day to visits: people, windows, stay
        residues.append(total - noised * scale)
        noises.append((exact - noised) * scale)
    if len(residues) < 5:
        outcome.require(False, "too few single days were found to subtract")
        return
    left, noise = np.array(residues), np.array(noises)
    slope = float((left * noise).sum() / (noise * noise).sum())
    outcome.measure("share of the noise that a difference of tables takes off", slope, "< 0.5")
    outcome.require(slope < 0.5, "differences of published tables give the exact counts away")


def _total(text: str) -> float:
    for row in csv.DictReader(StringIO(text)):
        if row["figure"] in ("visits", "visites") and row["value"]:
            return float(row["value"].replace(",", "."))
    return 0.0
