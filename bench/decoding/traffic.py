"""The captures that the decoders are compared on."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from random import Random
from struct import pack

PCAP_HEADER = pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 512, 127)
RADIOTAP = pack("<BxHIQBBHHbB", 0, 24, 0x0000082F, 0, 0x00, 2, 2437, 0xA0, -60, 0)
_WPA2 = bytes.fromhex("0100000fac040100000fac040100000fac020000")
PROBES = 4_000
DATA_PER_PROBE = 25
BEACONS = 4_000
SNAP_LENGTH = 512
BRNO_DAY = "wifi/brno/2023-02-15.pcap.gz"


def probe_requests(data: Path, out: Path, times: int) -> int:
    """Write the reference probe requests ``times`` over; return the number of different frames.

    Cagliari and Politecnico deliver the checksum, the day of Brno does not.
    """
    bodies = [gzip.decompress((data / BRNO_DAY).read_bytes())[24:]]
    for capture in sorted([*data.glob("wifi/cagliari/*.pcap"), *data.glob("wifi/polimi/*.pcap")]):
        content = capture.read_bytes()
        if content[:4] == PCAP_HEADER[:4] and content[20] == 127:
            bodies.append(content[24:])
    once = b"".join(bodies)
    with out.open("wb") as file:
        file.write(PCAP_HEADER)
        for _ in range(times):
            file.write(once)
    return sum(1 for _ in _records(once))


def _records(body: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(body):
        size = int.from_bytes(body[at + 8 : at + 12], "little")
        yield body[at + 16 : at + 16 + size]
        at += 16 + size


def mixed(out: Path, seed: int = 1) -> int:
    """Write one busy minute by our own generator; return the frames.

    4,000 probe requests (seven elements), 25 times as many encrypted data frames from stations to
    their access points (cut at 512 bytes, as in live capture), 4,000 beacons, 400 authentications
    and associations; in random order, radiotap header of 24 bytes as mac80211 writes it.
    """
    random = Random(seed)
    kinds = ["probe"] * PROBES + ["data"] * PROBES * DATA_PER_PROBE
    kinds += ["beacon"] * BEACONS + ["join"] * 400
    random.shuffle(kinds)
    makers = {"probe": _probe, "data": _data, "beacon": _beacon, "join": _join}
    with out.open("wb") as file:
        file.write(PCAP_HEADER)
        for at, kind in enumerate(kinds):
            frame = RADIOTAP + makers[kind](random)
            time_us = at * 60_000_000 // len(kinds)
            cut = frame[:SNAP_LENGTH]
            seconds, fraction = divmod(time_us, 1_000_000)
            head = pack("<4I", 1_700_000_000 + seconds, fraction, len(cut), len(frame))
            file.write(head + cut)
    return len(kinds)


def _header(random: Random, control: bytes, sender: bytes) -> bytes:
    receiver = random.randbytes(6)
    return (
        control + b"\0\0" + receiver + sender + receiver + pack("<H", random.randrange(4096) << 4)
    )


def _phone(random: Random) -> bytes:
    return bytes([random.randrange(256) & 0xFC | 2]) + random.randbytes(5)


def _element(tag: int, value: bytes) -> bytes:
    return bytes([tag, len(value)]) + value


def _probe(random: Random) -> bytes:
    body = _element(0, b"") + _element(1, random.randbytes(4)) + _element(50, random.randbytes(8))
    body += _element(3, b"\x06") + _element(45, random.randbytes(26))
    body += _element(127, random.randbytes(10)) + _element(221, b"\x00\x50\xf2\x08\x00\x0f\x00")
    return _header(random, b"\x40\0", _phone(random)) + body


def _data(random: Random) -> bytes:
    size = random.choice([40, 80, 200, 1400])
    return _header(random, b"\x88\x41", _phone(random)) + bytes(2) + random.randbytes(size)


def _beacon(random: Random) -> bytes:
    body = bytes(8) + b"\x64\0\x11\x04" + _element(0, b"shop") + _element(1, random.randbytes(8))
    body += _element(48, _WPA2) + _element(45, random.randbytes(26))
    body += _element(61, random.randbytes(22)) + _element(127, random.randbytes(8))
    return _header(random, b"\x80\0", b"\x00\x11\x22" + random.randbytes(3)) + body


def _join(random: Random) -> bytes:
    kind, fixed = random.choice([(b"\xb0\0", 6), (b"\x00\0", 4)])
    return _header(random, kind, _phone(random)) + bytes(fixed) + _element(0, b"shop")
