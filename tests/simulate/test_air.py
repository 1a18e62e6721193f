"""The bytes on the air: they decode without a loss, and say what was simulated."""

import struct
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from chaland.cli import main
from chaland.sensor.capture import open_source
from chaland.sensor.decode import Observation, decode, elements, ssid_equals
from chaland.sensor.decode.observation import Fcs, Kind
from chaland.sensor.drops import Drop
from chaland.simulate.air import OBJECTION_NETWORK, ShopAir
from chaland.simulate.phones import SET_NAMES, Address
from chaland.simulate.radio import NO_ELEMENTS, Sightings
from chaland.simulate.source import SimulatedSource
from chaland.simulate.walkers import Day

from .conftest import SEED

SHOP = 1
FROM_S, TO_S = 5 * 3600.0, 8 * 3600.0


@pytest.fixture(scope="module")
def air(tuesday: Day, heard: Sightings) -> ShopAir:
    return ShopAir(tuesday, heard, SHOP, SEED)


@pytest.fixture(scope="module")
def in_span(tuesday: Day, heard: Sightings) -> Sightings:
    mine = tuesday.stays.shop[heard.stay] == SHOP
    return heard.select(mine & (heard.time_s >= FROM_S) & (heard.time_s < TO_S))


def test_every_frame_decodes_but_the_collisions(air: ShopAir, in_span: Sightings) -> None:
    source = SimulatedSource(air, FROM_S, TO_S)
    seen, drops, rssi = Counter[Kind](), Counter[Drop](), Counter[int]()
    observation = Observation()
    for _, start, end, length in source:
        if end == 0:
            continue
        drop = decode(source.buffer, start, end, source.link_type, observation, length)
        if drop is not None:
            drops[drop] += 1
            continue
        assert observation.fcs is Fcs.GOOD
        assert observation.frequency_mhz == 2437
        seen[observation.kind] += 1
        if observation.kind is Kind.PROBE_REQUEST and observation.rssi_dbm is not None:
            rssi[observation.rssi_dbm] += 1
    data = in_span.element_set == NO_ELEMENTS
    assert set(drops) == {Drop.FCS_BAD}
    assert 0.002 < drops[Drop.FCS_BAD] / seen.total() < 0.02
    assert seen[Kind.PROBE_REQUEST] == in_span.frames[~data].sum()
    assert seen[Kind.DATA_TO_DS] == in_span.frames[data].sum()
    assert seen[Kind.ASSOCIATION_REQUEST] == seen[Kind.AUTHENTICATION] > 0
    assert seen[Kind.BEACON] == 3 * (TO_S - FROM_S) / 10
    expected = Counter[int]()
    for level, frames in zip(in_span.rssi_dbm[~data], in_span.frames[~data], strict=True):
        expected[int(level)] += int(frames)
    assert rssi == expected


def test_addresses_rotate_but_for_those_who_keep_theirs(
    air: ShopAir, tuesday: Day, in_span: Sightings
) -> None:
    who = tuesday.stays.who[in_span.stay]
    rotating = tuesday.phones.address[who] == Address.ROTATING
    expected = int(rotating.sum()) + len(np.unique(who[~rotating]))
    senders, universal = set(), 0
    for _, frame in air.frames(FROM_S, TO_S):
        at = struct.unpack_from("<H", frame, 2)[0]
        if frame[at] != 0x80:
            senders.add(frame[at + 10 : at + 16])
            assert frame[at + 10] & 1 == 0
    universal = sum(not sender[0] & 2 for sender in senders)
    assert len(senders) == expected
    assert 0 < universal < 0.1 * len(senders)


def test_the_objector_names_the_objection_network(tuesday: Day, heard: Sightings) -> None:
    objecting = tuesday.phones.objects[tuesday.stays.who[heard.stay]] & (
        heard.element_set != NO_ELEMENTS
    )
    shop = int(np.bincount(tuesday.stays.shop[heard.stay[objecting]]).argmax())
    source = SimulatedSource(ShopAir(tuesday, heard, shop, SEED), 0, 86_400)
    observation, named = Observation(), 0
    for _, start, end, length in source:
        if end and decode(source.buffer, start, end, source.link_type, observation, length) is None:
            named += observation.kind is Kind.PROBE_REQUEST and ssid_equals(
                source.buffer, observation, OBJECTION_NETWORK
            )
    mine = tuesday.stays.shop[heard.stay] == shop
    assert named == heard.frames[mine & objecting].sum() > 0


def test_stable_fingerprints_are_the_element_sets(air: ShopAir, in_span: Sightings) -> None:
    """What is left of a probe request without its changing parts is one of its model's sets."""
    source = SimulatedSource(air, FROM_S, TO_S)
    observation, found = Observation(), set()
    for _, start, end, length in source:
        if not end or decode(source.buffer, start, end, 127, observation, length) is not None:
            continue
        if observation.kind is Kind.PROBE_REQUEST:
            parts = []
            for tag, at, size in elements(source.buffer, observation.body_at, observation.end):
                value = bytes(source.buffer[at : at + size])
                if tag not in (0, 3):
                    kept = {221: value[:4], 255: value[:1] if value[0] == 2 else value}
                    parts.append((tag, kept.get(tag, value)))
            found.add(tuple(parts))
    sent = {SET_NAMES[i] for i in np.unique(in_span.element_set) if i != NO_ELEMENTS}
    assert len(found) == len(sent)


def test_any_stretch_of_the_day_can_be_made_alone(
    air: ShopAir, tuesday: Day, heard: Sightings
) -> None:
    whole = list(air.frames(FROM_S, FROM_S + 600))
    again = ShopAir(tuesday, heard, SHOP, SEED)
    parts = [
        frame for at in range(0, 600, 60) for frame in again.frames(FROM_S + at, FROM_S + at + 60)
    ]
    assert sorted(parts) == sorted(whole)


def test_the_source_keeps_time_and_overwrites_what_was_read(air: ShopAir) -> None:
    source = SimulatedSource(air, FROM_S, FROM_S + 1200)
    times, previous = [], 0
    for time_us, start, end, _ in source:
        assert start == 0
        assert not any(source.buffer[end : max(end, previous)])
        previous = end
        times.append(time_us)
    assert not any(source.buffer)
    steps = np.diff(times)
    assert steps.min() >= 0
    assert steps.max() <= 1_000_000
    assert times[-1] == air.at_us(FROM_S + 1200)


def test_real_time_is_kept_at_the_speed_asked_for(air: ShopAir) -> None:
    now = [50.0]

    def wait(seconds: float) -> None:
        now[0] += seconds

    source = SimulatedSource(air, FROM_S, FROM_S + 120, speed=10, wait=wait, clock=lambda: now[0])
    for time_us, *_ in source:
        assert (now[0] - 50) * 10 == pytest.approx((time_us - air.at_us(FROM_S)) / 1e6, abs=1e-4)
    assert now[0] == pytest.approx(62)


def test_a_deaf_radio_hears_not_even_beacons(air: ShopAir) -> None:
    source = SimulatedSource(air, FROM_S, FROM_S + 60, deaf=True)
    assert [end for _, _, end, _ in source] == [0] * 60


def test_the_command_writes_a_capture_that_the_sensor_reads(tmp_path: Path) -> None:
    pcap, people = tmp_path / "out.pcap", tmp_path / "people.csv"
    arguments = ["simulate", "capture", str(pcap), "--people", str(people), "--shop", "l-epi-d-or"]
    span = ["--from", "10:00", "--to", "10:30", "--seed", "3"]
    result = CliRunner().invoke(main, arguments + span)
    assert result.exit_code == 0, result.output
    source = open_source(str(pcap))
    frames = sum(1 for _, _, end, _ in source if end)
    assert not source.problems
    assert result.output.startswith(f"{frames} frames")
    assert "CC BY 4.0" in result.output
    rows = people.read_text().splitlines()
    assert rows[0] == "time_local,people"
    assert rows[1].startswith("2026-05-19 10:00:00.000000,")
    counts = [int(row.split(",")[1]) for row in rows[1:]]
    assert max(abs(b - a) for a, b in pairwise(counts)) == 1
    first = pcap.read_bytes()
    CliRunner().invoke(main, arguments + span)
    assert pcap.read_bytes() == first


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--shop", "nowhere", "no shop 'nowhere'"),
        ("--to", "09:00", "later than --from"),
        ("--day", "19/05/2026", "does not match the format"),
    ],
)
def test_bad_options_are_answered(tmp_path: Path, option: str, value: str, message: str) -> None:
    result = CliRunner().invoke(
        main, ["simulate", "capture", str(tmp_path / "x.pcap"), option, value]
    )
    assert result.exit_code == 2
    assert message in result.output
