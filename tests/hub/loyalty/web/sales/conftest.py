"""The town of the sales' tests, with its pages."""

from tests.hub.loyalty.sales.conftest import Town, time, town

__all__ = ["Town", "time", "town"]
