"""The whole chain from frame bytes to released cells: accounting, objection, noise, drawn once."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chaland.sensor.drops import Drop
from chaland.sensor.pipeline import Pipeline, PipelineConfig
from chaland.sensor.privacy import SeededBits
from chaland.wire.mechanism import DEFAULT_MECHANISM
from chaland.wire.summary import Mode, decode_release, encode_release

NOON = datetime(2023, 11, 15, 12, 0, tzinfo=UTC)


def busy(new_air: Any, address: Any, elements: Any, until_s: int = 900) -> Any:
    air = new_air()
    air.ticks(0, until_s, beacons=True)
    for i in range(1, until_s, 7):
        air.probe(i + 0.1, address(i % 40), elements(i % 9), rssi_dbm=-50 - i % 60)
        air.data(i + 0.2, address(100 + i % 5), -50 - i % 60)
    return air


def test_each_frame_is_used_or_counted_under_one_reason(
    new_air: Any, address: Any, elements: Any, pipeline_of: Any
) -> None:
    air = new_air()
    air.ticks(0, 10)
    air.probe(1, address(1), elements(1))
    air.probe(2, address(2), elements(1), rssi_dbm=-80)
    air.probe(3, address(3), elements(1), rssi_dbm=-86)
    air.probe(4, address(4), elements(1), ssid=b"chaland-optout")
    air.probe(5, address(4), elements(1))
    air.beacon(6, bssid=address(5))
    air.records.append((air.records[0][0] + 7_000_000, b"\x00"))
    pipeline = pipeline_of(air.in_order())
    list(pipeline.run())
    assert {reason: n for reason, n in pipeline.drops.items() if n} == {
        Drop.NOT_FOLLOWABLE: 1,
        Drop.SIGNAL_WEAK: 1,
        Drop.OBJECTED: 2,
        Drop.HOTSPOT_BEACON: 1,
        Drop.RADIO_HEADER_TRUNCATED: 1,
    }
    assert pipeline.frames == 7


def test_a_frame_without_signal_strength_is_named(new_air: Any, pipeline_of: Any) -> None:
    air = new_air()
    air.link_type = 105
    air.records = [(1_700_049_600_000_000, b"\x40\x00\x00\x00" + bytes(20) + b"\x00\x00")]
    pipeline = pipeline_of(air)
    list(pipeline.run())
    assert pipeline.drops[Drop.SIGNAL_MISSING] == 1


@pytest.mark.parametrize("mode", list(Mode))
def test_releases_pass_the_wire(
    new_air: Any, address: Any, elements: Any, pipeline_of: Any, mode: Mode
) -> None:
    air = busy(new_air, address, elements, 1900).in_order()
    releases = list(pipeline_of(air, mode=mode).run())
    assert [release.start for release in releases[:2]] == [NOON, NOON.replace(minute=15)]
    assert all(decode_release(encode_release(release)) == release for release in releases)
    names = {"scans", "arrivals", "passers_by"} | (
        {"fingerprints"} if mode is Mode.DEFAULT else set()
    )
    assert set(releases[0].counts) == names


@pytest.mark.parametrize("way", ["probe", "association"])
@pytest.mark.parametrize("mode", list(Mode))
def test_who_objects_leaves_no_trace_in_what_is_released(
    new_air: Any, address: Any, elements: Any, pipeline_of: Any, mode: Mode, way: str
) -> None:
    """F9: seen first, objecting then, with a fixed seed: the output is that of its absence."""
    outputs = []
    for is_there in (False, True):
        air = busy(new_air, address, elements)
        if is_there:
            canary = address(999, True)
            air.probe(305, canary, elements(77))
            air.data(306, canary)
            if way == "probe":
                air.probe(310, canary, elements(78), ssid=b"chaland-optout", rssi_dbm=-84)
            else:
                air.joins(310, canary, b"chaland-optout", rssi_dbm=-99)
            air.data(320, canary)
            air.probe(700, canary, elements(79))
        outputs.append(list(pipeline_of(air.in_order(), mode=mode).run()))
    assert outputs[0] == outputs[1]


def test_objection_by_suffix(new_air: Any, address: Any, pipeline_of: Any) -> None:
    air = new_air()
    air.probe(1, address(1), ssid=b"home-optout")
    pipeline = pipeline_of(air, objection_ssid="-optout", objection_is_suffix=True)
    list(pipeline.run())
    assert pipeline.drops[Drop.OBJECTED] == 1


def test_an_eight_hour_canary(new_air: Any, address: Any, cells_of: Any) -> None:
    """F14 through the whole chain, with data every 20 s and pauses of up to 4 minutes."""
    air = new_air()
    for at_s in [t for t in range(0, 8 * 3600, 20) if t % 1200 >= 240]:
        air.data(at_s, address(1))
    air.tick(9 * 3600)
    cells = cells_of(air)
    assert sum(cell.arrivals for cell in cells) == 1
    assert sum(cells[-1].dwell) == sum(cell.passers_by for cell in cells) == 0


def test_a_fixed_device_heard_each_six_minutes(new_air: Any, address: Any, cells_of: Any) -> None:
    """F14: a card terminal whose life breaks at every silence adds nothing at all."""
    air = new_air()
    for at_s in range(0, 8 * 3600, 360):
        air.data(at_s, address(1))
    air.ticks(0, 9 * 3600)
    cells = cells_of(air.in_order())
    assert sum(cell.arrivals + cell.passers_by for cell in cells) == 0
    assert max(cell.peak for cell in cells) == 1  # it was heard
    assert sum(cells[-1].dwell) == 0


def test_one_life_over_two_cells_counts_once(new_air: Any, address: Any, cells_of: Any) -> None:
    """Outside the gate before a quarter hour ends, inside after it; then passing by, across one."""
    air = new_air()
    air.data(880, address(1), -80)
    air.data(905, address(1))
    air.data(965, address(1))
    air.data(890, address(2), -80)
    air.data(1600, address(3), -80)
    air.ticks(0, 2699)
    cells = cells_of(air.in_order())
    assert [(cell.arrivals, cell.passers_by) for cell in cells] == [(0, 0), (1, 1), (0, 1)]


@pytest.mark.parametrize("ends", ["day", "file", "process"])
def test_who_is_outside_when_it_ends_has_passed_by(
    new_air: Any, address: Any, cells_of: Any, ends: str
) -> None:
    to_four_s = 15 * 3600  # 12:00 UTC is 13:00 in Paris
    air = new_air()
    air.ticks(to_four_s - 1000, to_four_s)
    air.data(to_four_s - 100, address(1), -80)
    if ends == "day":
        air.ticks(to_four_s + 1, to_four_s + 2000)
        air.data(to_four_s + 100, address(1), -60)
    cells = cells_of(air.in_order(), recorded=ends != "process")
    last = next(cell for cell in cells if cell.start.hour == 2 and cell.start.minute == 45)
    assert last.passers_by == sum(cell.passers_by for cell in cells) == 1


def test_a_recording_that_ends_in_an_eastern_morning_passes_the_wire(
    new_air: Any, elements: Any, address: Any
) -> None:
    """22:00 UTC is seven in the morning in Tokyo: a day that has not begun in UTC."""
    air = new_air()
    air.ticks(10 * 3600, 10 * 3600 + 900)
    config = PipelineConfig(ZoneInfo("Asia/Tokyo"), recorded=True)
    *_, release = Pipeline.simulated(config, air, SeededBits(1)).run()
    assert release.dwell
    assert release.dwell.day == date(2023, 11, 16)
    assert decode_release(encode_release(release)) == release


def test_a_local_day_ends_at_four_with_its_dwell(new_air: Any, address: Any, cells_of: Any) -> None:
    to_four_s = 15 * 3600  # 12:00 UTC is 13:00 in Paris
    air = new_air()
    for at_s in (0, 100, 200):
        air.data(to_four_s - 2000 + at_s, address(1))
    air.ticks(to_four_s - 1700, to_four_s)
    air.ticks(to_four_s + 1, to_four_s + 1000)
    cells = cells_of(air)
    with_dwell = [cell for cell in cells if cell.dwell_day]
    assert with_dwell[0].dwell_day == date(2023, 11, 15)
    assert with_dwell[0].start == datetime(2023, 11, 16, 2, 45, tzinfo=UTC)
    assert with_dwell[0].dwell == (1, 0, 0, 0, 0, 0)
    assert with_dwell[-1].dwell_day == date(2023, 11, 16)
    assert sum(with_dwell[-1].dwell) == 0


def test_a_cell_is_drawn_once_even_after_a_restart(
    new_air: Any, address: Any, elements: Any, pipeline_of: Any
) -> None:
    air = busy(new_air, address, elements, 2700).in_order()
    pipeline = pipeline_of(air, last_released=NOON.replace(minute=15))
    releases = list(pipeline.run())
    assert releases[0].start == NOON.replace(minute=30)
    assert pipeline.drops[Drop.CELL_RELEASED] > 0


def test_a_stop_in_the_middle_of_a_live_cell_releases_what_was_observed(
    new_air: Any, address: Any, elements: Any, pipeline_of: Any
) -> None:
    air = busy(new_air, address, elements, 700).in_order()
    (release,) = pipeline_of(air, recorded=False).run()
    assert (release.windows, release.dwell) == (2, None)


def test_a_flood_withholds_what_it_spoils_and_is_forgotten(
    new_air: Any, address: Any, elements: Any, pipeline_of: Any
) -> None:
    """Many invented devices: arrivals and passers-by are absent, dwell too; E1 goes on."""
    small = replace(DEFAULT_MECHANISM, visit_capacity=1500, flood_margin=900)
    air = busy(new_air, address, elements, 1900)
    for who in range(1600):
        air.data(10 + who / 100, address(5000 + who))
    pipeline = pipeline_of(air.in_order(), mechanism=small)
    flooded, after, *_, last = pipeline.run()
    assert set(flooded.counts) == {"fingerprints", "scans"}
    assert last.dwell is None
    assert pipeline.drops[Drop.VISIT_TABLE_FULL] > 0
    assert after.windows == 3


def test_a_live_pipeline_refuses_seeded_noise(new_air: Any) -> None:
    config = PipelineConfig(ZoneInfo("Europe/Paris"))
    with pytest.raises(TypeError, match="operating system"):
        Pipeline(config, new_air(), random=SeededBits(1))  # type: ignore[arg-type]
    assert not Pipeline(config, new_air()).is_simulated
    assert Pipeline.simulated(config, new_air(), SeededBits(1)).is_simulated


def test_noise_differs_from_day_to_day_but_not_with_a_seed(
    new_air: Any, address: Any, elements: Any, pipeline_of: Any
) -> None:
    air = busy(new_air, address, elements, 1900).in_order()
    assert list(pipeline_of(air).run()) == list(pipeline_of(air).run())
    config = PipelineConfig(ZoneInfo("Europe/Paris"), recorded=True)
    assert list(Pipeline(config, air).run()) != list(Pipeline(config, air).run())


def test_gates_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(ValueError, match="heard more weakly"):
        PipelineConfig(ZoneInfo("UTC"), rssi_visitor_dbm=-90)


def test_all_state_is_zeroed_when_the_run_is_abandoned(
    new_air: Any, address: Any, elements: Any, pipeline_of: Any
) -> None:
    pipeline = pipeline_of(busy(new_air, address, elements, 1900).in_order())
    run = pipeline.run()
    next(run)
    assert pipeline._visits._tokens.any()
    run.close()
    assert not pipeline._visits._tokens.any()
    assert not pipeline._windows._addresses.any()
    assert not any(pipeline._visits._key._page[:32])
