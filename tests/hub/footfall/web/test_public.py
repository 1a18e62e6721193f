"""The public page: for everybody, about one town, with every number computed."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from click.testing import CliRunner
from django.test import Client
from django.urls import reverse

from chaland.hub.association.models import Association
from chaland.hub.footfall import keeping
from chaland.hub.footfall.models import AuditReport, Charter, Measurement, ObjectionBit, Sensor
from chaland.hub.footfall.services import audits
from chaland.hub.footfall.services.trial import sign_trial_charter
from chaland.hub.site.commands import hub
from chaland.wire import charter as wire
from chaland.wire import losses
from chaland.wire.exchange import FILTER_BITS
from chaland.wire.summary import decode
from tests import builders
from tests.hub.footfall.papers.conftest import TOWN_KEY, report
from tests.hub.footfall.web.conftest import SATURDAY

pytestmark = pytest.mark.django_db
PUBLIC = (
    "privacy/",
    "privacy/assessment/",
    "privacy/assessment-fr.pdf",
    "privacy/notice-en.pdf",
    "privacy/charter.json",
    "privacy/audit/",
)


@pytest.fixture
def town(saturday: None, db: None) -> builders.Cast:
    """Three shops, of which two have a sensor that the charter names."""
    made = builders.build_cast(3)
    for shop in made.shops[:2]:
        builders.build_sensor(shop.pk, SATURDAY)
    sign_trial_charter(made.association.pk, TOWN_KEY, SATURDAY)
    return made


def text_of(path: str) -> str:
    return Client(HTTP_ACCEPT_LANGUAGE="en").get(path).content.decode()


def test_nothing_is_measured_yet(db: None) -> None:
    Association.objects.create(name="A", town="B")
    assert "measures nothing yet" in text_of("/privacy/")
    for path in PUBLIC[1:5]:
        assert Client().get(f"/{path}").status_code == 404
    assert "chaland hub publish-audit report.json" in text_of("/privacy/audit/")


def test_everybody_may_read_it(town: builders.Cast) -> None:
    for path in PUBLIC:
        answer = Client().get(f"/{path}")
        assert answer.status_code == 200, path
        numbered = path.replace("privacy/", f"privacy/{town.association.pk}/")
        assert Client().get(f"/{numbered}").content[:4] == answer.content[:4]
        assert Client().post(f"/{path}").status_code == 405


def test_it_names_the_shops_with_a_sensor_and_only_those(town: builders.Cast) -> None:
    page = text_of("/privacy/")
    assert "in 2 shops of Port-Lin" in page
    assert town.shops[0].name in page
    assert town.shops[1].name in page
    assert town.shops[2].name not in page
    assert town.association.name in page


def test_its_losses_are_computed(town: builders.Cast) -> None:
    for page in (text_of("/privacy/"), text_of("/privacy/assessment/")):
        for loss in losses.daily():
            assert f">{float(loss.epsilon):g}</td>" in page


def test_it_says_what_an_objection_gives_away(town: builders.Cast) -> None:
    page = text_of("/privacy/")
    for words in (
        "as one of 65,536 numbers",
        "first told",
        "could withhold",
        "until the hub has it",
    ):
        assert words in page
    assert "from the day when your phone first asked" in page
    assert "last looked" not in page


def test_the_example_is_a_message_that_the_hub_would_read(town: builders.Cast) -> None:
    page = text_of("/privacy/").replace("&quot;", '"')
    shown = page.partition("<code>{")[2].partition("}</code>")[0]
    assert decode(json.dumps(json.loads("{" + shown + "}")).encode()).sequence == 1207


def test_the_charter_is_the_one_that_the_sensors_get(town: builders.Cast) -> None:
    body = Client().get("/privacy/charter.json").content
    assert body == Charter.objects.get().document.encode()
    assert wire.is_signed(wire.decode(body))
    assert wire.decode(body).fingerprint in text_of("/privacy/")


def test_of_several_towns_each_has_its_own_page(town: builders.Cast) -> None:
    other = town.stranger.roles.get().association
    Measurement.objects.create(
        association_id=other.pk,
        controller="Autre",
        contact="c",
        purpose="p",
        public_page="https://example.org/privacy/",
        ends_on=SATURDAY.date() + timedelta(days=90),
    )
    page = text_of("/privacy/")
    assert "Port-Lin" in page
    assert "Autre Ville" in page
    assert town.shop.name not in page
    theirs = text_of(f"/privacy/{other.pk}/")
    assert town.shop.name not in theirs
    assert "no sensor listens" in theirs
    assert Client().get("/privacy/assessment/").status_code == 404
    assert Client().get("/privacy/999/").status_code == 404
    assert Client().get(f"/privacy/{other.pk}/charter.json").status_code == 404


def test_another_mechanism_stands_in_red(town: builders.Cast) -> None:
    assert "The annex is the one that the charter pins" in text_of("/privacy/assessment/")
    stored = Charter.objects.get()
    pinned = wire.decode(stored.document.encode()).annex_sha256
    stored.document = stored.document.replace(pinned, "f" * 64)
    stored.save()
    page = text_of("/privacy/assessment/")
    assert "The annex is the one that the charter pins" not in page
    assert "alert is-bad" in page
    assert "f" * 64 in page
    assert "Stopped" in text_of("/privacy/")


def test_after_the_end_it_says_so(town: builders.Cast) -> None:
    with time_machine.travel(datetime(2100, 1, 1, 12, tzinfo=UTC)):
        assert "Ended: no sensor listens" in text_of("/privacy/")
    with time_machine.travel(datetime(2099, 12, 20, 12, tzinfo=UTC)):
        assert "Ends within a month" in text_of("/privacy/")


def test_a_browser_that_has_the_print_gets_no_other(town: builders.Cast) -> None:
    first = Client().get("/privacy/notice-fr.pdf")
    assert first.headers["Content-Type"] == "application/pdf"
    again = Client().get("/privacy/notice-fr.pdf", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    Measurement.objects.update(purpose="Another one")
    changed = Client().get(
        "/privacy/notice-fr.pdf", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert changed.status_code == 200
    assert Client().get("/privacy/notice-de.pdf").status_code == 404


def test_a_full_objection_list_raises_its_alarm(town: builders.Cast) -> None:
    assert "as expected" in text_of("/privacy/")
    sensor = Sensor.objects.first()
    ObjectionBit.objects.bulk_create(
        ObjectionBit(
            association_id=town.association.pk,
            bit=bit,
            sensor=sensor,
            first_asked_on=SATURDAY.date(),
        )
        for bit in range(int(FILTER_BITS * keeping.OBJECTIONS_ALARM_SHARE) + 1)
    )
    assert "fuller than people make it" in text_of("/privacy/")


def test_an_audit_is_published_and_read(town: builders.Cast) -> None:
    now = datetime(2026, 11, 22, 10, 5, tzinfo=UTC)
    for _twice in range(2):
        audits.publish(json.dumps(report()).encode(), now)
    assert AuditReport.objects.count() == 1
    page = text_of("/privacy/audit/")
    assert "No identifier leaves the sensor" in page
    assert "Asking whether one phone was there" in page
    assert "comes later" in page
    assert "guessing blindly gives 0.5" in page
    assert "its own statement" in page
    later = report("failed") | {"made_at": "2026-11-22T10:04:00Z"}
    audits.publish(json.dumps(later).encode(), now)
    page = text_of("/privacy/audit/")
    assert "Address 3 is in the log." in page
    assert "not passed" in text_of("/privacy/")
    assert reverse("privacy_audit", kwargs={"town": town.association.pk}) in text_of("/privacy/")


def test_the_command_publishes(db: None, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text(json.dumps(report()))
    said = CliRunner().invoke(hub, ["publish-audit", str(file)])
    assert said.output == "Published: the report of 2026-11-22 10:00 UTC.\n"
    file.write_text("{}")
    said = CliRunner().invoke(hub, ["publish-audit", str(file)])
    assert said.exit_code == 1
    assert "use chaland audit --json" in said.output
    assert AuditReport.objects.count() == 1


def altered(at: int, **members: object) -> dict[str, object]:
    """A passed report with members of one check forged."""
    forged = report()
    checks = forged["checks"]
    assert isinstance(checks, list)
    return forged | {"checks": [*checks[:at], checks[at] | members, *checks[at + 1 :]]}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"\xff\xfe", "no JSON"),
        (b"[]", "format is not"),
        (b'{"format": "chaland.audit/2"}', "format is not"),
        (json.dumps(report("perhaps")).encode(), "result: must be"),
        (json.dumps(report() | {"checks": {}}).encode(), "checks: must be a list"),
        (json.dumps(report() | {"checks": [{"id": "F1"}]}).encode(), "checks[0]: lacks title"),
        (json.dumps(report() | {"attacks": [3]}).encode(), "attacks[0]: lacks name"),
        (json.dumps(report("failed") | {"result": "passed"}).encode(), "make it failed"),
        (json.dumps(report() | {"quick": True}).encode(), "make it incomplete"),
        (
            json.dumps(report() | {"checks": list(report()["checks"])[:5]}).encode(),
            "make it incomplete",
        ),
        (json.dumps(altered(0, findings=["Address 3"])).encode(), "F1: has findings"),
        (json.dumps(altered(2, result="later")).encode(), "F3: does not come later"),
        (json.dumps(altered(2, result="fine")).encode(), "F3: is not as chaland audit writes it"),
        (json.dumps(report() | {"made_at": "yesterday"}).encode(), "made_at: must be a time"),
        (json.dumps(report() | {"made_at": "2026-11-22T10:00:00"}).encode(), "time zone"),
        (json.dumps(report() | {"made_at": "2027-11-22T10:00:00Z"}).encode(), "ahead"),
        (b" " * (audits.MAX_BYTES + 1), "larger than 1 MB"),
    ],
)
def test_what_is_no_report_is_refused(db: None, body: bytes, problem: str) -> None:
    with pytest.raises(audits.ReportErrorFinal, match=problem.replace("[", r"\[")):
        audits.publish(body, datetime(2026, 11, 22, 10, 5, tzinfo=UTC))
