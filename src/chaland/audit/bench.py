"""What the checks share: a folder, a town, and one story of canaries that five of them judge."""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

from chaland.audit.chain import Chain
from chaland.audit.report import Outcome
from chaland.audit.town import BrokenFinal, CouldNotRunFinal, Town
from chaland.wire.summary import CellCounts, Mode


class Bench:
    """Made for one run; what a check does not ask for is never built. Close it at the end."""

    def __init__(self, folder: Path, *, quick: bool) -> None:
        self.folder = folder
        self.quick = quick
        self._stack = ExitStack()
        self.streets: dict[Mode, Sequence[CellCounts]] = {}
        """What real sensors released of the street of F9 and F14, by mode."""

    def runs(self, full: int) -> int:
        """Return how often something is to be repeated: a tenth in a quick run."""
        return full // 10 if self.quick else full

    @cached_property
    def town(self) -> Town:
        """The town that is shared by all checks that do not spoil it."""
        return self._stack.enter_context(Town(self.folder / "town", shops=2))

    @cached_property
    def _story(self) -> Chain | BrokenFinal | CouldNotRunFinal:
        try:
            chain = Chain(self.town)
            chain.live_through()
        except (BrokenFinal, CouldNotRunFinal) as error:
            return error  # for every check that asks
        return chain

    def chain(self, check: str) -> Outcome:
        """Return what the story of the canaries says to one check. Raises what ended the story."""
        if isinstance(self._story, Chain):
            return self._story.outcomes[check]
        raise self._story

    def close(self) -> None:
        """End all processes."""
        self._stack.close()
