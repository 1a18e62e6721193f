"""All that is known of a member, to take along (L15): JSON of everything, CSV of the purchases.

Receipts have the fields in which the API takes them, and the CSV the columns of the import of
receipts, so that both can be read in again.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from chaland.hub.association.models import Association, Shop
from chaland.hub.common import clock
from chaland.hub.loyalty.consent.selectors import story_of
from chaland.hub.loyalty.consent.wordings import text_for
from chaland.hub.loyalty.ledger.selectors import balances, statement
from chaland.hub.loyalty.members.selectors import lookups_of
from chaland.hub.loyalty.models import (
    THE_ASSOCIATION,
    Claim,
    Delivery,
    Invitation,
    Member,
    MessageChoice,
    Receipt,
    ReceiptLine,
    Voucher,
)
from chaland.hub.loyalty.outreach import selectors, stopping
from chaland.hub.loyalty.outreach.audience import segment_words
from chaland.hub.loyalty.programmes.voucher_codes import code_of
from chaland.hub.loyalty.programmes.words import why_line

COLUMNS = (
    *("shop", "ticket", "date", "time", "reference", "article", "category", "quantity", "vat"),
    "amount",
)
_LOOKUPS_MAX = _MESSAGES_MAX = 100_000


def everything(member: Member) -> dict[str, Any]:
    """Return all that is known of a member, as plain data. Times are ISO 8601, amounts cents."""
    names = shop_names(member.association_id)
    vouchers = member.vouchers.select_related("reward", "reward__programme").order_by("issued_at")
    claims = member.claims.select_related("receipt").order_by("at")
    association = Association.objects.get(pk=member.association_id).name
    controllers = {THE_ASSOCIATION: association, **names}
    return {
        "made_at": clock.now().isoformat(),
        "association": association,
        "member": _known(member, names),
        "shops": [
            {"shop": names.get(s.shop_id, ""), "since": s.since.isoformat(), "how": s.how}
            for s in member.shops.order_by("since")
        ],
        "consents": [_consent(event, controllers) for event in reversed(story_of(member))],
        "balances": [_balance(member, balance, names) for balance in balances(member.pk)],
        "vouchers": [_voucher(voucher, names) for voucher in vouchers],
        "receipts": [_receipt(receipt, names) for receipt in purchases(member)],
        "awaited_receipts": [_awaited(claim, names) for claim in claims],
        "looked_up": [
            {"at": s.at.isoformat(), "how": s.kind, "shop": names.get(s.shop_id or 0, "")}
            for s in lookups_of(member, _LOOKUPS_MAX)
        ],
        "invitations": [_invitation(invitation, names) for invitation in _invitations(member)],
        "messages": [
            _message(one, controllers) for one in selectors.messages_of(member, _MESSAGES_MAX)
        ],
        "message_choices": _choices(member),
        "stopped": [
            {"channel": s.channel, "cause": s.cause, "at": s.at.isoformat()}
            for s in stopping.stops_of(member)
        ],
    }


def shop_names(association_id: int) -> dict[int, str]:
    """Return the names of an association's shops by number."""
    return dict(Shop.objects.filter(association=association_id).values_list("pk", "name"))


def purchases(member: Member) -> list[Receipt]:
    """List a member's receipts, purchases and returns, the newest first, with their lines."""
    found = Receipt.objects.filter(member=member).prefetch_related("lines", "vat")
    return list(found.select_related("returns").order_by("-issued_at", "-pk"))


def _known(member: Member, names: Mapping[int, str]) -> dict[str, Any]:
    return {
        "first_name": member.first_name,
        "last_name": member.last_name,
        "phone": member.phone,
        "email": member.email,
        "birth_day": member.birth_day,
        "birth_month": member.birth_month,
        "over_15_declared_on": _iso(member.over_15_on),
        "language": member.language,
        "state": member.state,
        "enrolled_at": member.enrolled_at.isoformat(),
        "enrolled_at_shop": names.get(member.enrolled_shop_id or 0, ""),
        "last_active_on": _iso(member.last_active_on),
    }


def _iso(day: Any) -> str | None:
    return day.isoformat() if day else None


def _consent(event: Any, names: Mapping[int, str]) -> dict[str, Any]:
    controller = names.get(event.controller, "")
    return {
        "controller": controller,
        "purpose": event.purpose,
        "channel": event.channel,
        "given": event.given,
        "text": text_for(event.wording, controller) if event.wording else "",
        "place": event.place,
        "at": event.occurred_at.isoformat(),
        "digest": event.digest,
    }


def _balance(member: Member, balance: Any, names: Mapping[int, str]) -> dict[str, Any]:
    return {
        "name": balance.name,
        "kind": balance.kind,
        "shop": names.get(balance.shop_id or 0, ""),
        "balance": balance.balance,
        "held": balance.held,
        "debt": balance.debt,
        "movements": [
            {
                "at": m.occurred_at.isoformat(),
                "kind": m.kind,
                "shop": names.get(m.shop_id or 0, ""),
                "amount": m.amount,
                "owed": m.owed,
                "why": why_line(m.why, member.language),
            }
            for m in statement(member.pk, balance.asset_id)
        ],
    }


def _voucher(voucher: Voucher, names: Mapping[int, str]) -> dict[str, Any]:
    issued_by, programme = voucher.issued_by_id, voucher.reward.programme
    return {
        "name": voucher.reward.name,
        "shop": names.get(programme.shop_id or 0, ""),
        "code": code_of(issued_by) if issued_by else "",
        "state": voucher.state,
        "value_cents": voucher.reward.value_cents,
        "issued_at": voucher.issued_at.isoformat(),
        "expires_on": _iso(voucher.expires_on),
        "used_at": _iso(voucher.used_at),
        "used_at_shop": names.get(voucher.used_shop_id or 0, ""),
    }


def _awaited(claim: Claim, names: Mapping[int, str]) -> dict[str, Any]:
    """Return a presence at a till: its receipt is waited for, was found, or never came."""
    return {
        "shop": names.get(claim.shop_id, ""),
        "at": claim.at.isoformat(),
        "gross_cents": claim.amount_cents,
        "state": claim.state,
        "external_id": claim.receipt.external_id if claim.receipt else "",
    }


def _invitations(member: Member) -> Iterable[Invitation]:
    found = member.invitations.select_related("sale", "slot")
    return found.order_by("sale__starts_at", "pk")


def _invitation(invitation: Invitation, names: Mapping[int, str]) -> dict[str, Any]:
    sale, slot = invitation.sale, invitation.slot
    return {
        "sale": sale.name,
        "shop": names.get(sale.shop_id or 0, ""),
        "starts_at": sale.starts_at.isoformat(),
        "ends_at": sale.ends_at.isoformat(),
        "how": invitation.how,
        "recruited": invitation.recruited,
        "state": invitation.state,
        "invited_at": invitation.created_at.isoformat(),
        "asked_at": _iso(invitation.asked_at),
        "place_from": _iso(slot.starts_at) if slot else None,
        "arrived_at": _iso(invitation.arrived_at),
        "arrived_at_shop": names.get(invitation.arrived_shop_id or 0, ""),
    }


def _message(delivery: Delivery, names: Mapping[int, str]) -> dict[str, Any]:
    """Return a message that was sent, waits, or was not sent and for what reason."""
    not_sent = delivery.state == Delivery.State.NOT_SENT
    return {
        "name": delivery.campaign.name,
        "controller": names.get(delivery.campaign.controller, ""),
        "channel": delivery.channel,
        "state": delivery.state,
        "reason": delivery.reason,
        "why": [] if not_sent else segment_words.why(delivery),
        "sent_at": _iso(delivery.sending_at),
        "changed_at": delivery.changed_at.isoformat(),
    }


def _choices(member: Member) -> dict[str, Any]:
    """Return fewer messages than allowed, if wished (null: as many as allowed), and automatic."""
    rows = MessageChoice.objects.filter(member=member)
    chosen = rows.values("per_week", "per_month", "automatic").first()
    return dict(chosen) if chosen else {"per_week": None, "per_month": None, "automatic": []}


def _receipt(receipt: Receipt, names: Mapping[int, str]) -> dict[str, Any]:
    """Return a receipt in the API's words, and the shop's name beside it."""
    return {
        "shop": names.get(receipt.shop_id, ""),
        "receipt": {
            "external_id": receipt.external_id,
            "issued_at": receipt.issued_at.isoformat(),
            "gross_cents": receipt.gross_cents,
            "currency": receipt.currency,
            "lines": [_line(line) for line in receipt.lines.all()],
            "vat": [
                {
                    "rate_permyriad": v.rate_permyriad,
                    "taxable_cents": v.taxable_cents,
                    "tax_cents": v.tax_cents,
                }
                for v in receipt.vat.all()
            ],
            **({"returns_external_id": receipt.returns.external_id} if receipt.returns else {}),
        },
    }


def _line(line: ReceiptLine) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "number": line.number,
        "gross_cents": line.gross_cents,
        "item_id": line.item_id,
        "item_name": line.item_name,
        "group": line.group,
        "quantity_milli": line.quantity_milli,
        "discount": line.discount,
    }
    if line.vat_permyriad is not None:
        plain["vat_permyriad"] = line.vat_permyriad
    if line.returns_number is not None:
        plain["returns_number"] = line.returns_number
    return plain


def purchases_csv(member: Member, timezone: Any) -> str:
    """Return a member's purchases as CSV, a row a line, discounts too; times are the town's."""
    names = shop_names(member.association_id)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for receipt in reversed(purchases(member)):
        issued = receipt.issued_at.astimezone(timezone)
        for line in receipt.lines.all():
            writer.writerow(_row(names.get(receipt.shop_id, ""), receipt, issued, line))
    return out.getvalue()


def _row(shop: str, receipt: Receipt, issued: datetime, line: ReceiptLine) -> list[str]:
    vat = line.vat_permyriad
    return [
        _safe(shop),
        _safe(receipt.external_id),
        f"{issued:%Y-%m-%d}",
        f"{issued:%H:%M:%S}",
        _safe(line.item_id),
        _safe(line.item_name),
        _safe(line.group),
        _decimal(line.quantity_milli, 1000),
        "" if vat is None else _decimal(vat, 100),
        _decimal(line.gross_cents, 100),
    ]


def _safe(text: str) -> str:
    """Keep a spreadsheet from running a text as a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _decimal(value: int, scale: int) -> str:
    sign, digits = ("-" if value < 0 else ""), len(str(scale)) - 1
    return f"{sign}{abs(value) // scale}.{abs(value) % scale:0{digits}d}"
