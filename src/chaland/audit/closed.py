"""F7: what is open to whom, which figures have a door, and what the hub keeps: closed lists.

A door, a column or a table that is not in these lists fails the audit until somebody has thought
about it and written it down here.
"""

import re
from collections.abc import Iterator
from typing import Any

from chaland.audit.report import Outcome

THRESHOLD, ROUNDING = 10.0, 0.5
SMALL_HOURS = {8, 9, 13, 15, 19}
"""Of the audit's shops (``published``): two visits an hour in each of three."""

Json = dict[str, Any]

OPEN = {
    "healthz", "openapi-json", "privacy", "privacy_assessment", "privacy_assessment_pdf",
    "privacy_notice", "privacy_charter", "privacy_audit", "budget", "budget_csv", "account_login",
    "account_inactive", "account_reset_password", "account_reset_password_done",
    "account_reset_password_from_key_done",
    "till:page", "till:worker", "till:manifest", "account_open", "account_notice", "unsubscribe",
    "outreach_hook", "invitation",
}  # fmt: skip
"""What anybody may read. The privacy account shows what was spent, never what was counted; the till
page and a member's link are shells, which hold nothing of anyone before the device, or the link's
token in a POST, has proved itself; the members' notice says what is kept, of nobody. A link to
unsubscribe, an invitation and a provider's address are their own proof, and name nobody."""
API = {"POST /summaries", "POST /exchange", "POST /sensors/enrol", "POST /door-counts"}
"""What programs may do with footfall: bring. There is nothing to fetch."""
LOYALTY_API = {
    "POST /loyalty/receipts", "POST /loyalty/receipts/batch", "POST /loyalty/quote",
    "POST /loyalty/receipts/{receipt_id}/returns", "POST /loyalty/redemptions",
    "POST /loyalty/redemptions/{redemption_id}/confirm",
    "POST /loyalty/redemptions/{redemption_id}/cancel", "POST /loyalty/vouchers/use",
    "POST /loyalty/members", "POST /loyalty/members/find", "POST /loyalty/members/standing",
    "GET /loyalty/texts/{language}", "POST /loyalty/hooks/{address}",
}  # fmt: skip
"""What a shop's own key may do: nothing with footfall, and nothing personal in an address."""

_ABOUT = {"figure", "place", "from", "to", "value", "low_90", "high_90", "unit", "note"}
COLUMNS = {
    "figures": _ABOUT | {"weekday", "hour", "coverage_percent", "compared_percent"},
    "flows": _ABOUT | {"other_place", "days"},
    "stays": _ABOUT | {"hour", "shops"},
    "account": {"shop", "day", "row", "releases", "epsilon spent", "limit", "remaining", "note"},
}
FIGURES = {
    "visits", "index", "change", "capture rate", "busiest hour", "town index", "shop visits",
    "shop index", "hour", "mean hour of the weekday", "followable visitors of a day",
    "shops a followable visitor", "followable visitors", "followable visitors of both",
    "share of the place’s followable visitors", "followable share of visits",
    "before 14:00, then after it", "mean stay", "mean stay of followable phones", "people present",
}  # fmt: skip
_MAY_BE_NEGATIVE = {"change"}

KEPT = {
    "agreement": "shop_id agreed_by agreed_on notice_shown_on notice_sha256 withdrawn_on",
    "auditreport": "made_at passed report",
    "batch": "sequence body_sha256 received_at sensor_id",
    "budgetentry": "shop_id day row releases epsilon limit",
    "calibration": (
        "shop_id fitted_at mode coefficients residual_sd scale_error day_error held_out_error "
        "held_out_mae held_out_mape stay visits_error cells days"
    ),
    "cell": (
        "shop_id start windows state fingerprints scans arrivals passers_by mechanism_id sensor_id"
    ),
    "charter": "association_id version document received_at",
    "dayfigure": (
        "shop_id day person_hours visits_variance dwell_s scale_error windows windows_expected "
        "hours"
    ),
    "daykey": "day public_key signature holds heard_at wanting_since sensor_id",
    "doorcount": "shop_id start end occupancy arrivals source recorded_at",
    "doortoken": "shop_id token_hash label created_at revoked_at",
    "dropcount": "day reason count sensor_id",
    "dwellday": "shop_id day edges_s counts bound epsilon sensor_id",
    "enrolmentcode": "shop_id code_hash label created_at expires_at used_at sensor_id",
    "flowday": "association_id day shop_ids estimates sensors sensors_expected simulated",
    "measurement": (
        "association_id controller contact purpose public_page objection_network ends_on town_key"
    ),
    "mechanism": "digest mode counts",
    "objectionbit": "association_id bit first_asked_on sensor_id",
    "objectionday": "association_id day bits",
    "objectionfilter": "association_id version bits",
    "sealedcopy": "day recipient_key key box signature maker_id recipient_id",
    "sensor": (
        "identifier shop_id public_key label enrolled_at revoked_at last_sequence last_seen_at "
        "last_state last_exchange_at"
    ),
    "sketch": (
        "association_id shop_id day since key epsilon bits symbols received_at expires_at sensor_id"
    ),
    "townkey": "association_id day key offered_at passed_over maker_id",
}
"""The tables of plane A and their columns: nothing in them is of a person or a device."""


def judge(outcome: Outcome, walked: Json) -> None:
    """Judge what ``walked.walk`` saw."""
    _closed_doors(outcome, walked["answers"])
    _own_shop_only(outcome, walked)
    for name, rows in walked["tables"].items():
        _table(outcome, name, rows)
    for place, text in walked["now"].items():
        numbers = re.findall(r"\d+", re.sub(r"\d\d:\d\d|Z\d", "", text))
        outcome.require(
            not numbers, f"the page of now shows {numbers} where two come an hour ({place})"
        )
    besides = sorted(set(walked["api"]) ^ (API | LOYALTY_API))
    outcome.require(not besides, f"the API offers {besides} besides, or lacks them")
    unknown = sorted(_unknown(walked["kept"]))
    outcome.require(not unknown, f"the hub keeps what no list has: {unknown[:5]}")
    outcome.measure("doors tried by nobody, a keeper, another town", len(walked["answers"]), "> 80")
    outcome.measure("tables of figures read", len(walked["tables"]))
    outcome.require(len(walked["answers"]) > 80, "the doors were not found")


def _closed_doors(outcome: Outcome, answers: Json) -> None:
    for door, said in answers.items():
        name, path = door.split(" ", 1)
        status = said["nobody"][0]
        outcome.require(status != 200 or name in OPEN, f"{path} is open to anybody")
        outcome.require(status < 500, f"{path} breaks when nobody asks")
        status, _, names_shops = said["elsewhere"]
        public = name in OPEN
        outcome.require(
            status != 200 or public or not names_shops, f"{path} shows a shop to another town"
        )


def _own_shop_only(outcome: Outcome, walked: Json) -> None:
    others = walked["names"][1:]
    for path, text in walked["keeper"].items():
        seen = [name for name in others if name in text]
        outcome.require(not seen, f"{path} shows {', '.join(seen)} to the keeper of another shop")
    outcome.require(
        any(walked["names"][0] in text for text in walked["keeper"].values()),
        "a keeper does not see the own shop: nothing was tested",
    )


def _table(outcome: Outcome, name: str, rows: list[dict[str, str]]) -> None:
    """Known columns and figures; no count below nothing, no hour under the threshold."""
    kind = re.split(r"[ ?]", name)[1]
    outcome.require(rows or kind == "account", f"the table {name} is empty: nothing was tested")
    for row in rows:
        unknown = sorted(row.keys() - COLUMNS[kind])
        outcome.require(not unknown, f"{kind}.csv has a column that no list has: {unknown}")
        figure = row.get("figure", "visits")
        outcome.require(figure in FIGURES, f"{kind}.csv has a figure that no list has: {figure}")
        value = _number(row.get("value", ""))
        if value is None:
            continue
        outcome.require(
            value >= 0 or figure in _MAY_BE_NEGATIVE, f"{kind}.csv gives {value:g} for {figure}"
        )
        if row.get("hour") and row.get("unit") == "visits an hour":
            shown = value >= THRESHOLD - ROUNDING
            outcome.require(shown, f"{kind}.csv shows an hour of {value:g} visits")
        if row.get("hour") and figure == "people present":
            small = int(row["hour"]) in SMALL_HOURS
            outcome.require(not small, f"{kind}.csv shows {value:g} present in a small hour")


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def _unknown(kept: dict[str, list[str]]) -> Iterator[str]:
    for table, columns in kept.items():
        name = table.removeprefix("footfall_")
        if table == "django_migrations":
            continue
        if name not in KEPT:
            yield table
            continue
        known = {"id", *KEPT[name].split()}
        yield from (f"{table}.{column}" for column in columns if column not in known)
