"""The coalition of clearing's tests, for its pages."""

from tests.hub.loyalty.clearing.conftest import coalition

__all__ = ["coalition"]
