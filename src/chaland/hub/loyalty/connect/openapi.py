"""What the OpenAPI document says of the API: bodies are read by hand, so it is written by hand."""

from typing import Any

from chaland.hub.loyalty.connect.calls import KEY_HEADER
from chaland.hub.loyalty.connect.fields import CENTS_AT_MOST
from chaland.hub.loyalty.connect.problems import CODES
from chaland.hub.loyalty.connect.receipt_json import BATCH_AT_MOST, LINES_AT_MOST, NUMBER_AT_MOST

Schema = dict[str, Any]
_CENTS = {"type": "integer", "minimum": -CENTS_AT_MOST, "maximum": CENTS_AT_MOST}
_INSTANT = {"type": "string", "format": "date-time", "description": "with its offset"}
_ID = {"type": "integer"}


def whole(low: int, high: int) -> Schema:
    """Return a whole number within bounds."""
    return {"type": "integer", "minimum": low, "maximum": high}


def text(at_most: int, description: str = "") -> Schema:
    """Return a text on one line."""
    schema: Schema = {"type": "string", "maxLength": at_most, "pattern": r"^[^\x00-\x1f\x7f]*$"}
    return schema | ({"description": description} if description else {})


def shape(required: Schema, **optional: Schema) -> Schema:
    """Return an object with these fields and no others."""
    return {
        "type": "object",
        "properties": required | optional,
        "required": list(required),
        "additionalProperties": False,
    }


def maybe(schema: Schema) -> Schema:
    """Return what may also be null."""
    return {"anyOf": [schema, {"type": "null"}]}


def listed(schema: Schema, at_most: int, at_least: int = 0) -> Schema:
    """Return a list."""
    return {"type": "array", "items": schema, "minItems": at_least, "maxItems": at_most}


PROBLEM = shape(
    {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"enum": sorted(CODES)},
    },
    detail={"type": "string"},
    errors={
        "type": "array",
        "items": shape({"field": {"type": "string"}, "message": {"type": "string"}}),
    },
)
_LINE = shape(
    {"gross_cents": _CENTS | {"description": "with tax, for the whole quantity; < 0: discount"}},
    number=whole(1, 32_767),
    item_id=text(64),
    item_name=text(120),
    group=text(64, "product group"),
    quantity_milli=whole(1, CENTS_AT_MOST),
    vat_permyriad=whole(0, 10_000) | {"description": "550 is 5.5 %"},
    discount={"type": "boolean"},
    returns_number=whole(1, 32_767) | {"description": "the purchase's line that comes back"},
)
_VAT = shape({"rate_permyriad": whole(0, 10_000), "taxable_cents": _CENTS, "tax_cents": _CENTS})
_RETURN_REQUIRED = {
    "external_id": text(NUMBER_AT_MOST, "the till's own number") | {"minLength": 1},
    "issued_at": _INSTANT,
    "gross_cents": _CENTS,
}
_RETURN_OPTIONAL: dict[str, Schema] = {
    "net_cents": _CENTS,
    "currency": {"const": "EUR"},
    "till_label": text(40),
    "seller_label": text(40),
    "lines": listed(_LINE, LINES_AT_MOST),
    "vat": listed(_VAT, 20),
}
RETURN = shape(_RETURN_REQUIRED, **_RETURN_OPTIONAL)
RECEIPT = shape(
    _RETURN_REQUIRED,
    **_RETURN_OPTIONAL,
    code=text(12, "8 to 12 random signs of Crockford's base 32; absent: we make one"),
    member=text(200, "what the scanner read on the card, or a handle"),
    returns_code=text(16, "for a return: the code on the purchase's receipt, of any shop"),
    returns_external_id=text(NUMBER_AT_MOST, "for a return: the till's number of the purchase"),
)
_EARNED = shape({"asset": _ID, "amount": _ID, "why": {"type": "string"}})
TAKEN = shape(
    {
        "external_id": {"type": "string"},
        "outcome": {"enum": ["new", "repeated", "conflict", "refused"]},
        "id": maybe(_ID),
        "code": {"type": "string", "description": "print it: who holds it may claim the receipt"},
        "error": {"type": "string"},
        "reason": {"type": "string"},
        "earned": {"type": "array", "items": _EARNED},
    }
)


def described(
    ok: dict[int, Schema],
    refusals: tuple[str, ...] = (),
    *,
    body: Schema | None = None,
    write: bool = False,
    path: str = "",
) -> dict[str, Any]:
    """Return what is said of one address: its body, its answers, and the codes of its refusals."""
    codes = ["unauthorized", "too-many", *refusals]
    if body is not None:
        codes += ["not-json", "not-media", "too-large", "invalid"]
    parameters = []
    if path:
        parameters.append(_parameter(path, "path", {"type": "string"}))
    if write:
        codes += ["key-missing", "key-reused", "busy"]
        parameters.append(_parameter(KEY_HEADER, "header", _KEY))
    said: dict[str, Any] = {"responses": _answers(ok, codes)}
    if parameters:
        said["parameters"] = parameters
    if body is not None:
        said["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return said


_KEY = {"type": "string", "minLength": 1, "maxLength": 80, "pattern": r"^[!-~]+$"}


def _parameter(name: str, place: str, schema: Schema) -> Schema:
    return {"name": name, "in": place, "required": True, "schema": schema}


def _answers(ok: dict[int, Schema], codes: list[str]) -> dict[int, Any]:
    by_status: dict[int, list[str]] = {}
    for code in sorted(set(codes)):
        by_status.setdefault(CODES[code][0], []).append(code)
    refused = {"application/problem+json": {"schema": PROBLEM}}
    answers: dict[int, Any] = {
        status: {"description": "done", "content": {"application/json": {"schema": schema}}}
        for status, schema in ok.items()
    }
    for status, names in sorted(by_status.items()):
        answers[status] = {"description": ", ".join(names), "content": refused}
    return answers


POST_RECEIPT = described(
    {201: TAKEN, 200: TAKEN}, ("conflict", "refused"), body=RECEIPT, write=True
)
POST_BATCH = described(
    {200: shape({"receipts": {"type": "array", "items": TAKEN}})},
    body=shape({"receipts": listed(RECEIPT, BATCH_AT_MOST, 1)}),
    write=True,
)
POST_RETURN = described(
    {201: TAKEN, 200: TAKEN},
    ("conflict", "refused", "not-found"),
    body=RETURN,
    write=True,
    path="receipt_id",
)
QUOTE = shape(
    {"issued_at": _INSTANT, "gross_cents": _CENTS},
    **_RETURN_OPTIONAL,
    external_id=text(NUMBER_AT_MOST),
    member=text(200),
)
_BALANCE = shape(
    {
        "asset": _ID,
        "kind": {"enum": ["purse", "points", "stamps"]},
        "name": {"type": "string"},
        "balance": _ID,
        "held": _ID,
        "debt": _ID,
        "next_lapse": maybe(shape({"on": {"type": "string", "format": "date"}, "amount": _ID})),
    }
)
_REWARD = shape(
    {
        "reward": _ID,
        "kind": {"type": "string"},
        "name": {"type": "string"},
        "asset": _ID,
        "units": _ID,
        "cents": _ID,
        "missing": _ID,
    }
)
_REDUCTION = shape({"line": _ID, "advantage": _ID, "cents": _ID})
_TIER = shape({"programme": {"type": "string"}, "name": {"type": "string"}})
_VOUCHER = shape(
    {
        "code": {"type": "string"},
        "name": {"type": "string"},
        "cents": _ID,
        "expires_on": {"type": "string", "format": "date"},
    }
)


def _many(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


POST_QUOTE = described(
    {200: shape({"earned": _many(_EARNED), "reductions": _many(_REDUCTION)})},
    ("member-unknown", "member-closed", "refused"),
    body=QUOTE,
)
POST_STANDING = described(
    {
        200: shape(
            {
                "balances": _many(_BALANCE),
                "rewards": _many(_REWARD),
                "tiers": _many(_TIER),
                "vouchers": _many(_VOUCHER),
            }
        )
    },
    ("member-unknown", "member-closed"),
    body=shape({"member": text(200) | {"minLength": 1}}),
)
POST_REDEMPTION = described(
    {
        201: shape(
            {
                "id": {"type": "string", "format": "uuid"},
                "units": _ID,
                "cents": _ID,
                "expires_at": _INSTANT,
            }
        )
    },
    ("member-unknown", "member-closed", "name-only", "not-found", "not-enough", "refused"),
    body=shape(
        {"member": text(200) | {"minLength": 1}, "reward": whole(1, 2**53)},
        wanted_cents=whole(1, CENTS_AT_MOST) | {"description": "of an amount off"},
        ttl_s=whole(10, 3600),
    ),
    write=True,
)
POST_CONFIRM = described(
    {
        200: shape(
            {
                "id": {"type": "string"},
                "units": _ID,
                "cents": _ID,
                "voucher_code": {"type": "string", "description": "empty unless it is a voucher"},
            }
        )
    },
    ("not-found", "member-closed", "hold-over", "refused"),
    body=shape(
        {},
        wanted_cents=whole(1, CENTS_AT_MOST) | {"description": "spend less than was reserved"},
        receipt=text(NUMBER_AT_MOST, "the external_id of the receipt it was spent on"),
    ),
    write=True,
    path="redemption_id",
)
POST_CANCEL = described(
    {200: shape({"id": {"type": "string"}, "cancelled": {"const": True}})},
    ("not-found", "hold-over", "refused"),
    write=True,
    path="redemption_id",
)
POST_VOUCHER = described(
    {200: shape({"name": {"type": "string"}, "cents": _ID})},
    ("not-found", "refused"),
    body=shape({"code": text(40) | {"minLength": 1}}),
    write=True,
)
_FOUND = shape(
    {
        "member": {"type": "string", "description": "a handle: good in this shop, for 12 hours"},
        "name": {"type": "string", "description": "masked: Marie D."},
        "hint": {"type": "string", "description": "the number's last two digits"},
        "own": {"type": "boolean", "description": "already a customer of this shop"},
    }
)
POST_FIND = described(
    {200: shape({"found": _many(_FOUND), "more": {"type": "boolean"}})},
    body=shape(
        {},
        phone=text(254),
        email=text(254),
        name=text(254, "the beginning, from three letters"),
        typo=text(254, "a name with typing errors"),
        card=text(254),
        digits=text(254, "the number's last four, with birth_month"),
        birth_month=whole(1, 12),
    ),
)
_CONSENT = shape(
    {"wording": whole(1, 2**53), "controller": {"enum": ["shop", "association"]}},
)
POST_MEMBER = described(
    {201: shape({"member": {"type": "string"}})},
    ("duplicate",),
    body=shape(
        {"over_15": {"type": "boolean"}},
        first_name=text(60),
        last_name=text(60),
        phone=text(32),
        email=text(254),
        birth_day=whole(1, 31),
        birth_month=whole(1, 12),
        language={"enum": ["fr", "en"]},
        consents=listed(_CONSENT, 20),
        despite_duplicates={"type": "boolean"},
    ),
    write=True,
)
_WORDING = shape(
    {
        "wording": _ID,
        "purpose": {"type": "string"},
        "channel": {"type": "string"},
        "text_shop": {"type": "string"},
        "text_association": {"type": "string"},
    }
)
GET_TEXTS = described(
    {
        200: shape(
            {
                "contact_notice": {"type": "string"},
                "over_15": {"type": "string"},
                "consents": _many(_WORDING),
            }
        )
    },
    ("not-found",),
    path="language",
)
_OUTCOMES = ["new", "repeated", "conflict", "refused", "ignored", "later"]
POST_HOOK = described(
    {200: shape({"outcome": {"enum": _OUTCOMES}, "reason": {"type": "string"}})},
    ("not-found", "too-large", "not-json"),
    path="address",
)
POST_HOOK["requestBody"] = {
    "content": {"application/x-www-form-urlencoded": {}, "application/json": {}}
}
