"""What co-visits can be told at which epsilon, against the truth of simulated towns.

``python -m bench privacy_utility``; with another movement model ``--model package.module:name``
(a callable like those in chaland.simulate.movement), which gets a section of its own.
"""

import argparse
import os
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module

# Small matrices: threads of the linear algebra would only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from bench.report import table, write_section
from bench.utility import ablation, chart, honesty, hourly, laws, study, words
from bench.utility.errors import Errors, PairErrors, measure, pair_errors, sums
from bench.utility.towns import (
    BEFORE,
    MONTH,
    PLAIN,
    SHIPPED,
    Size,
    at_epsilon,
    days_of,
    told,
    truth,
)
from chaland.simulate.movement import HELD_OUT, MODELS, Movement

TRIAL, SECOND_TRIAL = Size(30, 3000), Size(30, 6000)
SIZES = (Size(10, 1000), TRIAL, Size(60, 8000))
EPSILONS = ("0.5", "1", "2", "3", "4")
NOISELESS = "40"


def main() -> int:
    """Measure, and write the section; one for each model asked for, or that of all shipped ones."""
    arguments = argparse.ArgumentParser(prog="bench privacy_utility", description=__doc__)
    arguments.add_argument("--model", metavar="MODULE:NAME", help="measure this movement model")
    wanted = arguments.parse_args().model
    command = "python -m bench privacy_utility"
    if wanted:
        text = "\n\n".join(_parts({wanted: _load(wanted)}))
        write_section(f"Co-visits: {wanted}", f"{command} --model {wanted}", text)
        return 0
    chart.draw()
    text = "\n\n".join([*_parts({**MODELS, **HELD_OUT}), *_studies()])
    write_section("Co-visits", command, text)
    return 0


def _load(name: str) -> Movement:
    module, _, attribute = name.partition(":")
    if not attribute:
        sys.exit(f"--model {name}: write it as package.module:name")
    model: Movement = getattr(import_module(module), attribute)
    return model


def _parts(models: Mapping[str, Movement]) -> Iterable[str]:
    found: dict[tuple[str, Size, str], Errors] = {}
    published: dict[str, tuple[str, str]] = {}
    for name, model in models.items():
        for size in (*SIZES, SECOND_TRIAL):
            visits = days_of(model, size, BEFORE + MONTH)
            truths = [truth(day, size) for day in visits]
            for epsilon in EPSILONS if size in SIZES else ("2",):
                days = told(visits, size, at_epsilon(epsilon))
                found[name, size, epsilon] = measure(days, truths)
            if size == TRIAL:
                month = np.sum([each.covisits for each in truths[BEFORE:]], axis=0)
                published[name] = tuple(
                    _both(PairErrors(*pair_errors(sums(told(visits[BEFORE:], size, like)), month)))
                    for like in (PLAIN, at_epsilon(NOISELESS))
                )
    yield words.AIMS.strip()
    yield _aims(models, found, published)
    yield words.BY_EPSILON
    yield _by_epsilon(models, found)
    yield words.HONEST
    yield _honest(models, found)


def _both(errors: PairErrors) -> str:
    return f"{errors.strongest:.1%} / {errors.upper:.1%}"


def _told(error: float, digits: int = 1) -> str:
    return "not told" if np.isnan(error) else f"{error:.{digits}%}"


def _aims(
    models: Iterable[str],
    found: Mapping[tuple[str, Size, str], Errors],
    published: Mapping[str, tuple[str, str]],
) -> str:
    rows = []
    for name in models:
        month, second = found[name, TRIAL, "2"], found[name, SECOND_TRIAL, "2"]
        rows.append(
            [
                name,
                *published[name],
                _both(month.first_month),
                _both(month.month),
                _told(second.zones_plain),
                _told(second.zones_first_week),
                _told(second.zones),
                _told(month.zones),
                _told(second.both),
            ]
        )
    rows.append(["aim", "", "", "5 % / 10 %", "5 % / 10 %", "", "", "8 %", "", ""])
    rows.append(["published trial", "7.4 % / -", "", "", "", "10-12 %", "", "", "", ""])
    head = [
        *("model", "shops, month: plain BLIP", "no noise", "first month", "third month"),
        *("zones, day: plain sums", "first week", "fifth week", "3,000 a day", "different people"),
    ]
    return table(head, rows)


def _by_epsilon(
    models: Mapping[str, Movement], found: Mapping[tuple[str, Size, str], Errors]
) -> str:
    rows = []
    for size in SIZES:
        for epsilon in EPSILONS:
            each = [found[name, size, epsilon] for name in models]
            rows.append(
                [
                    f"{size}, epsilon {epsilon}",
                    _mean_both([e.plain for e in each]),
                    _mean_both([e.month for e in each]),
                    _mean_both([e.week for e in each]),
                    _mean_worst([e.zones_plain for e in each]),
                    _mean_worst([e.zones for e in each]),
                    _mean_worst([e.both for e in each]),
                    _mean_worst([e.visitors for e in each]),
                ]
            )
    head = [
        *("town", "shops, month: plain", "month", "week", "zones, day: plain", "day"),
        *("different people", "town's visitors"),
    ]
    return table(head, rows)


def _mean_both(errors: list[PairErrors]) -> str:
    strongest, above = ([getattr(e, f) for e in errors] for f in ("strongest", "upper"))
    return f"{np.mean(strongest):.1%} / {np.mean(above):.1%}"


def _mean_worst(errors: list[float]) -> str:
    if np.isnan(errors).any():
        return "not told"
    return f"{np.mean(errors):.1%} ({max(errors):.1%})"


def _honest(models: Iterable[str], found: Mapping[tuple[str, Size, str], Errors]) -> str:
    rows = []
    for name in models:
        for epsilon in ("1", "2", "4"):
            each = found[name, TRIAL, epsilon]
            rows.append(
                [
                    f"{name}, epsilon {epsilon}",
                    *(
                        f"{part.held:.0%} / {part.shown:.0%}"
                        for part in (each.first_month, each.month, each.week)
                    ),
                    f"{each.zones_held:.0%} / {each.zones_shown:.0%}",
                    "not told" if np.isnan(each.both) else _told(each.both_held, 0),
                    "not told" if np.isnan(each.visitors) else _told(each.visitors_held, 0),
                ]
            )
    head = [
        *("model", "first month", "third month", "week", "zones, day", "different people"),
        "town's visitors",
    ]
    return table(head, rows)


def _studies() -> Iterable[str]:
    yield words.EVENTS
    yield honesty.events((TRIAL, SECOND_TRIAL, Size(30, 12_000)))
    yield words.FIRST_ROWS
    yield honesty.first_rows({**MODELS, **HELD_OUT}, TRIAL)
    yield words.LAWS
    yield laws.by_law(TRIAL)
    yield words.ABLATION
    yield _ablations()
    yield words.STUDY
    yield study.sizes()
    yield words.STUDY_EPSILON
    yield study.epsilons()
    yield words.STUDY_ORDERED
    yield study.ordered()
    yield words.HOURLY
    yield hourly.by_epsilon(EPSILONS, SIZES)


def _ablations() -> str:
    shops: dict[str, list[str]] = {}
    zones: dict[str, list[str]] = {}
    for model in MODELS.values():
        for size, into in ((TRIAL, shops), (SECOND_TRIAL, zones)):
            visits = days_of(model, size, BEFORE + MONTH)
            truths = [truth(day, size) for day in visits]
            days = told(visits, size, SHIPPED)
            if size == TRIAL:
                for name, (strongest, above) in ablation.shops(days, truths).items():
                    into.setdefault(name, []).append(f"{strongest:.1%} / {above:.1%}")
            else:
                for name, wrong in ablation.zones(days, truths).items():
                    into.setdefault(name, []).append(f"{wrong:.1%}")
    head = list(MODELS)
    return "\n\n".join(
        [
            table(["shop pairs, month", *head], ([name, *cells] for name, cells in shops.items())),
            table(["zone pairs, day", *head], ([name, *cells] for name, cells in zones.items())),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
