"""Campaigns as time passes: begun when due, ended when nothing is left to send."""

import logging
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from chaland.hub.loyalty.models import Campaign, Delivery, PrivateSale
from chaland.hub.loyalty.outreach import queue
from chaland.hub.loyalty.outreach.audience import freezing, segments
from chaland.hub.loyalty.outreach.transitions import UNDER_WAY
from chaland.hub.loyalty.sales.refusals import SaleErrorFinal

_log = logging.getLogger(__name__)
UNKNOWN_FOR = timedelta(days=3)
"""So long a report is waited for; what is unknown then stays so, and is listed as such."""
_State, _Reason = Delivery.State, Delivery.Reason
_AT_ONCE = 2_000
_LIVE = (Campaign.State.RUNNING, Campaign.State.PAUSED)


def start_due(now: datetime) -> int:
    """Draw the audiences of campaigns that are due, and set them running; how many."""
    due = Campaign.objects.filter(state=Campaign.State.SCHEDULED, send_at__lte=now)
    return sum(_start(number, now) for number in due.values_list("pk", flat=True))


def _start(campaign_id: int, now: datetime) -> bool:
    with transaction.atomic(using="loyalty"):
        campaign = (
            Campaign.objects.select_for_update(skip_locked=True)
            .filter(pk=campaign_id, state=Campaign.State.SCHEDULED)
            .first()
        )
        if campaign is None:
            return False
        if campaign.frozen_at is None and not campaign.automatic:
            try:
                with transaction.atomic(using="loyalty"):
                    freezing.freeze(campaign, now)
            except (segments.SegmentErrorFinal, SaleErrorFinal) as error:
                return _pause(campaign_id, str(error))
            except (OperationalError, InterfaceError):
                raise
            except Exception as error:  # noqa: BLE001  # one campaign must not keep all others back
                _log.exception("the audience of campaign %d can’t be drawn", campaign_id)
                why = _("Its audience can’t be drawn: %(kind)s.") % {"kind": type(error).__name__}
                return _pause(campaign_id, why)
        Campaign.objects.filter(pk=campaign_id).update(
            state=Campaign.State.RUNNING, started_at=campaign.started_at or now
        )
    return True


def _pause(campaign_id: int, why: str) -> bool:
    """Pause a campaign that can't begin, and say why; False: it has not begun."""
    Campaign.objects.filter(pk=campaign_id).update(state=Campaign.State.PAUSED, trouble=why[:200])
    return False


def sale_over(now: datetime) -> Q:
    """Return the condition that a campaign's sale is over or cancelled: nothing of it may go."""
    over = Q(sale__state__in=(PrivateSale.State.OVER, PrivateSale.State.CANCELLED))
    return over | Q(sale__ends_at__lte=now)


def expire_due(now: datetime) -> int:
    """End what waits in campaigns that are out of date, or whose sale is over; how many."""
    live = Campaign.objects.filter(state__in=_LIVE)
    cancelled = Campaign.objects.filter(state=Campaign.State.CANCELLED, finished_at__isnull=True)
    ended = sum(_settle_cancelled(number, now) for number in cancelled.values_list("pk", flat=True))
    for number in live.filter(expires_at__lte=now).values_list("pk", flat=True):
        ended += end_waiting(number, _Reason.EXPIRED, now)
    for number in live.filter(sale_over(now)).values_list("pk", flat=True):
        ended += end_waiting(number, _Reason.SALE_OVER, now)
    return ended


def _settle_cancelled(campaign_id: int, now: datetime) -> int:
    """End what a worker gave back after the campaign was cancelled, until nothing is under way."""
    ended = end_waiting(campaign_id, _Reason.CANCELLED, now)
    if not Delivery.objects.filter(campaign=campaign_id, state__in=UNDER_WAY).exists():
        Campaign.objects.filter(pk=campaign_id).update(finished_at=now)
    return ended


def end_waiting(campaign_id: int, reason: str, now: datetime) -> int:
    """Set all that waits in a campaign to not sent, for a reason; how many."""
    ended = 0
    while True:
        with transaction.atomic(using="loyalty"):
            rows = queue.waiting().filter(campaign=campaign_id)
            rows = rows.select_for_update(skip_locked=True)
            ids = list(rows.values_list("pk", flat=True)[:_AT_ONCE])
            Delivery.objects.filter(pk__in=ids).update(
                state=_State.NOT_SENT, reason=reason, changed_at=now
            )
        ended += len(ids)
        if len(ids) < _AT_ONCE:
            return ended


def finish_due(now: datetime) -> int:
    """Call campaigns sent of which nothing waits, is under way, or may still be told; how many."""
    finished = 0
    open_ = Campaign.objects.filter(state__in=_LIVE, automatic="", frozen_at__isnull=False)
    for number in open_.values_list("pk", flat=True):
        rows = Delivery.objects.filter(campaign=number)
        if rows.filter(state__in=UNDER_WAY).exists():
            continue
        if rows.filter(state=_State.UNKNOWN, sending_at__gt=now - UNKNOWN_FOR).exists():
            continue
        finished += Campaign.objects.filter(pk=number, state__in=_LIVE).update(
            state=Campaign.State.FINISHED, finished_at=now
        )
    return finished
