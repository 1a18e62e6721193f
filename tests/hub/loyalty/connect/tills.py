"""A till of others: what it sends, and how it calls."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from chaland.hub.common import clock


@dataclass
class Till:
    """A till of others: its shop's key, and calls with it."""

    association_id: int
    shop_id: int
    token: str
    client: Client = field(default_factory=Client)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def send(self, path: str, body: Any, key: str | None = None, **headers: str) -> Any:
        """POST; without a key it gets one of its own."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {
            "Authorization": f"Bearer {self.token}",
            "Idempotency-Key": f"key-{next(self.numbers)}" if key is None else key,
        }
        return self.client.post(
            f"/api/v1/loyalty/{path}", raw, "application/json", headers=sent | headers
        )

    def get(self, path: str) -> Any:
        return self.client.get(
            f"/api/v1/loyalty/{path}", headers={"Authorization": f"Bearer {self.token}"}
        )


def receipt(number: str = "T-1", cents: int = 2350, **more: Any) -> dict[str, Any]:
    """A receipt as a till sends it."""
    return {
        "external_id": number,
        "issued_at": clock.now().isoformat(),
        "gross_cents": cents,
        "lines": [{"gross_cents": cents, "item_name": "Panier"}],
    } | more
