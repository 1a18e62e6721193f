"""``chaland charter``: the town key is made once, and nothing is signed that must not be."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from nacl.signing import SigningKey

from chaland.cli import main
from chaland.wire.charter import Charter, CharterSensor, decode, encode, is_signed
from chaland.wire.mechanism import annex_digest
from chaland.wire.signature import sensor_identifier

TODAY = datetime.now(UTC).astimezone().date()
BOXES = [bytes(SigningKey(bytes([n]) * 32).verify_key) for n in (1, 2)]
DRAFT = Charter(
    version=2,
    signed_on=date(2020, 1, 1),
    town="Bourg",
    controller="Les vitrines de Bourg",
    contact="vitrines@example.org",
    purpose="Compter les passages",
    public_page="https://vitrines.example.org/privacy/1/",
    objection_network="chaland-optout",
    ends_on=TODAY + timedelta(days=365),
    annex_sha256=annex_digest(),
    notice_sha256="cd" * 32,
    sensors=(CharterSensor(sensor_identifier(BOXES[0]), BOXES[0], "Librairie", TODAY),),
)


def invoke(*arguments: object, answer: str = "") -> Result:
    return CliRunner().invoke(main, ["charter", *map(str, arguments)], input=answer)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    assert invoke("key", tmp_path / "town-key").exit_code == 0
    return tmp_path / "town-key"


def write(path: Path, charter: Charter) -> Path:
    path.write_bytes(encode(charter))
    return path


def test_the_key_is_the_owners_alone_and_never_overwritten(tmp_path: Path) -> None:
    result = invoke("key", tmp_path / "town-key")
    assert result.exit_code == 0
    assert "off the hub" in result.output
    assert "two copies" in result.output
    assert (tmp_path / "town-key").stat().st_mode & 0o777 == 0o600
    made = (tmp_path / "town-key").read_bytes()
    assert made.decode().strip() not in result.output, "the key itself is not shown"
    assert "exists already" in invoke("key", tmp_path / "town-key").output
    assert (tmp_path / "town-key").read_bytes() == made


def test_what_is_signed_is_said_and_asked_first(tmp_path: Path, key: Path) -> None:
    draft = write(tmp_path / "draft.json", DRAFT)
    refused = invoke("sign", draft, "--key", key, answer="n\n")
    assert refused.exit_code == 1
    assert not (tmp_path / "draft-signed.json").exists()
    for said in ("version: 2", str(DRAFT.ends_on), "Librairie, agreed on", "that of this software"):
        assert said in refused.output
    assert invoke("sign", draft, "--key", key, answer="y\n").exit_code == 0
    signed = decode((tmp_path / "draft-signed.json").read_bytes())
    assert is_signed(signed)
    assert signed.signed_on == TODAY
    shown = invoke("show", tmp_path / "draft-signed.json")
    assert shown.exit_code == 0
    assert signed.fingerprint in shown.output
    assert "choose another -o" in invoke("sign", draft, "--key", key, "--yes").output


def test_a_charter_may_end_all_listening(tmp_path: Path, key: Path) -> None:
    draft = write(tmp_path / "draft.json", replace(DRAFT, sensors=()))
    said = invoke("sign", draft, "--key", key, answer="y\n")
    assert said.exit_code == 0
    assert "no sensor may listen any more" in said.output
    assert decode((tmp_path / "draft-signed.json").read_bytes()).sensors == ()


@pytest.mark.parametrize(
    ("draft", "why"),
    [
        (replace(DRAFT, ends_on=TODAY - timedelta(days=1)), "is past"),
        (replace(DRAFT, ends_on=TODAY + timedelta(days=750)), "more than 2 years ahead"),
        (
            replace(DRAFT, sensors=(replace(DRAFT.sensors[0], agreed_on=date(2099, 1, 1)),)),
            "agreement of Librairie is dated after today",
        ),
    ],
)
def test_a_draft_that_must_not_be_signed_is_refused(
    tmp_path: Path, key: Path, draft: Charter, why: str
) -> None:
    result = invoke("sign", write(tmp_path / "draft.json", draft), "--key", key, "--yes")
    assert result.exit_code == 1
    assert why in result.output
    assert not (tmp_path / "draft-signed.json").exists()


def test_the_longest_measurement_is_two_years(tmp_path: Path, key: Path) -> None:
    draft = replace(DRAFT, ends_on=TODAY.replace(year=TODAY.year + 2, day=min(TODAY.day, 28)))
    assert invoke("sign", write(tmp_path / "d.json", draft), "--key", key, "--yes").exit_code == 0


def test_what_changes_is_said(tmp_path: Path, key: Path) -> None:
    draft = write(tmp_path / "draft.json", DRAFT)
    invoke("sign", draft, "--key", key, "--yes")
    signed = tmp_path / "draft-signed.json"
    again = invoke("sign", draft, "--key", key, "--previous", signed, "--yes", "-o", "x.json")
    assert "its version, 2, is not above 2" in again.output
    other = CharterSensor(sensor_identifier(BOXES[1]), BOXES[1], "Boulangerie", TODAY)
    later = replace(DRAFT, version=3, purpose="Advertising", sensors=(other,))
    result = invoke(
        "sign", write(tmp_path / "later.json", later), "--key", key, "--previous", signed, "--yes"
    )
    assert "changes: purpose: Compter les passages → Advertising" in result.output
    assert f"changes: new sensor {other.sensor} of Boulangerie" in result.output
    assert "changes: no longer: sensor" in result.output
    invoke("key", tmp_path / "other-key")
    result = invoke(
        "sign", tmp_path / "later.json", "--key", tmp_path / "other-key", "--previous", signed,
        "--yes", "-o", tmp_path / "y.json",
    )  # fmt: skip
    assert "changes: TOWN KEY (each sensor must be enrolled anew)" in result.output


def test_show_tells_a_draft_a_forgery_and_an_end(tmp_path: Path, key: Path) -> None:
    draft = write(tmp_path / "draft.json", DRAFT)
    assert "nobody has signed it" in invoke("show", draft).output
    invoke("sign", draft, "--key", key, "--yes")
    signed = decode((tmp_path / "draft-signed.json").read_bytes())
    forged = write(tmp_path / "forged.json", replace(signed, ends_on=date(2099, 1, 1)))
    assert "changed after it was signed" in invoke("show", forged).output
    assert invoke("show", forged).exit_code == 1
    ended = write(tmp_path / "ended.json", replace(signed, ends_on=date(2020, 1, 1)))
    assert invoke("show", ended).exit_code == 1


@pytest.mark.parametrize(
    ("content", "mode", "why"),
    [(b"x", 0o600, "is no town key"), (b"ab" * 32, 0o644, "others may read"), (None, 0, "No such")],
)
def test_a_key_that_is_none_is_said(
    tmp_path: Path, content: bytes | None, mode: int, why: str
) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
        (tmp_path / "key").chmod(mode)
    draft = write(tmp_path / "draft.json", DRAFT)
    assert why in invoke("sign", draft, "--key", tmp_path / "key", "--yes").output


def test_a_file_that_is_no_charter_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    result = invoke("show", tmp_path / "x.json")
    assert result.exit_code == 1
    assert "is no charter: format: is missing" in result.output
