"""How well people are counted: ``python -m bench counting``. Needs the shared field data.

First part: the Brno room, calibrated on all days but the one tested, before and after the release
noise. Second part: crowds mixed from labelled phones, with scale factors learned on other phones.
"""

import sys
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np

from bench.field import brno, labelled
from bench.field.crowds import ESTIMATORS, SIZES, judge, mix
from bench.field.released import as_released, hourly, released, straight
from bench.field.scores import Floats, Score, mean, score
from bench.report import table, write_section
from chaland.hub.footfall import estimates
from chaland.wire.periods import CELL_S
from chaland.wire.summary import Mode

DATA = Path(__file__).parents[2] / "shared" / "data" / "wifi"
SPLITS = {"0.75 + 0": ("0.75", "0"), "0.6 + 0.15": ("0.6", "0.15"), "0.5 + 0.25": ("0.5", "0.25")}
HEADER = ("", "15 min", "hour", "r", "people >= 5", "MAPE >= 5")


def main() -> int:
    """Measure, print, and write the section of RESULTS.md."""
    if not DATA.is_dir():
        print(f"field data not present at {DATA}")
        return 1
    room = brno.listen(DATA / "brno")
    strict = brno.listen(DATA / "brno", Mode.STRICT)
    parts = [
        *_introduction(room),
        "### The estimator alone (no noise)\n",
        table(HEADER, _alone(room, strict)),
        "\n### As released (noise on; mean of 20 draws)\n",
        table((*HEADER, "90 % holds: cells", "hours"), _released(room, strict)),
        "\n### Does it last, and what else was tried\n",
        table(HEADER[:3], _lasting(room)),
        *_crowds(),
    ]
    write_section("Counting people", "python -m bench counting", "\n".join(parts))
    return 0


def _introduction(room: brno.Room) -> list[str]:
    return [
        f"Brno: {len(room.truth)} quarter hours of {len(np.unique(room.day))} days, "
        f"{room.truth.max():.0f} people at most, on average {room.truth.mean():.1f}. Errors "
        "are mean absolute errors in people on days left out of the calibration "
        "(leave-one-day-out). *Straight* is a line with intercept, as in published comparisons; "
        "*calibrated* is what the product does (`estimates.fit`).\n"
    ]


def _row(name: str, found: Score, hour: float, *more: str) -> tuple[str, ...]:
    return (
        name,
        f"{found.mae:.2f}",
        f"{hour:.2f}",
        f"{found.r:.3f}",
        f"{found.mae_busy:.2f}",
        f"{100 * found.mape_busy:.0f} %",
        *more,
    )


def _alone(room: brno.Room, strict: brno.Room) -> list[tuple[str, ...]]:
    features: Mapping[str, tuple[brno.Room, Mapping[str, Floats]]] = {
        "distinct addresses (baseline)": (room, {"scans": room.addresses}),
        "fingerprints": (room, {"fingerprints": room.counts["fingerprints"]}),
        "scans": (room, {"scans": room.counts["scans"]}),
        "fingerprints and scans (default)": (room, room.counts),
        "scans by signal level (strict)": (strict, strict.counts),
    }
    rows = []
    for name, (where, counts) in features.items():
        if len(counts) == 1:
            guess = straight(next(iter(counts.values())), where.truth, where.day)
            rows.append(_row(f"{name}, straight", score(guess, where.truth), hourly(where, guess)))
        made = estimates.fit(
            counts, where.windows, dict.fromkeys(counts, 0.0), where.truth, where.day
        )
        found = score(made.held_out, where.truth)
        rows.append(_row(f"{name}, calibrated", found, hourly(where, made.held_out)))
    return rows


def _released(room: brno.Room, strict: brno.Room) -> list[tuple[str, ...]]:
    plans = {
        f"default, epsilon {name}": (room, {"fingerprints": split[0], "scans": split[1]})
        for name, split in SPLITS.items()
    }
    plans["strict, epsilon 0.75"] = (strict, {"scans": "0.75"})
    rows = []
    for name, (where, epsilons) in plans.items():
        spent = {key: Fraction(value) for key, value in epsilons.items() if Fraction(value)}
        draws = as_released(where, spent)
        rows.append(
            _row(
                name,
                mean([draw.score for draw in draws]),
                float(np.mean([draw.hour_mae for draw in draws])),
                f"{100 * np.mean([draw.cells_held for draw in draws]):.0f} %",
                f"{100 * np.mean([draw.hours_held for draw in draws]):.0f} %",
            )
        )
    return rows


def _lasting(room: brno.Room) -> list[tuple[str, ...]]:
    """Calibrate on one half and test on the other; leave fixed devices in; smooth over time."""
    half = np.where(room.day < np.median(np.unique(room.day)), 0, 1)
    rows: list[tuple[str, ...]] = []
    for name, test in (("the first half of the days, tested on the second", 1), ("the reverse", 0)):
        train = half != test
        made = estimates.fit(
            {key: count[train] for key, count in room.counts.items()},
            room.windows[train],
            dict.fromkeys(room.counts, 0.0),
            room.truth[train],
            room.day[train],
        )
        guess, _ = estimates.occupancy(
            room.counts,
            room.windows,
            dict.fromkeys(room.counts, 0.0),
            made.coefficients,
            made.residual_sd,
        )
        error = np.abs(guess - room.truth)[~train]
        hour = hourly(room, np.where(train, np.nan, guess))
        rows.append((f"calibrated on {name} (alone)", f"{error.mean():.2f}", f"{hour:.2f}"))
    fixed = brno.listen(DATA / "brno", with_fixed=True)
    made = estimates.fit(
        fixed.counts, fixed.windows, dict.fromkeys(fixed.counts, 0.0), fixed.truth, fixed.day
    )
    mae = f"{made.held_out_mae:.2f}"
    rows.append(
        ("the room's fixed computers left in (alone)", mae, f"{hourly(fixed, made.held_out):.2f}")
    )
    counts, scales = released(room, {"fingerprints": Fraction("0.6"), "scans": Fraction("0.15")}, 1)
    made = estimates.fit(counts, room.windows, scales, room.truth, room.day)
    now = np.array(
        [
            estimates.occupancy_now(made.held_out[at], np.ones(len(at)))[0]
            for at in (_up_to(room, i) for i in range(len(room.truth)))
        ]
    )
    mae = f"{np.abs(now - room.truth).mean():.2f}"
    rows.append(
        ('"now": the last two cells weighed 2 to 1 (as released)', mae, f"{hourly(room, now):.2f}")
    )
    return rows


def _up_to(room: brno.Room, i: int) -> brno.Ints:
    follows = i > 0 and room.start_s[i] - room.start_s[i - 1] == CELL_S
    return np.array([i - 1, i] if follows else [i])


def _crowds() -> list[str]:
    phones = labelled.devices(DATA)
    judged = judge(mix(phones, splits=12, mixes=3))
    rows = [
        (
            name,
            *(
                f"{100 * judged[name][size].bias:+.0f} % / {100 * judged[name][size].mape:.0f} %"
                for size in SIZES
            ),
        )
        for name in ESTIMATORS
    ]
    return [
        "\n### Crowds of labelled phones: bias / mean absolute percentage error\n",
        f"{len(phones)} devices, half of them to learn the scale factor (crowds of 10 and 30), the "
        "other half to test; no calibration on the spot.\n",
        table(("phones in the crowd", *map(str, SIZES)), rows),
    ]


if __name__ == "__main__":
    sys.exit(main())
