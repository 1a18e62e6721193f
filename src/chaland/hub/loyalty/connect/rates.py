"""How often one may call, over all processes: leases from the shared cache, spent in memory.

A write to the cache's table for each call would cost as much as the call. So a process takes a
lease of a twentieth of the minute's calls at a time, of which there are twenty.
"""

import threading
from datetime import timedelta

from chaland.hub.association import limits
from chaland.hub.common import clock

_PARTS = 20
_lock = threading.Lock()
_leases: dict[str, tuple[int, int]] = {}
"""For each name: the minute, and how many calls are left of the lease."""


def allow(name: str, per_minute: int) -> bool:
    """Say whether one more call under this name is within the limit of this minute."""
    minute = int(clock.now().timestamp() // 60)
    with _lock:
        of, left = _leases.get(name, (minute, 0))
        if of == minute and left > 0:
            _leases[name] = (minute, left - 1)
            return True
        if len(_leases) > 10_000:
            _leases.clear()
        lease = max(1, per_minute // _PARTS)
        if not limits.count(f"rate:{name}", -(-per_minute // lease), timedelta(minutes=1)):
            return False
        _leases[name] = (minute, lease - 1)
        return True
