"""The members' own fixtures, for their pages."""

from tests.hub.loyalty.members.conftest import (  # noqa: F401
    anna,
    buy,
    double,
    loyalty,
    member,
    set_clock,
)
