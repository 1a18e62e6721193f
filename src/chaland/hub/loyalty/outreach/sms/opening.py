"""What every SMS driver is opened with, and how it calls for several messages at once."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from chaland.hub.loyalty.models import Gateway
from chaland.hub.loyalty.outreach.shapes import (
    GatewayErrorFinal,
    GatewayErrorTemporary,
    Outcome,
    Sms,
)


@dataclass(frozen=True, slots=True)
class Opening:
    """A gateway without its row; ``report_url`` is the whole address of our hook for it."""

    settings: Mapping[str, Any]
    report_url: str

    @classmethod
    def of(cls, gateway: Gateway) -> "Opening":
        """Read a gateway's row."""
        hook = f"{settings.PUBLIC_ORIGIN}/hooks/outreach/{gateway.hook}/"
        return cls(json.loads(gateway.settings), hook)

    def text(self, name: str, default: str | None = None) -> str:
        """Return a setting. GatewayErrorFinal names one that is missing; ``default``: it may."""
        found = self.settings.get(name, default)
        if found is None or (default is None and not str(found).strip()):
            told = _("The gateway’s setting “%(name)s” is missing: fill it in.")
            raise GatewayErrorFinal(told % {"name": name})
        return str(found)

    def number(self, name: str, default: int) -> int:
        """Return a whole number of the settings. GatewayErrorFinal: it is none, or below 0."""
        found = str(self.settings.get(name, default))
        if not found.isdecimal():
            told = _("The gateway’s setting “%(name)s” must be a whole number.")
            raise GatewayErrorFinal(told % {"name": name})
        return int(found)


def own_key(text: str) -> str:
    """Return a delivery's key as it came back to us. ValueError: it is none."""
    if not re.fullmatch(r"[0-9a-f]{32}", text):
        raise ValueError("The report names a message by something that is no key of ours.")
    return text


def at_once(
    batch: Iterable[Sms], call: Callable[[Sms], Outcome], pool: ThreadPoolExecutor, width: int
) -> Iterator[Outcome]:
    """Call for up to ``width`` messages at once, drawing each when there is room for it.

    A call that raises a gateway's error surely handed nothing over: no more is drawn, the others'
    outcomes are given, then the error is raised for those that have none.
    """
    running: set[Future[Outcome]] = set()
    trouble: GatewayErrorTemporary | GatewayErrorFinal | None = None
    for sms in batch:
        running.add(pool.submit(call, sms))
        ready = {future for future in running if future.done()}
        if not ready and len(running) >= width:
            ready = wait(running, return_when=FIRST_COMPLETED).done
        running -= ready
        for future in ready:
            try:
                yield future.result()
            except (GatewayErrorTemporary, GatewayErrorFinal) as error:
                trouble = error
        if trouble:
            break
    for future in running:
        try:
            yield future.result()
        except (GatewayErrorTemporary, GatewayErrorFinal) as error:
            trouble = error
    if trouble:
        raise trouble
