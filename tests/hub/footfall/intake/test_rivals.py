"""Many at once on SQLite files, as an embedded hub has them: one wins, no account is overdrawn."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.migrated import put_tables

ROOT = Path(__file__).parents[4]
SCRIPT = """
import django, json; django.setup()
from nacl.signing import SigningKey
from chaland.hub.association.models import Association, Shop, Zone
from chaland.hub.footfall.models import BudgetEntry, ObjectionBit, TownKey
from chaland.hub.footfall.services.trial import sign_trial_charter
from tests.hub.footfall.intake.boxes import NOW, TOWN_KEY, Box, enrol
from tests.hub.footfall.intake.rivals import AT_ONCE, offer, overspend
town = Association.objects.create(name="Les vitrines", town="Bourg")
zone = Zone.objects.create(association=town, name="Halles", slug="halles")
shop = Shop.objects.create(association=town, zone=zone, name="Librairie", slug="librairie")
keys = [SigningKey.generate() for _ in range(AT_ONCE)]
boxes = [Box(key, enrol(key, shop)) for key in keys]
sign_trial_charter(town.pk, TOWN_KEY, NOW)
print(json.dumps({
    "answered": offer(boxes), "current": TownKey.objects.get().key,
    "bits": ObjectionBit.objects.count(), "spent": overspend(boxes, 3),
    "releases": sorted(set(BudgetEntry.objects.values_list("releases", flat=True))),
}))
"""


def test_many_at_once_on_files(tmp_path: Path) -> None:
    put_tables(tmp_path)
    planes = ("CHALAND_ASSOCIATION_DATABASE_URL", "CHALAND_FOOTFALL_DATABASE_URL")
    environment = {k: v for k, v in os.environ.items() if k not in planes} | {
        "CHALAND_STATE_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "chaland.hub.site.settings",
        "PYTHONPATH": str(ROOT),
    }
    said = subprocess.check_output(
        [sys.executable, "-c", SCRIPT], env=environment, text=True, cwd=tmp_path
    )
    found = json.loads(said.splitlines()[-1])
    assert list(found["answered"].values()) == [8]
    assert found["current"] in found["answered"]
    assert (found["bits"], found["releases"]) == (8, [3])
    assert found["spent"] == {"stored": 3, "refused": 5}
