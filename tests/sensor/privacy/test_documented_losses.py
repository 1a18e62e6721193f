"""The losses that the explanation states are those of the mechanism in use."""

from fractions import Fraction
from pathlib import Path

from chaland.sensor.privacy import DEFAULT_MECHANISM
from chaland.wire.summary import Mode

PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "privacy-mechanism.md"
WINDOWS_A_DAY = 288
COUNTS = DEFAULT_MECHANISM.counts[Mode.DEFAULT]


def decimal(loss: Fraction) -> str:
    return f"{float(loss):g}"


def test_the_table_of_daily_sums() -> None:
    window = sum(1 / COUNTS[name].scale for name in ("fingerprints", "scans"))
    flow = Fraction(COUNTS["arrivals"].epsilon) + Fraction(DEFAULT_MECHANISM.flood.epsilon)
    visit = flow + Fraction(DEFAULT_MECHANISM.dwell.epsilon)
    stays = WINDOWS_A_DAY * window + visit
    losses = [window, visit, 7 * window + visit, 4 * (7 * window + visit), stays]
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("|")][2:]
    assert [row.split("|")[2].strip() for row in rows] == [decimal(Fraction(n)) for n in losses]


def test_the_loss_of_a_phone_with_changing_addresses() -> None:
    minute, slot = (1 / COUNTS[name].scale for name in ("fingerprints", "scans"))
    minutes = 900 // DEFAULT_MECHANISM.fingerprint_slot_s
    slots = 900 // DEFAULT_MECHANISM.scan_slot_s
    text = " ".join(PAGE.read_text().split())
    assert f"{decimal(minute)} for a fingerprint in a new minute, {decimal(slot)} for" in text
    assert f"phone-level bounds of {minutes} and {slots} per fingerprint" in text
    assert f"a loss of {decimal(minutes * minute + slots * slot)} at the very most" in text
    assert f"moves either by 10 a cell and loses {decimal(10 * (minute + slot))}" in text


def test_the_constants_of_the_flood_test() -> None:
    text = PAGE.read_text()
    assert f"{DEFAULT_MECHANISM.visit_capacity:,} − {DEFAULT_MECHANISM.flood_margin:,}" in text
    assert f"N = {DEFAULT_MECHANISM.window_capacity:,}" in text
