"""How large the sketch should be: noise of a pair's day by places, epsilon and visitors."""

from dataclasses import replace

import numpy as np

from bench.report import table
from bench.utility.towns import MONTH, SHIPPED, Size, days_of, told
from chaland.simulate.movement import MODELS

PLACES = (512, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288)
VISITORS = (60, 125, 250, 500, 1000, 2000)
EPSILONS = (0.5, 1.0, 2.0, 3.0, 4.0)
DAYS, ZONE_SHOPS = 5, 5
MIXES = ((2048, 0), (3072, 0), (4096, 0), (2048, 512), (3072, 512), (3072, 1024), (1536, 1536))


def noise(visitors: float, places: float, epsilon: float) -> float:
    """Return the standard deviation of a day's co-visits of two shops with so many visitors.

    sqrt(places) (r + x (1 - x)) / x^2, x being the share of empty places and r the noise of
    randomised response: docs/explanation/co-visits.md. Bits only.
    """
    share = np.exp(-visitors / places)
    randomised = np.exp(epsilon) / np.expm1(epsilon) ** 2
    return float(np.sqrt(places) * (randomised + share * (1 - share)) / share**2)


def best(visitors: float, epsilon: float) -> tuple[int, float]:
    """Return the number of places with the least noise, to a hundred, and that noise."""
    sizes = np.arange(100, 60_000, 100)
    noises = np.array([noise(visitors, size, epsilon) for size in sizes])
    return int(sizes[noises.argmin()]), float(noises.min())


def sizes() -> str:
    """Return the table of noises by visitors and places at epsilon 2, each row's best beside."""
    rows = []
    for visitors in VISITORS:
        at, least = best(visitors, 2.0)
        cells = [f"{noise(visitors, places, 2.0):.1f}" for places in PLACES]
        rows.append([f"{visitors:,}", *cells, f"{at:,}: {least:.1f}"])
    return table(["visitors of each shop", *(f"{p:,}" for p in PLACES), "best"], rows)


def epsilons() -> str:
    """Return the table of the best size, its noise and the shipped size's, by epsilon."""
    rows = []
    for epsilon in EPSILONS:
        cells = []
        for visitors in VISITORS[1:5]:
            at, least = best(visitors, epsilon)
            cells.append(f"{at:,}: {least:.1f} ({noise(visitors, SHIPPED.bits, epsilon):.1f})")
        rows.append([f"{epsilon:g}", *cells])
    return table(["epsilon", *(f"{v:,} visitors" for v in VISITORS[1:5])], rows)


def ordered() -> str:
    """Return what ordered places cost the undirected figures and what they bring, simulated."""
    rows = []
    for bits, symbols in MIXES:
        cells: list[str] = []
        for size in (Size(30, 3000), Size(30, 6000)):
            visits = days_of(MODELS["gravity"], size, DAYS)
            days = told(visits, size, replace(SHIPPED, bits=bits, ordered=symbols))
            pair = np.mean([np.sqrt(np.outer(day.noise, day.noise)).mean() for day in days])
            directed = np.mean([np.outer(day.noise_before, day.noise_after).mean() for day in days])
            month = np.sqrt(ZONE_SHOPS**2 * MONTH * directed)
            cells += [f"{pair:.1f}", f"{month:,.0f}" if symbols else "-"]
        rows.append([f"{bits:,} + {symbols:,}", *cells])
    heads = [f"{what}, {n}" for n in ("3,000", "6,000") for what in ("pair's day", "zones' month")]
    return table(["bits + ordered", *heads], rows)
