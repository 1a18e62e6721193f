"""What the decoder says about one frame: numbers, and places in the capture buffer."""

from enum import IntEnum


class Kind(IntEnum):
    """The kinds of 802.11 frames that the sensor tells apart."""

    OTHER = 0
    PROBE_REQUEST = 1
    ASSOCIATION_REQUEST = 2
    """Reassociation requests too."""
    AUTHENTICATION = 3
    DATA_TO_DS = 4
    """Data (or a null frame) from an associated station to its access point."""
    BEACON = 5


class Fcs(IntEnum):
    """What the receiving radio said about the frame's checksum."""

    ABSENT = 0
    """Not delivered, so nothing was said; radios then discard broken frames themselves."""
    GOOD = 1
    BAD = 2


class Observation:
    """One decoded frame, as numbers and as OFFSETS into the buffer it was read from.

    One object is made at start and filled anew for each frame, so that no address is ever copied
    into a Python object (those can't be erased). Offsets are valid until the source's next step.

    ``time_us`` is written by whoever steps the source (microseconds since the epoch); all else
    by :func:`chaland.sensor.decode.decode`.
    """

    __slots__ = (
        "address_at",
        "body_at",
        "end",
        "fcs",
        "frame_at",
        "frequency_mhz",
        "kind",
        "retry",
        "rssi_dbm",
        "sequence",
        "time_us",
    )

    def __init__(self) -> None:
        self.time_us: int = 0
        self.kind: Kind = Kind.OTHER
        self.rssi_dbm: int | None = None
        self.frequency_mhz: int | None = None
        self.fcs: Fcs = Fcs.ABSENT
        self.sequence: int = 0
        """0 to 4095."""
        self.retry: bool = False
        self.frame_at: int = 0
        """Where the 802.11 header starts, after the radio's own header."""
        self.address_at: int = 0
        """Where the transmitter's six address bytes start."""
        self.body_at: int = 0
        """Where the elements start; equal to ``end`` for kinds without elements."""
        self.end: int = 0
        """First offset after the frame, the checksum (FCS) not included."""
