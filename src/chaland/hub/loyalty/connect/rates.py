"""How often one may call, over all processes: leases from the shared cache, spent in memory.

A write to the cache's table for each call would cost as much as the call. So a process takes a
lease of a twentieth of the minute's calls at a time; the limit holds to within one lease a
process, or what two processes take in the same instant.
"""

import threading

from django.core.cache import cache

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
        key = f"rate:{name}:{minute}"
        taken = cache.get(key, 0)
        if taken >= per_minute:
            return False
        cache.set(key, taken + lease, 120)
        _leases[name] = (minute, lease - 1)
        return True
