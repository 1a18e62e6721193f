"""The one error of the wire: a message that must not be sent again as it is."""


class WireErrorFinal(ValueError):
    """A message breaks its format; ``field`` names the part (``counts.scans.bound``) that does."""

    def __init__(self, field: str, problem: str) -> None:
        # A stranger chose the name of a member that is not known: nothing in it steers a terminal.
        field = field if field.isprintable() else ascii(field)[1:-1]
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem
