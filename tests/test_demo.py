"""The demo: its folder, its clock, and the whole command with a small town."""

import json
import os
import queue
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click
import httpx
import numpy as np
import pytest
from nacl.signing import SigningKey

from chaland.demo import cast, live
from chaland.demo.folder import Folder
from chaland.demo.past import TownSeed, released_days
from chaland.demo.processes import port_is_free
from chaland.demo.timing import TownClock, live_start, open_share, speed_at
from chaland.simulate.air import TIMEZONE
from chaland.simulate.history import count_day
from chaland.simulate.town import drawn_town
from chaland.wire import answers
from chaland.wire.answers import Answer, Code
from chaland.wire.mechanism import DEFAULT_MECHANISM
from chaland.wire.summary import CellCounts, Mode, State

TOWN = {"shops": 3, "days": 3, "seed": 1}
SHOPS = drawn_town().shops


class TestFolder:
    def test_made_once_and_used_again(self, tmp_path: Path) -> None:
        folder = Folder(tmp_path / "demo")
        assert folder.prepare(town=TOWN, fresh=False) is False
        folder.write(ready=True, town=TOWN)
        assert folder.prepare(town=TOWN, fresh=False) is True

    def test_a_half_made_town_is_made_again(self, tmp_path: Path) -> None:
        folder = Folder(tmp_path)
        folder.prepare(town=TOWN, fresh=False)
        (tmp_path / "footfall.sqlite3").touch()
        assert folder.prepare(town=TOWN, fresh=False) is False
        assert not (tmp_path / "footfall.sqlite3").exists()

    def test_a_town_of_another_version_is_made_anew(self, tmp_path: Path) -> None:
        """Its tables, or its charter's mechanism, are not what this software takes."""
        folder = Folder(tmp_path)
        folder.prepare(town=TOWN, fresh=False)
        folder.write(ready=True, town=TOWN)
        note = tmp_path / "chaland-demo.json"
        note.write_text(json.dumps(json.loads(note.read_text()) | {"made_by": "an older one"}))
        assert folder.prepare(town=TOWN, fresh=False) is False

    def test_another_town_is_refused_unless_fresh(self, tmp_path: Path) -> None:
        folder = Folder(tmp_path)
        folder.prepare(town=TOWN, fresh=False)
        folder.write(ready=True, town=TOWN)
        with pytest.raises(click.ClickException, match=r"shops 3, days 3, seed 1.*--fresh"):
            folder.prepare(town={**TOWN, "seed": 2}, fresh=False)
        assert folder.prepare(town={**TOWN, "seed": 2}, fresh=True) is False

    @pytest.mark.parametrize("fresh", [False, True])
    def test_a_real_installation_is_never_touched(self, tmp_path: Path, fresh: bool) -> None:
        database = tmp_path / "footfall.sqlite3"
        database.write_text("a real town")
        with pytest.raises(click.ClickException, match="not a demo"):
            Folder(tmp_path).prepare(town=TOWN, fresh=fresh)
        assert database.read_text() == "a real town"


def test_a_hub_too_busy_to_answer_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database locked for long once ended the whole demo: the page of a 500 is no answer."""
    monkeypatch.setattr(live, "_RETRY_S", 0.0)
    stored = answers.encode(Answer(Code.ACCEPTED, "Stored.", 1))
    replies = [httpx.Response(500, text="Désolé"), httpx.Response(201, content=stored)]
    hub = httpx.MockTransport(lambda _request: replies.pop(0))
    start = datetime(2026, 11, 24, 10, tzinfo=UTC)
    cell = CellCounts(start, 0, State.DEAF, Mode.DEFAULT, {})
    box = live.Box(0, SigningKey.generate(), start, 0, deaf=True, town_keys=live.TownKeys())
    with httpx.Client(base_url="http://hub", transport=hub) as client:
        live.upload(client, box, cell, lambda: start)
    assert replies == []


class TestTime:
    @pytest.mark.parametrize(
        ("today", "starts"),
        [
            (date(2026, 11, 24), date(2026, 11, 24)),  # a Tuesday
            (date(2026, 11, 22), date(2026, 11, 21)),  # Sunday: Saturday
            (date(2026, 11, 23), date(2026, 11, 21)),  # most shops are closed on Mondays
            (date(2026, 12, 25), date(2026, 12, 24)),
        ],
    )
    def test_it_starts_on_a_trading_morning(self, today: date, starts: date) -> None:
        start = live_start(SHOPS, today).astimezone(TIMEZONE)
        assert (start.date(), start.hour, start.minute) == (starts, 10, 0)
        assert open_share(SHOPS, start) > 0.7

    def test_nights_pass_faster(self) -> None:
        assert speed_at(SHOPS, datetime(2026, 11, 24, 10, tzinfo=UTC), 15) == 15
        assert speed_at(SHOPS, datetime(2026, 11, 24, 2, tzinfo=UTC), 15) == 240

    def test_it_runs_up_to_what_was_sent_and_stops(self, tmp_path: Path) -> None:
        real = [1000.0]
        driver, reader = (TownClock(tmp_path, lambda: real[0]) for _ in range(2))
        start = datetime(2026, 11, 24, 9, tzinfo=UTC)
        driver.stand(start)
        real[0] += 60
        assert reader.now() == start
        driver.run(start, start + timedelta(minutes=15), 15)
        real[0] += 10
        assert reader.now() == start + timedelta(seconds=150)
        real[0] += 3600
        assert reader.now() == start + timedelta(minutes=15)
        assert TownClock(tmp_path, lambda: 0.0).now() == start  # a clock set back does no harm


class TestHistory:
    def test_noise_is_the_mechanism_s_and_comes_from_the_seed(self) -> None:
        seed, days = TownSeed(3, 1), [date(2026, 5, 19), date(2026, 5, 20)]
        (released,) = released_days(seed, days, days[-1])
        (again,) = released_days(seed, days, days[-1])
        exact = [count_day(seed.walkers(), day, DEFAULT_MECHANISM.dwell_edges_s) for day in days]
        for name, noised in DEFAULT_MECHANISM.counts[Mode.DEFAULT].items():
            noise = np.concatenate(
                [
                    (r.counts.counts[name] - e.counts[name]).ravel()
                    for r, e in zip(released, exact, strict=True)
                ]
            )
            # mean |X| of a Laplace of scale b is b; 576 draws: this fails once in 10^5 seeds
            assert np.abs(noise).mean() == pytest.approx(float(noised.scale), rel=0.2)
            assert np.array_equal(released[0].counts.counts[name], again[0].counts.counts[name])

    def test_flows_follow_the_day_s_visitors_and_leave_out_silent_shops(self) -> None:
        founded, shops = date(2026, 11, 21), drawn_town(30).shops
        ((day,),) = released_days(TownSeed(30, 1), [founded - timedelta(days=22)], founded)
        silent = [shop.slug for shop in shops].index("cycles-roue-libre")
        assert silent in day.absent
        assert silent not in day.flows.shops
        followed = day.counts.followed
        came = np.bincount(followed.shop, minlength=len(shops))[day.flows.shops]
        # what is estimated of a day differs from the truth by its stated noise: 29 shops,
        # 5 standard deviations: this fails once in 10^5 seeds
        assert np.abs(day.flows.visitors - came).max() <= 5 * np.sqrt(day.flows.variance.max())
        assert (followed.came_s > 0).all()
        pairs = np.unique(followed.who * len(shops) + followed.shop)
        assert len(pairs) == len(followed.who)

    def test_troubles_of_the_fixed_cast(self) -> None:
        founded = date(2026, 11, 21)
        slugs = {shop.slug for shop in SHOPS}
        troubled = {*cast.UNCALIBRATED, *cast.GAPS_DAYS_AGO, *cast.DEAF_SINCE_DAYS}
        assert troubled | {*cast.JOINED_DAYS_AGO} <= slugs
        days = [founded - timedelta(days=ago) for ago in range(100, -2, -1)]
        silent = [cast.is_silent("cycles-roue-libre", day, founded) for day in days]
        assert sum(silent) == 7
        assert [cast.is_deaf("cave-les-sarments", day, founded) for day in days[-5:]] == [
            False,
            True,
            True,
            True,
            True,
        ]
        assert not any(cast.is_silent("l-epi-d-or", day, founded) for day in days)
        assert not any(cast.is_deaf("l-epi-d-or", day, founded) for day in days)


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Demo:
    """A running ``chaland demo``; ``lines`` is what it has said."""

    def __init__(self, state: Path, port: int) -> None:
        arguments = ["--state", state, "--port", port, "--shops", 3, "--days", 100, "--speed", 300]
        environment = {name: value for name, value in os.environ.items() if "CHALAND" not in name}
        # What a real installation on the same machine may have set; it must stay out of reach.
        environment["CHALAND_FOOTFALL_DATABASE_URL"] = "postgres://nobody@nowhere.invalid/real"
        environment["PYTHONUNBUFFERED"] = "1"
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from chaland.cli import main; main()", "demo"]
            + [str(argument) for argument in arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._said: queue.Queue[str] = queue.Queue()
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self.lines.append(line)
                self._said.put(line)

    def wait_for(self, text: str, within_s: float = 240) -> str:
        until = time.monotonic() + within_s
        while (left := until - time.monotonic()) > 0 and self._listener.is_alive():
            try:
                line = self._said.get(timeout=min(left, 0.5))
            except queue.Empty:
                continue
            if text in line:
                return line
        raise AssertionError(f"{text!r} was not said; but:\n{self.output}")

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def end(self, how: int = signal.SIGINT) -> int:
        self.process.send_signal(how)  # where it has ended, this does nothing
        code = self.process.wait(60)
        self._listener.join(60)
        return code


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "state"


@pytest.fixture
def demo(state: Path, port: int) -> Iterator[Demo]:
    running = Demo(state, port)
    yield running
    running.end(signal.SIGKILL)


def cells_of(state: Path) -> list[tuple[int, str, int]]:
    for left in range(100, -1, -1):
        try:
            with sqlite3.connect(state / "footfall.sqlite3") as database:
                return database.execute(
                    "SELECT shop_id, start, windows FROM footfall_cell ORDER BY start"
                ).fetchall()
        except sqlite3.OperationalError:  # a process that ends takes its -wal and -shm along
            if not left:
                raise
            time.sleep(0.25)
    raise AssertionError


@pytest.mark.xdist_group("demo")
class TestCommand:
    def test_1_a_town_is_made_served_and_lives(self, demo: Demo, state: Path, port: int) -> None:
        demo.wait_for("Ready: ")
        said = demo.wait_for(cast.PASSWORD)
        email = said.split()[0]
        page = httpx.get(f"http://localhost:{port}/accounts/login/")
        assert page.status_code == 200
        assert email in page.text
        assert cast.PASSWORD in page.text
        assert "simulation" in page.text
        assert "Heart of the City Auckland" in page.text
        with sqlite3.connect(state / "footfall.sqlite3") as database:
            (batches,) = database.execute("SELECT count(*) FROM footfall_batch").fetchone()
        self.sign_in(port, email)
        self.go_to_the_till(port)
        history = [row for row in cells_of(state) if row[2] == 3]
        assert len({row[0] for row in history}) == 3
        demo.wait_for("The whole history is there: 100 days.")  # two days came behind the page
        days, first = self.figures(state)
        town = drawn_town(3).shops
        assert days == 3 * 101  # the day that lives, too
        assert first == live_start(town, datetime.now(TIMEZONE).date()).date() - timedelta(days=100)
        assert len(history) >= 3 * 98 * 96
        until = time.monotonic() + 180
        while self.live_cells(state) < batches + 4 and time.monotonic() < until:
            time.sleep(0.2)
        assert self.live_cells(state) >= batches + 4, demo.output
        until = time.monotonic() + 180
        while not self.receipts(state) and time.monotonic() < until:
            time.sleep(0.2)
        assert self.receipts(state), demo.output  # oldest first, behind the page
        assert demo.end() == 0, demo.output
        assert "kept for the next start" in demo.lines[-1]
        assert "Traceback" not in demo.output

    def test_2_the_next_start_goes_on(self, demo: Demo, state: Path, port: int) -> None:
        before, receipts = cells_of(state), self.receipts(state)
        assert "Using the town" in demo.wait_for("Using the town")
        demo.wait_for("Ready: ")
        until = time.monotonic() + 180
        while (
            len(cells_of(state)) < len(before) + 3 or self.receipts(state) == receipts
        ) and time.monotonic() < until:
            time.sleep(0.2)
        assert self.receipts(state) > receipts, demo.output
        assert demo.end() == 0, demo.output
        after = cells_of(state)
        assert len(after) >= len(before) + 3, demo.output
        for shop in {row[0] for row in after}:
            starts = [datetime.fromisoformat(row[1]) for row in after if row[0] == shop]
            assert set(np.diff(starts).tolist()) == {timedelta(minutes=15)}  # no gap, none twice

    def test_3_nothing_survives_a_killed_demo(self, demo: Demo, port: int) -> None:
        demo.wait_for("Ready: ")
        demo.end(signal.SIGKILL)
        until = time.monotonic() + 60
        while time.monotonic() < until and not port_is_free(port):
            time.sleep(0.2)
        assert port_is_free(port)

    def test_4_a_taken_port_is_said_before_anything_is_made(
        self, tmp_path: Path, port: int
    ) -> None:
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", port))
            taken.listen()
            demo = Demo(tmp_path / "other", port)
            demo.wait_for(f"port {port} is taken")
            assert demo.process.wait(60) == 1
        assert not (tmp_path / "other").exists()

    @staticmethod
    def figures(state: Path) -> tuple[int, date]:
        with sqlite3.connect(state / "footfall.sqlite3") as database:
            count, first = database.execute(
                "SELECT count(*), min(day) FROM footfall_dayfigure"
            ).fetchone()
        return int(count), date.fromisoformat(first)

    @staticmethod
    def live_cells(state: Path) -> int:
        with sqlite3.connect(state / "footfall.sqlite3") as database:
            (count,) = database.execute("SELECT count(*) FROM footfall_batch").fetchone()
        return int(count)

    @staticmethod
    def receipts(state: Path) -> int:
        """Count the receipts that are loaded; none is there twice."""
        with sqlite3.connect(state / "loyalty.sqlite3") as database:
            count, different = database.execute(
                "SELECT count(*), count(DISTINCT external_id) FROM loyalty_receipt"
            ).fetchone()
        assert count == different
        return int(count)

    @staticmethod
    def go_to_the_till(port: int) -> None:
        """One press on the front page makes a browser the cashier's tablet."""
        with httpx.Client(base_url=f"http://localhost:{port}", follow_redirects=True) as browser:
            form = browser.get("/accounts/login/").text
            assert cast.SELLER_PIN in form
            token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
            assert token is not None
            page = browser.post("/demo/till/", data={"csrfmiddlewaretoken": token[1]})
            assert (page.status_code, page.url.path) == (200, "/till/")
            assert "till" in browser.cookies

    @staticmethod
    def sign_in(port: int, email: str) -> None:
        """Sign in as the director, whose first page shows the simulated town."""
        with httpx.Client(base_url=f"http://localhost:{port}", follow_redirects=True) as browser:
            form = browser.get("/accounts/login/").text
            token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
            assert token is not None
            page = browser.post(
                "/accounts/login/",
                data={
                    "csrfmiddlewaretoken": token[1],
                    "login": email,
                    "password": cast.PASSWORD,
                },
            )
            assert page.status_code == 200
            assert page.url.path == "/"
            assert "Bellerive-les-Arches" in page.text
            assert "CC BY 4.0" in page.text


def test_the_note_is_plain_json(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.prepare(town=TOWN, fresh=False)
    (note,) = tmp_path.glob("*.json")
    said = json.loads(note.read_text())
    assert len(said.pop("made_by")) == 64
    assert said == {"ready": False, "town": TOWN}
