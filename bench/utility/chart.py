"""The chart of the study: noise by size of the sketch, as SVG."""

from pathlib import Path

import numpy as np

from bench.utility.study import PLACES, VISITORS, noise
from bench.utility.towns import SHIPPED

FILE = Path(__file__).parents[2] / "docs" / "images" / "sketch-size.svg"
LEFT, TOP, WIDE, HIGH = 70, 20, 560, 300
LOWEST, HIGHEST = 0.9, 2.6
TICKS = (1.0, 1.5, 2.0, 2.5)


def draw() -> None:
    """Draw noise over visitors' root against places, one line for each number of visitors."""
    bottom, right = TOP + HIGH, LEFT + WIDE
    shipped = _x(SHIPPED.bits)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right + 60} {bottom + 50}" '
        'font-family="sans-serif" font-size="12" role="img" '
        'aria-label="Noise of a day&#39;s co-visits by size of the sketch">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<path d="M{LEFT},{TOP}V{bottom}H{right}" fill="none" stroke="#555"/>',
        f'<path d="M{shipped:.1f},{TOP}V{bottom}" stroke="#b00" stroke-dasharray="4 4"/>',
        *(_text(_x(p), bottom + 18, f"{p:,}", "middle") for p in PLACES),
        *(_text(LEFT - 8, _y(value) + 4, f"{value:g}", "end") for value in TICKS),
        *(_line(index, visitors) for index, visitors in enumerate(VISITORS)),
        _text(LEFT + WIDE / 2, bottom + 40, "bits of the sketch (dashed: shipped)", "middle"),
        f'<text transform="translate(16 {TOP + HIGH / 2}) rotate(-90)" text-anchor="middle">'
        "noise of a pair&#39;s day / root of visitors</text>",
        "</svg>",
    ]
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text("\n".join(parts) + "\n")


def _x(places: float) -> float:
    first, last = np.log2(PLACES[0]), np.log2(PLACES[-1])
    return LEFT + float((np.log2(places) - first) / (last - first)) * WIDE


def _y(value: float) -> float:
    return TOP + HIGH - (value - LOWEST) / (HIGHEST - LOWEST) * HIGH


def _text(x: float, y: float, said: str, anchor: str, colour: str = "#333") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{said}</text>'


def _line(index: int, visitors: int) -> str:
    colour = f"hsl({205 + 25 * index} 60% {30 + 6 * index}%)"
    steps = np.geomspace(PLACES[0], PLACES[-1], 120)
    values = np.array([noise(visitors, places, 2.0) for places in steps]) / np.sqrt(visitors)
    shown = [(_x(p), _y(v)) for p, v in zip(steps, values, strict=True) if v <= HIGHEST]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in shown)
    x, y = shown[-1]
    line = f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
    return line + _text(x + 6, y + 4, f"{visitors:,}", "start", colour)
