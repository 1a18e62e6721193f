"""Door counters' API: counts of people, in; nothing about anybody."""

from datetime import UTC, datetime

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema, Status
from ninja.errors import HttpError
from ninja.security import HttpBearer
from pydantic import AwareDatetime, ConfigDict, Field

from chaland.hub.common import clock
from chaland.hub.footfall import services
from chaland.hub.footfall.services.door_rows import CountRow, RowErrorFinal, check

router = Router(tags=["door counts"])


class ShopToken(HttpBearer):
    """The token that the calibration page of a shop gives."""

    def authenticate(self, request: HttpRequest, token: str) -> int | None:  # noqa: ARG002
        return services.shop_of_token(token)


class DoorCountIn(Schema):
    """People over [start, end): mean number present, people who came in, or both."""

    model_config = ConfigDict(extra="forbid")

    start: AwareDatetime
    end: AwareDatetime
    occupancy: float | None = None
    arrivals: int | None = None


class DoorCountsIn(Schema):
    """Up to 2,000 counts; the same start again replaces what was sent before."""

    model_config = ConfigDict(extra="forbid")

    counts: list[DoorCountIn] = Field(min_length=1, max_length=2_000)


class RecordedOut(Schema):
    """What became of the counts."""

    added: int
    replaced: int
    unchanged: int


class Problem(Schema):
    """Why nothing was stored: each field at fault, and what to do."""

    detail: str
    problems: dict[str, str] = {}


@router.post(
    "/door-counts",
    auth=ShopToken(),
    response={200: RecordedOut, 422: Problem, 401: Problem},
    summary="Send a door counter's counts of one shop",
)
def post_door_counts(request: HttpRequest, body: DoorCountsIn) -> Status[RecordedOut | Problem]:
    """Store the counts of the token's shop, all or none; sending them twice changes nothing."""
    shop_id = getattr(request, "auth", None)
    if not isinstance(shop_id, int):
        raise HttpError(401, "Unauthorized")
    now = clock.now()
    rows, problems = [], {}
    for i, given in enumerate(body.counts):
        try:
            row = CountRow(
                _utc("start", given.start), _utc("end", given.end), given.occupancy, given.arrivals
            )
            rows.append(check(row, now))
        except RowErrorFinal as error:
            problems[f"counts[{i}].{error.field}"] = str(error)
    if problems:
        problem = Problem(detail=_("Nothing was stored: correct these."), problems=problems)
        return Status(422, problem)
    made = services.record_door_counts(shop_id, rows, "door")
    return Status(
        200, RecordedOut(added=made.added, replaced=made.replaced, unchanged=made.unchanged)
    )


def _utc(field: str, given: datetime) -> datetime:
    try:
        return given.astimezone(UTC)
    except OverflowError as error:  # the first or last hours that a calendar knows
        message = _("This is not a day of this century: check the date.")
        raise RowErrorFinal(field, message) from error
