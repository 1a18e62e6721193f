"""Messages as files: a key that comes twice is seen, and nothing of a member stays behind."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from pytest_django.fixtures import Settings

from chaland.hub.loyalty.outreach import outbox
from chaland.hub.loyalty.outreach.shapes import Result, Sms

NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)


def _sms(key: UUID) -> Sms:
    return Sms(key.hex, "+33600000001", "Bonjour", "CHALAND", NOON)


def test_one_key_by_many_writers_at_once_lies_there_as_often(tmp_path: Path) -> None:
    key, times = uuid4(), 60

    def write(_turn: int) -> Result:
        [outcome] = outbox.Outbox(tmp_path).send([_sms(key)])
        return outcome.result

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(write, range(times))) == {Result.ACCEPTED}
    names = {f"{key.hex}.json", *(f"{key.hex}.{n}.json" for n in range(2, times + 1))}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_what_a_killed_writer_left_does_not_stay(tmp_path: Path) -> None:
    old, new = tmp_path / ".aa.0badcafe", tmp_path / ".bb.0badcafe"
    for path in (old, new):
        path.write_text("half a mess")
    os.utime(old, (0, 0))
    outbox.Outbox(tmp_path)
    assert list(tmp_path.iterdir()) == [new], "it may be written just now"


def test_what_a_killed_writer_left_is_forgotten_too(tmp_path: Path, settings: Settings) -> None:
    settings.STATE_DIR = tmp_path
    folder, gone, stays = outbox.folder_of(1), uuid4(), uuid4()
    driver = outbox.Outbox(folder)
    assert len(list(driver.send([_sms(gone), _sms(stays)]))) == 2
    (folder / f".{gone.hex}.0badcafe").write_text("half a mess")
    outbox.forget(1, [gone])
    assert [path.name for path in folder.iterdir()] == [f"{stays.hex}.json"]
