"""Why a summary never reached the hub: the closed list, each counted in the spool's ledger."""

from enum import StrEnum


class UplinkDrop(StrEnum):
    """A reason for which a release or a summary was set aside on the box."""

    CELL_REPEATED = "cell-repeated"
    """A second release of one cell: sending it would spend the cell's privacy budget twice."""
    DWELL_REPEATED = "dwell-repeated"
    """A second dwell histogram of one day, taken off its cell for the same reason."""
    SKETCH_REPEATED = "sketch-repeated"
    """A second sketch of one day, taken off its cell for the same reason."""
    SKETCH_LATE = "sketch-late"
    """A sketch that waited for 24 hours after its day: nobody may use it any more."""
    SKETCH_PARKED = "sketch-parked"
    """A sketch taken off a summary that was parked: what nobody will read is not kept."""
    CLOCK_WRONG = "clock-wrong"
    """The box's clock is known to be wrong, so nobody can say which cell this was."""
    RELEASE_MALFORMED = "release-malformed"
    """The day's process wrote what is no release."""
    DISK_ERROR = "disk-error"
    """The spool could not be written: the disk is full or failing."""
    SPOOL_FULL = "spool-full"
    """The oldest waiting summary made room for a new one."""
    PARKED_FULL = "parked-full"
    """The oldest parked summary made room for a new one."""
    HALF_WRITTEN = "half-written"
    """The power went while a file was being written; the file was never accepted."""
    UNREADABLE = "unreadable"
    """A waiting file is not a summary any more (failing disk); it is parked."""
    LEDGER_UNREADABLE = "ledger-unreadable"
    """The ledger was lost; numbers start again above what the spool and the hub know."""
