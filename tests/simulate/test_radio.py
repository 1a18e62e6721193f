"""What a radio hears: most who are inside, few who pass, within the field's numbers."""

import numpy as np

from chaland.simulate.radio import EXCHANGES_PER_MINUTE, NO_ELEMENTS, Sightings, hear
from chaland.simulate.walkers import Day, Role

from .conftest import SEED


def share_inside_the_gate(day: Day, heard: Sightings, role: Role) -> float:
    mine = day.stays.role[heard.stay] == role
    return float(np.mean(heard.rssi_dbm[mine] >= -70))


def test_the_gate_tells_inside_from_outside(tuesday: Day, heard: Sightings) -> None:
    assert share_inside_the_gate(tuesday, heard, Role.VISITOR) > 0.65
    assert share_inside_the_gate(tuesday, heard, Role.STAFF) > 0.6
    assert share_inside_the_gate(tuesday, heard, Role.PASSER_BY) < 0.12
    assert share_inside_the_gate(tuesday, heard, Role.NEIGHBOUR) < 0.25


def test_one_channel_hears_most_phones_within_five_minutes(tuesday: Day, heard: Sightings) -> None:
    """88 to 94 % in the field; some 1,500 stays, so the interval is two points on each side."""
    stays = tuesday.stays
    long = (stays.role == Role.VISITOR) & (stays.end_s - stays.start_s > 300)
    long &= tuesday.wifi_on[stays.who]
    seen = np.zeros(len(stays), bool)
    early = (heard.element_set != NO_ELEMENTS) & (heard.time_s < stays.start_s[heard.stay] + 300)
    seen[heard.stay[early]] = True
    assert 0.86 < seen[long].mean() < 0.96


def test_nobody_is_heard_who_is_not_there(tuesday: Day, heard: Sightings) -> None:
    stays = tuesday.stays
    pause_s = 2  # between two bursts of one scan
    assert np.all(heard.time_s >= stays.start_s[heard.stay])
    assert np.all(heard.time_s < stays.end_s[heard.stay] + pause_s)
    assert np.all(tuesday.wifi_on[stays.who[heard.stay]])
    assert np.all(heard.frames >= 1)
    assert np.all(heard.frames[heard.element_set != NO_ELEMENTS] <= 11)


def test_associated_devices_exchange_data_at_their_rate(tuesday: Day, heard: Sightings) -> None:
    stays = tuesday.stays
    terminals = stays.role == Role.TERMINAL
    data = terminals[heard.stay] & (heard.element_set == NO_ELEMENTS)
    assert np.all(heard.element_set[terminals[heard.stay]] == NO_ELEMENTS)
    minutes = (stays.end_s - stays.start_s)[terminals].sum() / 60
    rate = data.sum() / minutes
    # a tenth of the frames are lost, one to three in an exchange; Poisson, some 5,500 of them
    assert 0.88 < rate / EXCHANGES_PER_MINUTE[Role.TERMINAL] < 1.0


def test_the_same_seed_hears_the_same(tuesday: Day, heard: Sightings) -> None:
    again, other = hear(tuesday, SEED), hear(tuesday, SEED + 1)
    assert np.array_equal(again.rssi_dbm, heard.rssi_dbm)
    assert len(other) != len(heard)
