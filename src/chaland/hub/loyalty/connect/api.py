"""The API for tills of others, under /api/v1/loyalty/. docs/reference/api.md is for its users."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from ninja import Router

from chaland.hub.loyalty.answers import Answer
from chaland.hub.loyalty.connect import connections, intake, openapi, register, spending
from chaland.hub.loyalty.connect.calls import (
    CALLS_PER_MINUTE,
    ShopKey,
    caller,
    count_wrong_key,
    idempotency_key,
    json_body,
    raw_body,
    told,
    written,
)
from chaland.hub.loyalty.connect.keys import Caller
from chaland.hub.loyalty.connect.problems import ProblemErrorFinal, json_response
from chaland.hub.loyalty.connect.rates import allow
from chaland.hub.loyalty.consent.wordings import LANGUAGES
from chaland.hub.loyalty.members.onrecord import on_record
from chaland.hub.loyalty.receipts import services as receipts

router = Router(tags=["loyalty"], auth=ShopKey())


@router.post("/loyalty/receipts", openapi_extra=openapi.POST_RECEIPT, summary="Send a receipt")
@told
def post_receipt(request: HttpRequest) -> HttpResponse:
    """Take one receipt in, exactly once; 201 the first time, 200 if it is known already."""

    def read(given: object, who: Caller) -> Callable[[int], Answer]:
        receipt = intake.decoded(given, who)
        return lambda raw_id: intake.take_one(receipt, raw_id)

    return _received(request, read)


@router.post(
    "/loyalty/receipts/batch", openapi_extra=openapi.POST_BATCH, summary="Send up to 500 receipts"
)
@told
def post_batch(request: HttpRequest) -> HttpResponse:
    """Take receipts in, in one transaction; each is told its own outcome."""

    def read(given: object, who: Caller) -> Callable[[int], Answer]:
        batch = intake.decoded_batch(given, who)
        return lambda raw_id: Answer(200, {"receipts": intake.take(batch, raw_id)})

    return _received(request, read)


@router.post(
    "/loyalty/receipts/{receipt_id}/returns",
    openapi_extra=openapi.POST_RETURN,
    summary="Send a return",
)
@told
def post_return(request: HttpRequest, receipt_id: str) -> HttpResponse:
    """Take in what comes back of a receipt of this shop; what it earned for that goes back."""

    def read(given: object, who: Caller) -> Callable[[int], Answer]:
        returned = intake.decoded_return(given, who, receipt_id)
        return lambda raw_id: intake.take_one(returned, raw_id)

    return _received(request, read)


def _received(
    request: HttpRequest, read: Callable[[object, Caller], Callable[[int], Answer]]
) -> HttpResponse:
    """Keep the body raw, read it, and do the write once."""
    who = caller(request)
    key = idempotency_key(request)
    body = raw_body(request)
    given = json_body(request)
    raw = receipts.store_raw(
        association_id=who.association_id, shop_id=who.shop_id, source="api", body=body.decode()
    )
    try:
        work = read(given, who)
    except ProblemErrorFinal as problem:
        receipts.refuse_raw(raw.pk, problem.code)
        raise
    return written(request, who, lambda _name: work(raw.pk), key)


@router.post("/loyalty/quote", openapi_extra=openapi.POST_QUOTE, summary="Ask what it would earn")
@told
def post_quote(request: HttpRequest) -> HttpResponse:
    """Say what a receipt would earn and cost less. Nothing is written."""
    who = caller(request)
    return json_response(200, spending.quote(json_body(request), who))


@router.post(
    "/loyalty/members/standing", openapi_extra=openapi.POST_STANDING, summary="Ask for balances"
)
@told
def post_standing(request: HttpRequest) -> HttpResponse:
    """Say what a member has in this shop; the member sees that it was asked."""
    who = caller(request)
    given = json_body(request)
    text = given.get("member") if isinstance(given, dict) and len(given) == 1 else None
    if not isinstance(text, str):
        raise ProblemErrorFinal("invalid", 'Send {"member": a card or a handle}.')
    return json_response(200, spending.standing(text, who))


@router.post(
    "/loyalty/redemptions", openapi_extra=openapi.POST_REDEMPTION, summary="Reserve a reward"
)
@told
def post_redemption(request: HttpRequest) -> HttpResponse:
    """Keep what a reward costs, until it is confirmed, cancelled, or out of time."""
    who, key, given = caller(request), idempotency_key(request), json_body(request)
    return written(request, who, lambda name: spending.reserve(given, who, name), key)


@router.post(
    "/loyalty/redemptions/{redemption_id}/confirm",
    openapi_extra=openapi.POST_CONFIRM,
    summary="Spend what was reserved",
)
@told
def post_confirm(request: HttpRequest, redemption_id: str) -> HttpResponse:
    """Spend a reservation, or a part of it; the rest is free again."""
    who, key, given = caller(request), idempotency_key(request), json_body(request)
    return written(
        request, who, lambda name: spending.confirm(redemption_id, given, who, name), key
    )


@router.post(
    "/loyalty/redemptions/{redemption_id}/cancel",
    openapi_extra=openapi.POST_CANCEL,
    summary="Give a reservation up",
)
@told
def post_cancel(request: HttpRequest, redemption_id: str) -> HttpResponse:
    """Give a reservation up; what it kept is free again."""
    who, key = caller(request), idempotency_key(request)
    raw_body(request)
    return written(request, who, lambda name: spending.cancel(redemption_id, who, name), key)


@router.post("/loyalty/vouchers/use", openapi_extra=openapi.POST_VOUCHER, summary="Use a voucher")
@told
def post_voucher(request: HttpRequest) -> HttpResponse:
    """Use a voucher, once."""
    who, key, given = caller(request), idempotency_key(request), json_body(request)
    return written(request, who, lambda name: spending.use_voucher(given, who, name), key)


@router.post("/loyalty/members/find", openapi_extra=openapi.POST_FIND, summary="Look members up")
@told
def post_find(request: HttpRequest) -> HttpResponse:
    """Find members, masked; counted, and on the members' record. A POST, so that no name or
    number stands in an address."""
    who = caller(request)
    return json_response(200, register.find(json_body(request), who))


@router.post("/loyalty/members", openapi_extra=openapi.POST_MEMBER, summary="Enrol a member")
@told
def post_member(request: HttpRequest) -> HttpResponse:
    """Enrol somebody who stands at the till and has read the texts."""
    who, key = caller(request), idempotency_key(request)
    joining = register.Joining(json_body(request), who)
    with on_record():  # what was asked stays on record, though the write is undone
        return written(request, who, lambda _name: joining.write(), key, joining.shown)


@router.get(
    "/loyalty/texts/{language}", openapi_extra=openapi.GET_TEXTS, summary="Get the texts to show"
)
@told
def get_texts(request: HttpRequest, language: str) -> HttpResponse:
    """Return what must be on the screen where somebody joins, and the numbers of the boxes."""
    who = caller(request)
    if language not in LANGUAGES:
        raise ProblemErrorFinal("not-found")
    return json_response(200, register.texts(language, who))


@router.post(
    "/loyalty/hooks/{address}",
    auth=None,
    openapi_extra=openapi.POST_HOOK,
    summary="Where tills of Hiboutik, Odoo and Square post to",
)
@told
def post_hook(request: HttpRequest, address: str) -> HttpResponse:
    """Take in what another maker's till posts, in its own form; the address is a secret."""
    connection = connections.connection_at(address)
    if connection is None:
        count_wrong_key(request)
        raise ProblemErrorFinal("not-found")
    if not allow(f"hook:{connection.pk}", CALLS_PER_MINUTE):
        raise ProblemErrorFinal("too-many")
    try:
        taken = connections.receive(
            connection, request.build_absolute_uri(), request.headers, raw_body(request)
        )
    except connections.UnsignedErrorFinal:
        raise ProblemErrorFinal("unauthorized") from None
    return json_response(200, {"outcome": taken.outcome, "reason": taken.reason})
