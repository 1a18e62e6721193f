"""A shop's agreement to carry a sensor: given, its notice put up, withdrawn."""

from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from chaland.hub.association.models import Shop
from chaland.hub.common import clock
from chaland.hub.footfall.models import Agreement, Measurement
from chaland.hub.footfall.papers import notice

_DATABASE = "footfall"


class AgreementErrorFinal(ValueError):
    """What was to be recorded of an agreement can't be; the message says why, translated."""


def agree(shop_id: int, agreed_by: str, agreed_on: date) -> Agreement:
    """Record that a shop agrees. After a withdrawal it is a new agreement: the notice, too, has to
    be put up anew. Otherwise name and date are corrected. Raises AgreementErrorFinal."""
    agreed_by = " ".join(agreed_by.split())
    if not agreed_by:
        raise AgreementErrorFinal(_("Say who agreed, by name."))
    _not_ahead(shop_id, agreed_on)
    with transaction.atomic(using=_DATABASE):
        found = Agreement.objects.select_for_update().filter(shop_id=shop_id).first()
        if found is None:
            found = Agreement(shop_id=shop_id)
        elif found.withdrawn_on is not None:
            if agreed_on < found.withdrawn_on:
                raise AgreementErrorFinal(_("A new agreement can’t be older than the withdrawal."))
            found.withdrawn_on = found.notice_shown_on = None
            found.notice_sha256 = ""
        found.agreed_by, found.agreed_on = agreed_by[:120], agreed_on
        found.save()
    return found


def notice_shown(shop_id: int, on: date) -> Agreement:
    """Record that the notice in its present words hangs in a shop. Raises AgreementErrorFinal."""
    town = Shop.objects.get(pk=shop_id).association_id
    measurement = Measurement.objects.filter(association_id=town).first()
    if measurement is None:
        raise AgreementErrorFinal(_("First say what is measured, by whom and until when."))
    _not_ahead(shop_id, on)
    changed = Agreement.objects.filter(shop_id=shop_id, withdrawn_on=None).update(
        notice_shown_on=on, notice_sha256=notice.digest(measurement)
    )
    if not changed:
        raise AgreementErrorFinal(_("First record the shop’s agreement."))
    return Agreement.objects.get(shop_id=shop_id)


def withdraw(shop_id: int, on: date) -> None:
    """Record that a shop withdraws. From this moment the hub takes nothing of its sensors; they
    themselves stop with the next charter. Raises AgreementErrorFinal."""
    _not_ahead(shop_id, on)
    if not Agreement.objects.filter(shop_id=shop_id, withdrawn_on=None).update(withdrawn_on=on):
        raise AgreementErrorFinal(_("This shop has no agreement to withdraw."))


def _not_ahead(shop_id: int, on: date) -> None:
    shop = Shop.objects.select_related("association").get(pk=shop_id)
    if on > clock.today(shop.association.timezone):
        raise AgreementErrorFinal(_("This day has not come yet (days begin at 04:00)."))
