"""The one error of the wire: a message that must not be sent again as it is."""


class WireErrorFinal(ValueError):
    """A message breaks its format; ``field`` names the part (``counts.scans.bound``) that does."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem
