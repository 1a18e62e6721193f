"""All that programmes write: what receipts earn, what balances buy."""

from chaland.hub.loyalty.programmes.services.earning import award, take_back

__all__ = [
    "award",
    "take_back",
]
