"""Writes ground truth, fits calibrations to it, and keeps door counters' tokens."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from django.db import transaction

from chaland.hub.footfall import cells, estimates, people
from chaland.hub.footfall.hours import Floats, Ints
from chaland.hub.footfall.models import Calibration, DoorCount, DoorToken
from chaland.hub.footfall.people import FEATURES
from chaland.hub.footfall.services.door_rows import CountRow
from chaland.hub.footfall.services.figures import rebuild_figures, shop_dwell, timezones
from chaland.wire.periods import CELL_S, WINDOW_S, WINDOWS_PER_CELL, cell_start, local_day

OVERLAP_MIN = 2 / 3
"""A quarter hour is truth when this much of it was watched."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of the rows: ``replaced`` had other numbers before."""

    added: int
    replaced: int
    unchanged: int


def record_door_counts(shop_id: int, rows: Sequence[CountRow], source: str) -> Recorded:
    """Store checked rows once each; a row again changes nothing, with other numbers replaces it."""
    fields = ("end", "occupancy", "arrivals")
    with transaction.atomic(using=DoorCount.objects.db):
        given = {row.start: row for row in rows}
        stored = (
            {
                count.start: count
                for count in DoorCount.objects.select_for_update().filter(
                    shop_id=shop_id,
                    source=source,
                    start__gte=min(given, default=None),
                    start__lte=max(given, default=None),
                )
            }
            if given
            else {}
        )
        unchanged = sum(
            start in stored
            and all(getattr(stored[start], field) == getattr(row, field) for field in fields)
            for start, row in given.items()
        )
        replaced = len(stored.keys() & given.keys()) - unchanged
        DoorCount.objects.bulk_create(
            [
                DoorCount(
                    shop_id=shop_id,
                    source=source,
                    start=row.start,
                    **{field: getattr(row, field) for field in fields},
                )
                for row in given.values()
            ],
            batch_size=500,
            update_conflicts=True,
            unique_fields=["shop_id", "start", "source"],
            update_fields=fields,
        )
    return Recorded(len(given) - unchanged - replaced, replaced, unchanged)


def fit_calibration(shop_id: int, now: datetime) -> Calibration:
    """Fit the shop's model to all its ground truth, then rebuild its figures with it.

    The mode is the one in which the counted quarter hours were mostly heard. Raises
    ``estimates.CalibrationFinal``, saying what is missing, and then changes nothing.
    """
    timezone = timezones([shop_id])[shop_id]
    counted = _counted(shop_id, timezone)
    found, truth = counted.cells, counted.present
    strict = np.isnan(found.counts["fingerprints"])
    known = ~np.isnan(truth) & (found.windows > 0)
    mode = "strict" if strict[known].sum() * 2 > known.sum() else "default"
    names = FEATURES if mode == "default" else FEATURES[1:]
    truth[strict != (mode == "strict")] = np.nan
    days = _day_numbers(found.start_s, timezone)
    made = estimates.fit(
        {name: found.counts[name] for name in names},
        found.windows.astype(np.float64),
        {name: found.scales[name] for name in names},
        truth,
        days,
    )
    stay = _stay(counted, made, days)
    with transaction.atomic(using=Calibration.objects.db):
        calibration = Calibration.objects.create(
            shop_id=shop_id,
            fitted_at=now,
            mode=mode,
            coefficients=dict(made.coefficients),
            residual_sd=made.residual_sd,
            scale_error=made.scale_error,
            day_error=made.day_error,
            held_out_mae=made.held_out_mae,
            held_out_mape=made.held_out_mape,
            held_out_error=made.held_out_share,
            stay=asdict(stay) if stay else None,
            visits_error=stay.held_out_error if stay else None,
            cells=made.cells,
            days=made.days,
        )
        rebuild_figures([shop_id])
    return calibration


@dataclass(frozen=True)
class _Counted:
    """Quarter hours around a shop's counts, (n,): people present and who came in, NaN: unknown."""

    cells: cells.Cells
    present: Floats
    arrivals: Floats


def _stay(counted: _Counted, made: estimates.Fit, days: Ints) -> estimates.Stay | None:
    """Fit the stay where who came in was counted, on the cells that made the curve."""
    found = counted.cells
    model = people.Model(made.coefficients, 0.0, 0.0, 0.0)
    both = {name: model for name in people.MODES}
    mean, _ = people.present(found, both)
    noise = people.noise_of(found, both)
    used = ~np.isnan(made.held_out) & ~np.isnan(counted.arrivals)
    if not used.any():
        return None
    observed_h = found.windows[used] * (WINDOW_S / 3600)
    heard = found.windows[used] / WINDOWS_PER_CELL
    return estimates.fit_stay(
        mean[used] * observed_h,
        made.held_out[used] * observed_h,
        noise[used] * observed_h**2,
        arrivals=counted.arrivals[used] * heard,
        hour=found.start_s[used] // 3600,
        day=days[used],
    )


def _counted(shop_id: int, timezone: ZoneInfo) -> _Counted:
    """Spread the shop's counts over the quarter hours that they touch."""
    counts = list(DoorCount.objects.filter(shop_id=shop_id).order_by("start"))
    if not counts:
        raise estimates.CalibrationFinal(
            estimates.Refusal.TOO_FEW_CELLS, "nobody has counted in this shop yet"
        )
    first, last = counts[0].start, max(count.end for count in counts)
    found = cells.read(shop_id, cell_start(first), last)
    begin, end = local_day(first, timezone), local_day(last, timezone)
    dwell = shop_dwell(shop_id, begin, end)
    watched_s, person_s, entered_s, came = np.zeros((4, len(found.start_s)))
    for count in counts:
        start, finish = count.start.timestamp(), count.end.timestamp()
        low = int(np.searchsorted(found.start_s, start - CELL_S, side="right"))
        high = int(np.searchsorted(found.start_s, finish, side="left"))
        cell = found.start_s[low:high]
        overlap = np.minimum(cell + CELL_S, finish) - np.maximum(cell, start)
        watched_s[low:high] += overlap
        stay_s = dwell.mean_s[(local_day(count.start, timezone) - begin).days]
        person_s[low:high] += overlap * _present(count, float(stay_s))
        if count.arrivals is not None:
            entered_s[low:high] += overlap
            came[low:high] += count.arrivals * overlap / (finish - start)
    return _Counted(found, _mean_over(person_s, watched_s), _mean_over(came * CELL_S, entered_s))


def _mean_over(value: Floats, watched_s: Floats) -> Floats:
    """Return value per watched second; NaN where too little of the quarter hour was watched."""
    known = watched_s >= OVERLAP_MIN * CELL_S
    mean: Floats = np.divide(value, watched_s, out=np.full(len(known), np.nan), where=known)
    return mean


def _present(count: DoorCount, dwell_s: float) -> float:
    """People present on average: counted, or people who came in times their stay (Little's law)."""
    if count.occupancy is not None:
        return count.occupancy
    return (count.arrivals or 0) * dwell_s / (count.end - count.start).total_seconds()


def _day_numbers(start_s: Ints, timezone: ZoneInfo) -> Ints:
    return np.array(
        [local_day(datetime.fromtimestamp(s, UTC), timezone).toordinal() for s in start_s.tolist()],
        np.int64,
    )


def delete_door_counts(shop_id: int, day: date, timezone: ZoneInfo) -> int:
    """Take back a calendar day's counts of a shop; returns how many."""
    begin = datetime.combine(day, datetime.min.time(), timezone)
    rows = DoorCount.objects.filter(
        shop_id=shop_id, start__gte=begin, start__lt=begin + timedelta(days=1)
    )
    return rows.delete()[0]


def create_door_token(shop_id: int, label: str) -> str:
    """Make a token with which a door counter posts one shop's counts; shown once, stored hashed."""
    token = secrets.token_urlsafe(24)
    DoorToken.objects.create(shop_id=shop_id, label=label, token_hash=_hash(token))
    return token


def revoke_door_token(shop_id: int, pk: int, now: datetime) -> bool:
    """Revoke one of a shop's tokens; says whether there was such a one."""
    rows = DoorToken.objects.filter(shop_id=shop_id, pk=pk, revoked_at=None)
    return rows.update(revoked_at=now) > 0


def shop_of_token(token: str) -> int | None:
    """Return the shop for which a token was made, or None if it is unknown or revoked."""
    return (
        DoorToken.objects.filter(token_hash=_hash(token), revoked_at=None)
        .values_list("shop_id", flat=True)
        .first()
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
