"""What the checks share: a folder, a town, and one story of canaries that five of them judge."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

from chaland.audit.town import EVENING, Town

T = TypeVar("T")


class Bench:
    """Made for one run; what a check does not ask for is never built. Close it at the end."""

    def __init__(self, folder: Path, *, quick: bool, local_hour: int = EVENING) -> None:
        """``local_hour``: what the time is in the town, whenever the audit runs."""
        self.folder = folder
        self.quick = quick
        self._local_hour = local_hour
        self._stack = ExitStack()
        self._told: dict[str, Any] = {}

    def runs(self, full: int) -> int:
        """Return how often something is to be repeated: a tenth in a quick run."""
        return full // 10 if self.quick else full

    @cached_property
    def town(self) -> Town:
        """The town that is shared by all checks that do not spoil it."""
        return self._stack.enter_context(Town(self.folder / "town", 2, self._local_hour))

    def once(self, name: str, tell: Callable[["Bench"], T]) -> T:
        """Return what ``tell`` makes, made once; what ended it is raised for all that ask."""
        if name not in self._told:
            try:
                self._told[name] = tell(self)
            except Exception as error:  # noqa: BLE001 (raised below, for each that asks)
                self._told[name] = error
        told: Any = self._told[name]
        if isinstance(told, Exception):
            raise told
        return cast(T, told)

    def close(self) -> None:
        """End all processes."""
        self._stack.close()
