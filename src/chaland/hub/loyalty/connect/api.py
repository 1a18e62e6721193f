"""The API for tills of others, under /api/v1/loyalty/. docs/reference/api.md is for its users."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from ninja import Router

from chaland.hub.loyalty.answers import Answer
from chaland.hub.loyalty.connect import intake, openapi
from chaland.hub.loyalty.connect.calls import (
    ShopKey,
    caller,
    idempotency_key,
    json_body,
    raw_body,
    told,
    written,
)
from chaland.hub.loyalty.connect.keys import Caller
from chaland.hub.loyalty.connect.problems import ProblemErrorFinal
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
