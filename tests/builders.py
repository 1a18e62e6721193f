"""A small seeded town for tests: a fixed cast, shops, and cells as sensors release them.

The cells are not simulated radio (that is `chaland.simulate`): people follow a fixed rhythm, each
hour's counts are drawn around them, and noise is added as the mechanism says, all in NumPy.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from chaland.hub.association.models import Association, OpeningHours, Shop, StaffRole, User, Zone
from chaland.hub.footfall.models import Calibration, Cell, DwellDay, Mechanism, Sensor
from chaland.hub.footfall.services import rebuild_figures
from chaland.wire.mechanism import DEFAULT_MECHANISM
from chaland.wire.periods import CELL_S, day_bounds, local_day
from chaland.wire.signature import sensor_identifier
from chaland.wire.summary import COUNT_ROWS, Mode

PARIS = ZoneInfo("Europe/Paris")
PASSWORD = "a-long-passphrase-for-tests"
DWELL_EDGES_S = (60, 300, 600, 1200, 2400, 4200, 7200)
_NOISED = DEFAULT_MECHANISM.counts[Mode.DEFAULT]
SCALES = {name: float(noised.scale) for name, noised in _NOISED.items()}
_SHOPS = (
    "Librairie du Pont", "Boulangerie Morel", "Café des Halles", "Optique Vidal", "Mode & Laine",
    "Quincaillerie Roux", "Fleurs du Lys", "Chaussures Petit", "Jouets du Coin",
    "Pharmacie Centrale",
)  # fmt: skip
_ZONES = ("Halles", "Vieux Port", "République")


@dataclass(frozen=True)
class Cast:
    """Who tries what: a director, a shopkeeper, and two who must not see that shop's figures."""

    association: Association
    director: User
    shopkeeper: User
    neighbour: User
    stranger: User
    shops: list[Shop]

    @property
    def shop(self) -> Shop:
        """The shopkeeper's."""
        return self.shops[0]


def build_cast(shops: int = 3, *, simulated: bool = False) -> Cast:
    """Make an association with shops, its director, two keepers, and a keeper from elsewhere."""
    association = Association.objects.create(
        name="Les Vitrines de Port-Lin",
        town="Port-Lin",
        simulated=simulated,
        guide_finished_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    built = build_shops(association, shops)
    elsewhere = Association.objects.create(name="Autre Ville", town="Autre Ville")
    other = build_shops(elsewhere, 1)[0]
    director = build_user("denise@example.org", "Denise")
    shopkeeper = build_user("sami@example.org", "Sami")
    neighbour = build_user("nora@example.org", "Nora")
    stranger = build_user("etienne@example.org", "Étienne")
    keeper = StaffRole.Role.SHOPKEEPER
    StaffRole.objects.create(user=director, association=association, role=StaffRole.Role.DIRECTOR)
    StaffRole.objects.create(user=shopkeeper, association=association, role=keeper, shop=built[0])
    StaffRole.objects.create(user=neighbour, association=association, role=keeper, shop=built[1])
    StaffRole.objects.create(user=stranger, association=elsewhere, role=keeper, shop=other)
    return Cast(association, director, shopkeeper, neighbour, stranger, built)


def build_user(email: str, name: str) -> User:
    return User.objects.create_user(email, PASSWORD, name=name)


def build_shops(association: Association, count: int) -> list[Shop]:
    zones = [
        Zone.objects.create(association=association, name=name, slug=f"zone-{i}")
        for i, name in enumerate(_ZONES[: max(1, min(3, count))])
    ]
    shops = []
    for i in range(count):
        name = _SHOPS[i % len(_SHOPS)] + (f" {i // len(_SHOPS) + 1}" if i >= len(_SHOPS) else "")
        shop = Shop.objects.create(
            association=association, zone=zones[i % len(zones)], name=name, slug=f"shop-{i}"
        )
        OpeningHours.objects.bulk_create(
            OpeningHours(shop=shop, weekday=weekday, opens=time(9), closes=time(19))
            for weekday in range(6)
        )
        shops.append(shop)
    return shops


def build_sensor(shop_id: int, now: datetime, state: str = "ok") -> Sensor:
    public_key = Sensor.objects.count().to_bytes(32)
    return Sensor.objects.create(
        identifier=sensor_identifier(public_key),
        shop_id=shop_id,
        public_key=public_key,
        label="Entrée",
        enrolled_at=now - timedelta(days=400),
        last_seen_at=now,
        last_state=state,
    )


def build_mechanism() -> Mechanism:
    return Mechanism.objects.get_or_create(
        digest="test",
        defaults={
            "mode": "default",
            "counts": {
                name: {"row": COUNT_ROWS[name], "bound": noised.bound, "epsilon": noised.epsilon}
                for name, noised in _NOISED.items()
            },
        },
    )[0]


def build_calibration(shop_id: int, error: float = 0.18) -> Calibration:
    """People are half of the mean fingerprints a window, as `build_cells` makes them; who came in
    was counted, too."""
    return Calibration.objects.create(
        shop_id=shop_id,
        fitted_at=datetime(2026, 1, 5, tzinfo=UTC),
        mode="default",
        coefficients={"fingerprints": 0.5, "signal_error": 0.15},
        residual_sd=0.4,
        scale_error=0.05,
        day_error=0.05,
        held_out_error=error,
        held_out_mae=1.2,
        held_out_mape=error,
        stay=dict(
            stay_s=900.0,
            error=0.07,
            day_error=0.08,
            hour_error=0.1,
            scatter=1.0,
            held_out_error=error,
            hours=40,
            days=8,
        ),
        visits_error=error,
        cells=160,
        days=8,
    )


def presence(starts: NDArray[np.int64], size: float) -> NDArray[np.float64]:
    """Mean people in a shop at each quarter hour: open 9 to 19, two humps, busy Saturdays."""
    local = [datetime.fromtimestamp(s, UTC).astimezone(PARIS) for s in starts.tolist()]
    hour = np.array([t.hour + t.minute / 60 for t in local])
    weekday = np.array([t.weekday() for t in local])
    shape = np.exp(-(((hour - 11.5) / 1.7) ** 2)) + 1.3 * np.exp(-(((hour - 16.5) / 2.0) ** 2))
    day = np.array([0.7, 0.9, 1.0, 0.95, 1.2, 1.6, 0.0])[weekday]
    season = 1 + 0.15 * np.sin(2 * np.pi * starts / (365.25 * 86_400))
    return size * shape * day * season * ((hour >= 9) & (hour < 19))


def build_cells(
    sensor: Sensor,
    first: date,
    last: date,
    *,
    size: float = 6.0,
    seed: int = 1,
    until: datetime | None = None,
) -> None:
    """Store the cells of local days ``first`` to ``last`` (to ``until``), and their dwell."""
    # The number of the sensor in the test, not in the database: the same on every engine.
    random = np.random.default_rng([seed, 1 + int.from_bytes(bytes(sensor.public_key))])
    begin, end = day_bounds(first, PARIS)[0], day_bounds(last, PARIS)[1]
    end = min(end, until) if until else end
    starts = np.arange(int(begin.timestamp()), int(end.timestamp()) - CELL_S + 1, CELL_S)
    people = presence(starts, size)
    mechanism = build_mechanism()
    counts = {
        "fingerprints": random.poisson(people * 2 * 3),
        "scans": random.poisson(people * 5 * 3),
        "arrivals": random.poisson(people * 0.6),
        "passers_by": random.poisson(people * 1.5),
    }
    for name, scale in SCALES.items():
        counts[name] = counts[name] + np.rint(random.laplace(0, scale, len(starts))).astype(int)
    columns = zip(starts.tolist(), *(counts[name].tolist() for name in SCALES), strict=True)
    Cell.objects.bulk_create(
        (
            Cell(
                sensor=sensor, shop_id=sensor.shop_id, start=datetime.fromtimestamp(start, UTC),
                windows=3, state="ok", mechanism=mechanism, fingerprints=fingerprints, scans=scans,
                arrivals=arrivals, passers_by=passers_by,
            )
            for start, fingerprints, scans, arrivals, passers_by in columns
        ),
        batch_size=5_000,
    )  # fmt: skip
    days = (last - first).days + 1
    stays = np.array([12, 16, 20, 9, 3, 1])
    DwellDay.objects.bulk_create(
        DwellDay(
            sensor=sensor, shop_id=sensor.shop_id, day=first + timedelta(days=i),
            edges_s=list(DWELL_EDGES_S), bound=1, epsilon="0.25",
            counts=[int(c) for c in random.poisson(stays) + np.rint(random.laplace(0, 4, 6))],
        )
        for i in range(days)
    )  # fmt: skip


def build_town(
    cast: Cast, now: datetime, *, weeks: int = 10, calibrated: bool = True
) -> list[Sensor]:
    """Let every shop of the cast listen for some weeks up to ``now``, and roll the figures up.

    Shop 2 (if any) has too large an error for people, shop 3 no calibration, shop 4 a deaf sensor.
    """
    today = local_day(now, PARIS)
    sensors = []
    for i, shop in enumerate(cast.shops):
        sensor = build_sensor(shop.pk, now, "deaf" if i == 4 else "ok")
        build_cells(sensor, today - timedelta(weeks=weeks), today, size=3.0 + i * 7 % 11, until=now)
        if calibrated and i != 3:
            build_calibration(shop.pk, 0.42 if i == 2 else 0.14 + 0.01 * i)
        sensors.append(sensor)
    rebuild_figures()
    return sensors
