"""802.11 frames behind radiotap headers, as a monitor-mode interface would deliver them.

Layouts: IEEE 802.11-2020, 9.3.3 (management) and 9.3.2 (data); radiotap.org for the header.
"""

import struct
import zlib

from chaland.simulate import wifi
from chaland.simulate.elements import DS, ELEMENT_SETS, element
from chaland.simulate.phones import SET_NAMES

_RADIOTAP = struct.Struct("<BBHIBBHHbB")
_PRESENT = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 11  # flags, rate, channel, signal, antenna
_FCS_INCLUDED, _FCS_BAD = 0x10, 0x40
_CHANNEL_2GHZ_CCK = 0x00A0
_ONE_MBIT = 2
_DURATION = b"\x00\x00"
_ASSOCIATION_FIXED = bytes.fromhex("31040a00")
_AUTHENTICATION_FIXED = bytes.fromhex("000001000000")
_BEACON_FIXED = bytes(8) + bytes.fromhex("64003104")
_SECURITY = bytes.fromhex("30140100000fac040100000fac040100000fac020000")
_DATA_BODY = bytes.fromhex("0000") + bytes(40)  # QoS control, then what encryption hides
_FILS_HEAD = bytes((wifi.EXTENSION, 3, 2))


def radiotap_frame(frame: bytes, rssi_dbm: int, channel: int, bad_fcs: bool = False) -> bytes:
    """Put the radio's header before a frame, and its checksum behind it.

    With ``bad_fcs`` the checksum is wrong and the header says so, as after a collision.
    """
    flags = _FCS_INCLUDED | (_FCS_BAD if bad_fcs else 0)
    frequency = wifi.CHANNELS_MHZ[channel]
    header = _RADIOTAP.pack(
        0, 0, _RADIOTAP.size, _PRESENT, flags, _ONE_MBIT, frequency, _CHANNEL_2GHZ_CCK, rssi_dbm, 0
    )
    checksum = zlib.crc32(frame) ^ (0xFFFFFFFF if bad_fcs else 0)
    return header + frame + checksum.to_bytes(4, "little")


def _header(control: bytes, receiver: bytes, sender: bytes, bssid: bytes, sequence: int) -> bytes:
    return control + _DURATION + receiver + sender + bssid + (sequence << 4).to_bytes(2, "little")


def probe_body(set_index: int, channel: int, ssid: bytes = b"", nonce: bytes = b"\0\0") -> bytes:
    """Return the elements of a probe request: SSID, then the model's set on this channel.

    ``nonce`` (2 bytes) fills the FILS element where the set has one: it changes with every burst.
    """
    body = ELEMENT_SETS[SET_NAMES[set_index]]
    body = body.replace(DS, element(wifi.DS_CHANNEL, bytes((channel,))), 1)
    body = body.replace(_FILS_HEAD + b"\0\0", _FILS_HEAD + nonce, 1)
    return element(0, ssid) + body


def probe_request(sender: bytes, sequence: int, body: bytes) -> bytes:
    """Return a probe request to everybody."""
    return (
        _header(wifi.FRAME_PROBE_REQUEST, wifi.BROADCAST, sender, wifi.BROADCAST, sequence) + body
    )


def authentication(sender: bytes, bssid: bytes, sequence: int) -> bytes:
    """Return the first open-system authentication frame of a phone that joins."""
    head = _header(wifi.FRAME_AUTHENTICATION, bssid, sender, bssid, sequence)
    return head + _AUTHENTICATION_FIXED


def association_request(sender: bytes, bssid: bytes, sequence: int, body: bytes) -> bytes:
    """Return an association request with the phone's elements."""
    head = _header(wifi.FRAME_ASSOCIATION_REQUEST, bssid, sender, bssid, sequence)
    return head + _ASSOCIATION_FIXED + body


def data_to_access_point(sender: bytes, bssid: bytes, sequence: int, retry: bool) -> bytes:
    """Return a protected data frame of an associated device."""
    control = wifi.FRAME_DATA_TO_DS_AGAIN if retry else wifi.FRAME_DATA_TO_DS
    return _header(control, bssid, sender, bssid, sequence) + _DATA_BODY


def beacon(bssid: bytes, sequence: int, ssid: bytes, channel: int) -> bytes:
    """Return an access point's beacon."""
    head = _header(wifi.FRAME_BEACON, wifi.BROADCAST, bssid, bssid, sequence)
    rates = element(wifi.RATES, bytes.fromhex("82848b960c121824"))
    body = element(0, ssid) + rates + element(wifi.DS_CHANNEL, bytes((channel,)))
    return head + _BEACON_FIXED + body + _SECURITY
