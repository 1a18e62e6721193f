"""Replacing keys: everything that is sealed goes under the first of CHALAND_CONTACT_KEY, and what
finds members by their contacts is computed anew under the first of CHALAND_INDEX_KEY, with what the
stop list says of them."""

from collections.abc import Iterator

from django.apps import apps
from django.db import models, transaction

from chaland.hub.loyalty.fields import SealedTextField
from chaland.hub.loyalty.members import stop_list
from chaland.hub.loyalty.members.services import set_contacts
from chaland.hub.loyalty.models import Member

_AT_ONCE = 500
_INDICES = ("phone_index", "email_index", "digits_index")


def reseal() -> dict[str, int]:
    """Seal every sealed column anew, in portions while the hub serves; return rows by table.

    May be broken off and begun again. Raises SealedErrorFinal where no key opens a row.
    """
    done = {}
    for model in apps.get_app_config("loyalty").get_models():
        sealed = [f.name for f in model._meta.fields if isinstance(f, SealedTextField)]
        if sealed:
            done[model._meta.db_table] = sum(_portions(model, sealed))
    return done


def _portions(model: type[models.Model], sealed: list[str]) -> Iterator[int]:
    """Seal a table's rows in the order of their keys; each portion is locked while it changes."""
    columns = [*sealed, *(_INDICES if model is Member else ())]
    last = None
    while True:
        with transaction.atomic(using="loyalty"):
            rows = model._default_manager.order_by("pk").select_for_update()
            portion = list((rows.filter(pk__gt=last) if last is not None else rows)[:_AT_ONCE])
            _find_anew([row for row in portion if isinstance(row, Member)])
            model._default_manager.bulk_update(portion, columns)
        if not portion:
            return
        last = portion[-1].pk
        yield len(portion)


def _find_anew(members: list[Member]) -> None:
    """Compute members' indices anew; the stop list follows from those they had, by whatever key."""
    moves: dict[tuple[int, str, bytes], bytes] = {}
    for member in members:
        had = {kind: getattr(member, f"{kind}_index") for kind in stop_list.CONTACTS}
        set_contacts(member, member.phone, member.email)
        for kind, channel in stop_list.CONTACTS.items():
            if had[kind] is not None:
                new = getattr(member, f"{kind}_index")
                moves[member.association_id, channel, bytes(had[kind])] = new
    stop_list.move(moves)
    stop_list.follow(members)
