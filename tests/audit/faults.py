"""Faults that a saboteur could plant into running sensors and hubs, several for one run each.

Those of one group do not hide each other: each must be found by its own check, in its own words.
"""

from dataclasses import dataclass

from planted import Patch

PIPELINE, DAY = "sensor/pipeline.py", "sensor/day.py"


@dataclass(frozen=True)
class Fault:
    """What is planted, the check that must fail, and what its finding says (a pattern)."""

    name: str
    check: str
    said: str
    patches: list[Patch]


@dataclass(frozen=True)
class Group:
    """Faults that are planted together; ``options`` of the audit's command."""

    faults: list[Fault]
    options: tuple[str, ...] = ()


LEFT_BY_SENSORS = Group(
    [
        Fault(
            "the town's key for anybody who asks", "F3", "sealed for a key that its sensor did not",
            [("sensor/town.py",
              "            if not is_day_key(wants, self._day, listed.public_key):\n",
              "            if False:\n")],
        ),
        Fault(
            "a window's key for all windows", "F3", "a window's key is kept",
            [("sensor/presence/windows.py", "        self._key.renew()\n", "        pass\n")],
        ),
        Fault(
            "the second in which a summary was made", "F1", "its body.made_at is",
            [("wire/summary.py", "summary.made_at.replace(second=0, microsecond=0)",
              "summary.made_at"),
             ("wire/summary.py", "    if made_at.second:\n", "    if False:\n")],
        ),
        Fault(
            "a hub that keeps bodies", "F1", "keeps whole messages",
            [("hub/footfall/intake/services.py", "    covisits.expire(now)\n",
              "    covisits.expire(now)\n    open('bodies', 'ab').write(body)\n")],
        ),
        Fault(
            "deleted sketches in the file", "F4", "still hold a sketch",
            [("hub/site/settings.py", "secure_delete=ON", "secure_delete=OFF")],
        ),
    ],
    options=("--quick",),
)  # fmt: skip

FULL_STORY = Group(
    [
        Fault(
            "a stay's times for four hours", "F2", "remembered beyond two hours",
            [("sensor/presence/visits.py",
              "self._stays_after_us = mechanism.stay_at_most_s * _US",
              "self._stays_after_us = 2 * mechanism.stay_at_most_s * _US"),
             ("sensor/presence/visits.py",
              "            dwell_us = self._last_inside_us[row] - first_us",
              "            dwell_us = min(self._last_inside_us[row] - first_us, 7_000 * _US)")],
        ),
        Fault(
            "core dumps", "F3", "may leave a core dump",
            [("sensor/hardening.py",
              "    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n", "")],
        ),
    ],
)  # fmt: skip

DOORS = Group(
    [
        Fault(
            "the neighbours' shops", "F7", "to the keeper of another shop",
            [("hub/association/access.py", "    if is_director(role):\n        return list(",
              "    if True:\n        return list(")],
        ),
        Fault(
            "few people now", "F7", "the page of now shows",
            [("hub/footfall/figures/live.py",
              "    enough = rules.enough_people(visits_an_hour, noise)\n",
              "    enough = visits_an_hour > 0\n")],
        ),
        Fault(
            "one more column", "F7", "column that no list has",
            [("hub/footfall/web/export.py", "        \"hour\": pgettext(\"csv\", \"hour\"),\n",
              "        \"hour\": pgettext(\"csv\", \"hour\"),\n        \"cells\": \"cells\",\n")],
        ),
    ]
)  # fmt: skip

PERMISSION = Group(
    [
        Fault(
            "twice the budget", "F8", "a day's limit of row E1",
            [("hub/footfall/services/budget.py",
              "    return entered(per_release()[row]) * int(cells) * max(sensors, 1)",
              "    return 2 * entered(per_release()[row]) * int(cells) * max(sensors, 1)")],
        ),
        Fault(
            "a button without effect", "F9", "the button forgets nothing",
            [("sensor/privacy/objection.py",
              "        return self._near_at_most > 0 and rssi_dbm >=",
              "        return self._near_at_most > 99 and rssi_dbm >=")],
        ),
        Fault(
            "a filter with a salt of each process", "F10", "do not agree on an address's bit",
            [("sensor/privacy/objection.py", "_PERSONAL = b\"chaland-object-1\"",
              "import os\n_PERSONAL = os.urandom(16)")],
        ),
        Fault(
            "a charter of anybody", "F11", "takes a summary: a charter of another key",
            [("hub/footfall/services/charter.py", "    if charter.fingerprint != expected:\n",
              "    if False:\n"),
             ("hub/footfall/services/charter.py", "    _says_what_is_so(charter, draft(", "    ("
              "draft(")],
        ),
        Fault(
            "the year of the end only", "F16", "ended the day before",
            [("hub/footfall/intake/checks.py",
              "    if not listed.agreed_on <= day <= charter.ends_on:",
              "    if not (listed.agreed_on <= day and day.year <= charter.ends_on.year):")],
        ),
        Fault(
            "an annex without the linger", "F15", "the annex does not say linger_s",
            [("wire/mechanism.py", "    members[\"sketch\"][\"afternoon_from\"] =",
              "    del members[\"linger_s\"]\n    members[\"sketch\"][\"afternoon_from\"] =")],
        ),
    ]
)  # fmt: skip

SEEDED = Group(
    [
        Fault(
            "a seed of the second, in the process alone", "F6", "repeats itself",
            [(DAY,
              "    pipeline = Pipeline(config, source, town_key=town.key, "
              "objections=town.objections)\n",
              "    from chaland.sensor.privacy import SeededBits\n"
              "    pipeline = Pipeline.simulated(\n"
              "        config, source, SeededBits(int(time.time()) // 8), town_key=town.key,\n"
              "        objections=town.objections)\n")],
        ),
    ],
    options=("--quick",),
)  # fmt: skip

AT_NIGHT = Group(
    [
        Fault(
            "no noise at night", "F6", "is another where the hour is",
            [("sensor/presence/cells.py",
              "            name: Count(self._noised(noised, getattr(exact, name)),",
              "            name: Count(self._noised(noised, getattr(exact, name))\n"
              "                if exact.start.hour != 3 else getattr(exact, name),")],
        ),
    ],
)  # fmt: skip

TRUE_SKETCH = Group(
    [
        Fault(
            "true answers, in the process alone", "F6", "a bit, of real sensors",
            [(DAY, "    windows = 0\n",
              "    windows = 0\n"
              "    from chaland.sensor.privacy import sketch\n"
              "    sketch.respond = lambda true, symbols, epsilon, bits: true\n")],
        ),
        Fault(
            "noise once more on the way", "F6", "no discrete Laplace",
            [("sensor/releases.py",
              "            if self._spool.append(cell, self._now()) is None:\n",
              "            import dataclasses, random\n"
              "            again = {name: dataclasses.replace(c, value=c.value + "
              "random.choice((-3, 3)))\n"
              "                     for name, c in cell.counts.items()}\n"
              "            cell = dataclasses.replace(cell, counts=again)\n"
              "            if self._spool.append(cell, self._now()) is None:\n")],
        ),
    ]
)  # fmt: skip

WALL = Group(
    [
        Fault(
            "a loyalty module that imports footfall", "F13", "loyalty/due.py names",
            [("hub/loyalty/due.py", "TASKS: tuple[Task, ...] = (",
              "from chaland.hub.footfall import rules as rules\n\nTASKS: tuple[Task, ...] = (")],
        ),
        Fault(
            "one process with all credentials", "F13", "has the address of the other's data",
            [("hub/site/settings.py", "{plane: _database(plane) for plane in PLANES}",
              "{plane: _database(plane) for plane in ('footfall', 'loyalty')}")],
        ),
        Fault(
            "a member beside each quarter hour", "F13", "footfall_cell.member_id",
            [("hub/footfall/migrations/0001_initial.py",
              "            name=\"Cell\",\n            fields=[\n",
              "            name=\"Cell\",\n            fields=[\n"
              "                (\"member_id\", models.BigIntegerField(null=True)),\n")],
        ),
        Fault(
            "noise of half the scale", "F13", "at the receipt's time: told right in",
            [("sensor/presence/cells.py", "return exact + draw(noised.scale, self._bits)",
              "return exact + draw(noised.scale / 2, self._bits)")],
        ),
    ]
)  # fmt: skip

GROUPS = {
    "wall": WALL,
    "left by sensors": LEFT_BY_SENSORS,
    "full story": FULL_STORY,
    "doors": DOORS,
    "permission": PERMISSION,
    "seeded": SEEDED,
    "at night": AT_NIGHT,
    "true sketch": TRUE_SKETCH,
}
