"""Workers die while they hand over to real gateways: Kannel, an operator by SMPP, postfix.

What came is counted at the other side: at fakesmsc, in the operator, in the mailbox behind postfix.
A connection leaves at most one unknown message for each kill; Kannel's reports tell what became of
those, a mail may go once more with its Message-ID, and by SMPP they are listed for good.
"""

import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

import pytest

from tests.hub.loyalty.outreach.engine.site import Site
from tests.hub.loyalty.outreach.peers.hooks import until
from tests.hub.loyalty.outreach.peers.kannel import KannelPeer
from tests.hub.loyalty.outreach.peers.mail import DOMAIN, mail_peers
from tests.hub.loyalty.outreach.peers.smpp import operator

_PATIENCE_S = 120
_IDLE_S = 20
_HEAR = """
from chaland.hub.loyalty.outreach import inbound
from chaland.hub.loyalty.outreach.shapes import Hook
gateway = Gateway.objects.get()
for query in json.loads(sys.argv[1]):
    inbound.store(gateway, Hook("GET", query, {}, b""))
loop.run_once(clock.now())
"""
_AGAIN = """
gateway = Gateway.objects.get()
gateway.settings = json.dumps(json.loads(gateway.settings) | {"again": True})
gateway.save()
loop.run_once(clock.now())
"""
_ENDED = """
loop.run_once(clock.now())
print(Campaign.objects.get().state)
"""


def _sizes(deliveries: int, rate: int) -> pytest.MarkDecorator:
    """A short form, and the campaign's: with a gateway that queues what it takes, no faster than
    it passes on, else the kills come when all is handed over."""
    return pytest.mark.parametrize(
        ("deliveries", "kills", "rate"),
        [(60, 2, 20), pytest.param(deliveries, 40, rate, marks=pytest.mark.campaign)],
        ids=["short", "campaign"],
    )


class Log:
    """Counts by address what a peer's log names, reading on from where it was."""

    def __init__(self, path: Path, pattern: str) -> None:
        self._path, self._pattern = path, re.compile(pattern.encode(), re.MULTILINE)
        self._read = path.stat().st_size
        self._came: Counter[str] = Counter()

    def came(self) -> Counter[str]:
        with self._path.open("rb") as file:
            file.seek(self._read)
            whole = file.read().rpartition(b"\n")[0]
        self._read += len(whole)
        self._came.update(f"+{found.decode()}" for found in self._pattern.findall(whole))
        return self._came


@dataclass
class Killed:
    """What stands after the kills and a last, whole run: addresses by state, and what came."""

    site: Site
    by_state: dict[str, set[str]]
    keys: dict[str, str]
    """By address."""
    came: Callable[[], Counter[str]]

    @property
    def unknown(self) -> set[str]:
        return self.by_state.get("unknown", set())

    def told(self, name: str, kills: int) -> None:
        came = self.came()
        print(  # noqa: T201  # the campaign's figures, for who asks with -s
            f"{name}: {len(self.keys)} deliveries, {kills} kills; {came.total()} came, "
            f"{came.total() - len(came)} doubled, {len(self.unknown)} unknown, of which "
            f"{len(self.unknown & set(came))} came"
        )


def _handed_over(
    site: Site, came: Callable[[], Counter[str]], deliveries: int, kills: int
) -> Killed:
    """Kill workers in the middle, let one finish, and see that the rest is whole."""
    chance = random.Random(5)
    share = deliveries // (kills + 1)

    def some_more() -> None:
        more = came().total() + chance.randint(1, share // 2)
        grew, before = time.monotonic(), -1

        def enough() -> bool:
            nonlocal grew, before
            if before != (total := came().total()):
                grew, before = time.monotonic(), total
            # On a slow machine all may be handed over before the peer says so: then it idles.
            return total >= more or time.monotonic() > grew + _IDLE_S

        until(enough, _PATIENCE_S)

    site.kill([some_more] * kills)
    site.run()
    by_state: dict[str, set[str]] = {}
    keys = {}
    for state, key, phone, email in site.rows():
        address = phone if site.channel == "sms" else email
        by_state.setdefault(state, set()).add(address)
        keys[address] = key
    killed = Killed(site, by_state, keys, came)
    assert set(by_state) <= {"accepted", "delivered", "unknown"}
    assert len(keys) == deliveries
    until(lambda: set(keys) - killed.unknown <= set(came()), _PATIENCE_S)  # nothing is lost
    assert set(came()) <= set(keys)
    assert came().total() == len(came()), "a message came twice"
    return killed


@_sizes(10_000, rate=200)
def test_through_kannel(
    gateway: KannelPeer, tmp_path: Path, own_database: str, deliveries: int, kills: int, rate: int
) -> None:
    """Its reports name our key, so what is unknown and came is found out."""
    gateway.hooks.calls.clear()
    log = Log(gateway.folder / "fakesmsc.log", r"Got message \d+: <\S+ \+(\S+) ")
    settings = {
        "url": gateway.url,
        "username": gateway.username,
        "password": gateway.password,
        "smsc": "fake",
        "stop": "36105",
    }
    site = Site(tmp_path, own_database, gateway.hooks.url.split("/hooks/")[0])
    site.prepare("sms", "kannel", settings, deliveries, rate)
    killed = _handed_over(site, log.came, deliveries, kills)
    killed.told("kannel", kills)
    assert len(killed.unknown) <= 16 * kills, "one of each connection"

    came = {killed.keys[address] for address in killed.unknown & set(log.came())}

    def reports() -> list[dict[str, str]]:
        queries = [dict(call.query) for call in list(gateway.hooks.calls)]
        return [q for q in queries if q.get("key") in came and int(q["dlr"]) & 1]

    until(lambda: {query["key"] for query in reports()} == came, _PATIENCE_S)
    site.run(_HEAR, json.dumps(reports()))
    states = site.states()
    assert states["delivered"] == came or not came
    assert states.get("unknown", set()) == {killed.keys[a] for a in killed.unknown} - came
    assert log.came().total() == len(log.came())


@_sizes(10_000, rate=0)
def test_by_smpp(tmp_path: Path, own_database: str, deliveries: int, kills: int, rate: int) -> None:
    """An operator's receipt names no key of ours: what is unknown stays listed as such."""
    with operator(tmp_path, "plain") as peer:
        log = Log(peer.log, r'^{"to":"(\d+)"')
        settings = {
            "host": "127.0.0.1",
            "port": peer.port,
            "username": "chaland",
            "password": "s3cret",
            "stop": "36105",
        }
        site = Site(tmp_path / "site", own_database)
        site.prepare("sms", "smpp", settings, deliveries, rate)
        killed = _handed_over(site, log.came, deliveries, kills)
        killed.told("smpp", kills)
        assert len(killed.unknown) <= 10 * kills, "one of each place in the window"
        site.later(days=4)
        assert site.run(_ENDED).strip() == "finished"
        listed = site.states().get("unknown", set())
        assert listed == {killed.keys[address] for address in killed.unknown}
        assert log.came().total() == len(log.came())


@contextmanager
def _postfix() -> Iterator[tuple[int, Callable[[], Counter[str]], Callable[[], Counter[str]]]]:
    """A postfix, and what came through it into the mailbox: by address, and by Message-ID."""
    with mail_peers() as peers:

        def by_address() -> Counter[str]:
            return Counter(mail.rcpt_tos[0] for mail in list(peers.received.mails))

        def by_id() -> Counter[str]:
            mails = [message_from_bytes(mail.content) for mail in list(peers.received.mails)]
            return Counter(mail["Message-ID"] for mail in mails)

        yield peers.smtp, by_address, by_id


@_sizes(2_000, rate=50)
def test_through_postfix(
    tmp_path: Path, own_database: str, deliveries: int, kills: int, rate: int
) -> None:
    """Where the association wishes it, what is unknown goes once more, by the same Message-ID."""
    with _postfix() as (port, came, by_id):
        settings = {"host": "127.0.0.1", "port": port, "tls": "none", "offline": True}
        site = Site(tmp_path, own_database)
        site.prepare("email", "smtp", settings | {"bounces": f"retours@{DOMAIN}"}, deliveries, rate)
        killed = _handed_over(site, came, deliveries, kills)
        killed.told("postfix", kills)
        assert len(killed.unknown) <= kills, "one connection leaves one unknown mail"
        before = set(came())
        site.later(minutes=5)
        site.run(_AGAIN)
        until(lambda: came().total() == len(before) + len(killed.unknown), _PATIENCE_S)
        assert site.states() == {"accepted": set(killed.keys.values())}
        assert set(came()) == set(killed.keys), "in the end everybody has it"
        assert {a for a, times in came().items() if times > 1} == killed.unknown & before
        assert len(by_id()) == deliveries, "and what came twice bears one name"
        assert max(by_id().values()) <= 2
