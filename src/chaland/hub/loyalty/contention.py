"""Transactions that met another one: undone by the database, and done anew here."""

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connections

from chaland.hub.common.contention import met_another

AGAIN = 2
"""So often a transaction is begun anew before its caller is told to come back later."""
_WAIT_S = 0.05
_P = ParamSpec("_P")
_R = TypeVar("_R")


def anew(service: Callable[_P, _R]) -> Callable[_P, _R]:
    """Begin a service, which is a transaction, anew where it met another one.

    Inside of a transaction the error passes through, to whoever opened that: its locks are a part
    of what was in the way.
    """

    @wraps(service)
    def wrapped(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        for turn in range(AGAIN):
            try:
                return service(*args, **kwargs)
            except OperationalError as error:
                if connections["loyalty"].in_atomic_block or not met_another(error):
                    raise
                time.sleep(random.uniform(_WAIT_S, 2 * _WAIT_S) * (turn + 1))  # noqa: S311
        return service(*args, **kwargs)

    return wrapped
