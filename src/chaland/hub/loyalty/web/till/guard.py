"""What every request of a till page passes: same origin, JSON, a known device, a seller, its shape.

The page posts JSON with a header of its own, which a form of another site can't; the device's
cookie is SameSite=Strict. So no CSRF token is needed, and a shell from the cache can post.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from ninja import Schema
from pydantic import ConfigDict, Field, ValidationError

from chaland.hub.association.models import Shop
from chaland.hub.common import clock
from chaland.hub.loyalty import answers
from chaland.hub.loyalty.members import lookups
from chaland.hub.loyalty.members.lookups import Asker
from chaland.hub.loyalty.models import Till
from chaland.hub.loyalty.till import devices, sellers, shifts, whom
from chaland.hub.loyalty.web.till.refusals import REFUSED, RefusedFinal, refusal_of

COOKIE_AGE_S = 400 * 24 * 3600
_KEY_AT_MOST = 80
View = Callable[[HttpRequest], HttpResponse]


Id = Annotated[int, Field(ge=0, le=2**53)]
"""A number of a row, or of cents: one that no database chokes on."""


class Asked(Schema):
    """A request's body; a field that isn't expected is an error."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Keyed(Asked):
    """A write: the same key again is the same write."""

    key: str


@dataclass(frozen=True)
class Device:
    """Who asks: the till, its shop, and in the shop's name who acts."""

    till: Till
    shop: Shop
    origin: str
    """``https://town.example``, for addresses that a customer's phone opens."""
    meant: Callable[[], int] | None = None
    """Whom a write means, looked up before it began: a look-up that finds nobody is counted,
    though the write is undone."""
    seller_id: int | None = None
    """Who typed what is sent now, where that isn't who stands at the till."""

    @property
    def actor(self) -> str:
        return devices.actor_of(self.till, self.seller_id)

    @property
    def has_sellers(self) -> bool:
        """Whether a PIN is needed here."""
        return sellers.sellers_of(self.till.shop_id).exists()

    @property
    def asker(self) -> Asker:
        return whom.asker_of(self.till, self.seller_id)


A = TypeVar("A", bound=Asked)
Act = Callable[[Device, A], Mapping[str, Any]]
Fill = Callable[[Device, Mapping[str, Any]], dict[str, Any]]


def cookie_name() -> str:
    """Return the name of the device's cookie; over HTTPS no other host or path can set it."""
    return "__Host-till" if settings.HTTPS else "till"


def remember(response: HttpResponse, token: str) -> None:
    """Give the device its cookie, or the same one for longer."""
    response.set_cookie(
        cookie_name(), token, max_age=COOKIE_AGE_S,
        httponly=True, samesite="Strict", secure=settings.HTTPS,
    )  # fmt: skip


def posted(view: View) -> View:
    """Let in JSON that this site's own page posted; say no in JSON; let nothing be cached."""

    @csrf_exempt
    @wraps(view)
    def wrapped(request: HttpRequest) -> HttpResponse:
        try:
            _check_origin(request)
            response = view(request)
        except RefusedFinal as refused:
            response = JsonResponse(refused.body, status=refused.status)
            if "retry_after_s" in refused.body:
                response["Retry-After"] = str(refused.body["retry_after_s"])
        response["Cache-Control"] = "no-store"
        # The device's own clock may be wrong: it goes by this one.
        response["X-Till-Now"] = clock.now().isoformat()
        return response

    return wrapped


def till_view(
    asked: type[A],
    *,
    seller: bool = True,
    keyed: bool = False,
    fill: Fill | None = None,
    before: Callable[[Device, A], Device] | None = None,
) -> Callable[[Act[A]], View]:
    """Make a view of what a paired device asks. ``seller``: only while somebody stands there.

    ``keyed``: a write that is done once, and answered the same however often it is sent. That
    answer is kept, so it holds no name: ``fill`` adds what is only shown.
    """

    def decorated(act: Act[A]) -> View:
        @posted
        @wraps(act)
        def view(request: HttpRequest) -> HttpResponse:
            device = device_of(request)
            if seller and not shifts.is_open(device.till) and device.has_sellers:
                raise RefusedFinal(403, "locked", _("Enter your PIN first."))
            body = read(request, asked)
            try:
                if before is not None:
                    device = before(device, body)
                answer = _once(request, device, act, body) if keyed else act(device, body)
                return JsonResponse(fill(device, answer) if fill else answer)
            except REFUSED as error:
                raise refusal_of(device.till, error) from None

        return view

    return decorated


def _once(request: HttpRequest, device: Device, act: Act[A], body: A) -> Mapping[str, Any]:
    key = body.key if isinstance(body, Keyed) else ""
    if not 8 <= len(key) <= _KEY_AT_MOST:
        raise RefusedFinal(400, "key", _("The page is out of date: reload it."))
    request_bytes = request.path.encode() + b"\0" + request.body
    scope = f"till:{device.till.pk}"
    try:
        with lookups.on_record():  # what was asked stays on record, though the write is undone
            return answers.once(
                scope, key, request_bytes, lambda: answers.Answer(200, act(device, body))
            ).body
    except answers.OtherRequestErrorFinal:
        text = _("This was sent before with other content; nothing was done.")
        raise RefusedFinal(422, "key-reused", text) from None
    except answers.ForgottenErrorFinal:
        raise RefusedFinal(410, "closed", _("This account is closed.")) from None


def device_of(request: HttpRequest) -> Device:
    """Return the paired device; 401 where there is none (any more)."""
    till = devices.till_of(request.COOKIES.get(cookie_name(), ""))
    shops = Shop.objects.select_related("association")
    shop = shops.filter(pk=till.shop_id, association=till.association_id).first() if till else None
    if till is None or shop is None:
        raise RefusedFinal(401, "unpaired", _("This device is not (any more) a till of a shop."))
    timezone.activate(ZoneInfo(shop.association.timezone))
    return Device(till, shop, request.build_absolute_uri("/")[:-1])


def read(request: HttpRequest, asked: type[A]) -> A:
    """Read a body; the answer to a bad one names the field and repeats nothing of it."""
    try:
        return asked.model_validate_json(request.body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "body"
        text = _("The field %(field)s is missing or wrong.") % {"field": field}
        raise RefusedFinal(400, "bad-field", text, field=field) from None


def _check_origin(request: HttpRequest) -> None:
    if request.method != "POST":
        raise RefusedFinal(405, "method", "POST")
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    foreign = origin is not None and urlsplit(origin).netloc != request.get_host()
    if foreign or site != "same-origin" or request.headers.get("X-Till") != "1":
        raise RefusedFinal(403, "origin", _("Only the till page itself may ask this."))
    if request.content_type != "application/json":
        raise RefusedFinal(415, "content-type", "application/json")
