"""One reader for each Python decoder, all of the same fields: ``python readers.py NAME CAPTURE``.

The fields of a frame: time, type and subtype, transmitter, sequence number, retry, signal,
frequency, tag numbers, tag lengths. With ``--print`` they go to standard output, a line a frame.
"""

# Each reader imports its own library only: the others' start-up and memory are not its cost.
# ruff: noqa: PLC0415

import sys
from collections.abc import Iterator
from typing import Any

Row = tuple[Any, ...]


def chaland(path: str) -> Iterator[Row]:
    """Our own: an observation, and the walk over the elements."""
    from chaland.sensor.capture import open_source
    from chaland.sensor.decode import Observation, decode, elements

    source, seen = open_source(path), Observation()
    buffer = source.buffer
    for time_us, start, end, original in source:
        if decode(buffer, start, end, source.link_type, seen, original) is not None:
            continue
        tags, lengths = [], []
        for tag, _, length in elements(buffer, seen.body_at, seen.end):
            tags.append(tag)
            lengths.append(length)
        control, at = buffer[seen.frame_at], seen.address_at
        yield (
            *(time_us, control, buffer[at : at + 6], seen.sequence, seen.retry),
            *(seen.rssi_dbm, seen.frequency_mhz, tags, lengths),
        )


def scapy(path: str) -> Iterator[Row]:
    """Scapy, importing only its 802.11 layers."""
    from scapy.layers.dot11 import Dot11, Dot11Elt, RadioTap
    from scapy.utils import RawPcapReader

    with RawPcapReader(path) as reader:
        for data, meta in reader:
            radio = RadioTap(data)
            header = radio.getlayer(Dot11)
            tags, lengths = [], []
            element = header.getlayer(Dot11Elt)
            while element is not None:
                tags.append(element.ID)
                lengths.append(element.len)
                element = element.payload.getlayer(Dot11Elt)
            yield (
                *(meta.sec * 10**6 + meta.usec, header.subtype << 4 | header.type << 2),
                *(header.addr2, header.SC >> 4, bool(header.FCfield & 8)),
                *(radio.dBm_AntSignal, radio.ChannelFrequency, tags, lengths),
            )


def dpkt(path: str) -> Iterator[Row]:
    """dpkt; a frame that it can't read gives an empty row."""
    import dpkt

    with open(path, "rb") as file:
        for time_s, data in dpkt.pcap.Reader(file):
            try:
                radio = dpkt.radiotap.Radiotap(data)
                frame = radio.data
                header = frame.mgmt if frame.type == 0 else frame.data_frame
                elements = getattr(frame, "ies", [])
                yield (
                    *(round(float(time_s) * 10**6), frame.subtype << 4 | frame.type << 2),
                    *(header.src, header.sequence_number, bool(frame.retry)),
                    *(radio.ant_sig.db, radio.channel.freq),
                    *([e.id for e in elements], [e.len for e in elements]),
                )
            except (dpkt.dpkt.Error, AttributeError, IndexError):
                yield ()


READERS = {"chaland": chaland, "scapy": scapy, "dpkt": dpkt}


def as_text(row: Row) -> str:
    """Return a row as tshark's ``-T fields`` would write it."""
    if not row:
        return ""
    time_us, control, sender, sequence, retry, signal, frequency, tags, lengths = row
    return "\t".join(
        [
            f"{time_us // 10**6}.{time_us % 10**6:06d}000",
            f"0x{(control >> 2 & 3) << 4 | control >> 4:04x}",
            sender if isinstance(sender, str) else sender.hex(":"),
            f"{sequence}\t{int(retry)}\t{signal}\t{frequency}",
            ",".join(map(str, tags)),
            ",".join(map(str, lengths)),
        ]
    )


def main() -> None:
    """Read a capture to its end."""
    rows = READERS[sys.argv[1]](sys.argv[2])
    if "--print" in sys.argv:
        for row in rows:
            print(as_text(row))
    else:
        for _ in rows:
            pass


if __name__ == "__main__":
    main()
