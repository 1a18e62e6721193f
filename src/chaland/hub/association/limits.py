"""How often something may be tried: one counter for both planes, exact over processes and engines.

Windows are fixed and their number is part of the key, so that no try makes a window longer. Each
try takes a numbered place by ``cache.add``, which one process alone can win; Django's ``incr`` in a
database reads, adds and writes, and gives the entry another life of five minutes.
"""

from datetime import timedelta

from allauth.account.adapter import get_adapter
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from chaland.hub.common import clock


def count(name: str, at_most: int, per: timedelta) -> bool:
    """Count one try; say whether it is within ``at_most`` of this window of ``per``."""
    key, seconds = _key(name, per)
    for place in range(cache.get(key, 0), at_most):
        if cache.add(f"{key}:{place}", 1, seconds):
            cache.set(key, place + 1, seconds)
            return True
    return False


def reached(name: str, at_most: int, per: timedelta) -> bool:
    """Say whether this window's tries are used up, counting none."""
    key, _seconds = _key(name, per)
    return bool(cache.get(key, 0) >= at_most)


def address_of(request: HttpRequest) -> str:
    """Return the asking address, hashed: it is nobody else's business.

    Behind a socket without a proxy's header, all have one address.
    """
    try:
        address = get_adapter().get_client_ip(request)
    except PermissionDenied:
        address = ""
    return salted_hmac("chaland.limits", address).hexdigest()


def _key(name: str, per: timedelta) -> tuple[str, int]:
    seconds = int(per.total_seconds())
    return f"limit:{name}:{int(clock.now().timestamp()) // seconds}", seconds
