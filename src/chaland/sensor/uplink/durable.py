"""Files that are whole or absent, whenever the power goes."""

import os
from pathlib import Path

TEMPORARY_SUFFIX = ".half"
"""A file with this ending was being written when the power went; it was never accepted."""


def write_whole(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file so that after a power cut the old or the new content is there, never a part.

    When this returns, the new content has reached the disk. Raises OSError (disk full, say) and
    then leaves the old content.
    """
    half = path.with_name(path.name + TEMPORARY_SUFFIX)
    try:
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        half.rename(path)
    except OSError:
        half.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory (renames, deletions) reach the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
