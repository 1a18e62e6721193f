"""F1 to F5: canaries pass two real sensors; what is left of them, where, and for how long.

One story serves the five checks, because they look at the same processes: two sensors of one town
hear the same canaries; a day later one of them hears them again. In between the harness stops the
processes and searches their memory, and at the end all that was written and sent.
"""

import hashlib
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from chaland.audit import relay, remains, search, spellings, traces
from chaland.audit.bench import Bench
from chaland.audit.linkage import auc
from chaland.audit.listening import begin, last_words, wait, wait_for_key
from chaland.audit.radio import (
    OBJECTION_NETWORK,
    OUTSIDE_DBM,
    Canaries,
    data,
    heartbeat,
    joining,
    probe,
)
from chaland.audit.remains import Left, merged, of_key, role
from chaland.audit.report import Outcome
from chaland.audit.search import Needles, in_file
from chaland.audit.town import NOBODY, Box, Run, Town
from chaland.wire.periods import CELL_S, WINDOW_S

ADDRESS_LIVES_S = 1.0
TOKEN_LINGERS_S = 300
STAY_AT_MOST_S = 7200
ARRIVAL_S = 60
HOUR_S = 3600
_KEPT_PRESENT = 10
_DAY_LOCKS_AT_LEAST = 2  # the window's key and the visit table's


class Chain:
    """The story, and what each of the five checks makes of it."""

    def __init__(self, town: Town, *, quick: bool) -> None:
        self.town = town
        self._quick = quick
        self.canaries = Canaries.draw()
        self.outcomes = {check: Outcome() for check in ("F1", "F2", "F3", "F4", "F5")}
        self.keys: list[bytes] = []
        """Every secret that was seen on a locked page, of whatever process and time."""
        self._visit_tokens: list[dict[bytes, bytes]] = []
        """Of each run: canary to token, under the key of its visit table."""
        self._window_keys: set[bytes] = set()
        self._addresses = Needles(
            merged(spellings.of_secret(each, f"address {i}") for i, each in enumerate(self._all))
            | spellings.derived(self._all, ())
        )

    @property
    def _all(self) -> list[bytes]:
        return self.canaries.all

    def live_through(self) -> None:
        """Run the story. Raises BrokenFinal when the software does not do its daily work."""
        town = self.town
        boxes = [town.enrol(0), town.enrol(1)]
        town.sign_charter(*boxes)
        began_s = time.time()
        first = boxes[0].run()
        wait_for_key(first, town.today_at(10))
        second = boxes[1].run()
        begin(second, town.today_at(10))
        wait(second, first.radio.now_s)
        for run in (first, second):
            self._canaries_pass(run)
        self._look_within_a_second((first, second))
        self._let_windows_end((first, second))
        if not self._quick:
            self._let_some_stay(first)
        second.close()
        code = first.close()
        self.outcomes["F1"].require(code == 0, f"the sensor ended with {code}: {last_words(first)}")
        again = boxes[0].run()
        self._come_again(again, town.today_at(14))
        again.close()
        left = Left(self._all, self.keys, [t for tokens in self._all_tokens for t in tokens])
        remains.judge(town, boxes, left, self.outcomes, since_s=began_s, quick=self._quick)
        for run in (first, second, again):
            self.outcomes["F3"].require(
                not run.left_over, "the day's process outlives the end of its capture"
            )
        self._judge_links()
        self._sketches_go(boxes[0])
        if not self._quick:
            traces.judge(town, boxes, self.outcomes["F1"])

    # What is heard ---------------------------------------------------------------------------

    def _canaries_pass(self, run: Run) -> None:
        """Let all be heard within a second."""
        canaries, radio = self.canaries, run.radio
        half = len(canaries.objecting) // 2
        looking, joins = canaries.objecting[:half], canaries.objecting[half:]
        groups = (
            [heartbeat(0, address) for address in canaries.hotspots],
            [data(address) for address in canaries.objecting],
            [probe(address) for address in canaries.probing],
            [data(address) for address in canaries.staying],
            [probe(address, rssi_dbm=OUTSIDE_DBM) for address in canaries.passing],
            [probe(address, b"home") for address in canaries.staying[:50]],
            [probe(address, OBJECTION_NETWORK) for address in looking],
            [joining(address, OBJECTION_NETWORK) for address in joins],
        )
        start_s = radio.now_s + 0.1
        for i, frames in enumerate(groups):
            radio.hear(start_s + 0.1 * i, frames)
        wait(run, radio.now_s)

    def _let_windows_end(self, runs: Sequence[Run]) -> None:
        """F2: after five minutes of silence no token is left, of windows or visits."""
        for run, tokens in zip(runs, self._all_tokens, strict=True):
            wait(run, run.radio.now_s + ARRIVAL_S + 5)
            run.radio.hear(run.radio.now_s + 1, [data(a) for a in self.canaries.staying])
            wait(run, run.radio.now_s + max(WINDOW_S, TOKEN_LINGERS_S) + 10)
            self._settle()
            self._none_left(run, tokens, "five minutes after it was last heard")
            kept = self._window_keys & set(search.locked_pages(run.day_pid))
            self.outcomes["F3"].require(not kept, "a window's key is kept beyond its window")
        self.outcomes["F3"].require(
            len(self._window_keys) == len(runs), "the search is blind: no window's key was seen"
        )

    def _let_some_stay(self, run: Run) -> None:
        """F2: who stays is not remembered with times older than two hours; then leaves."""
        outcome, staying = self.outcomes["F2"], self.canaries.staying[:_KEPT_PRESENT]
        wait(run, run.radio.now_s + 600)  # its clock ran on while the other sensor was looked at
        came_s = run.radio.now_s + 7.123457
        run.radio.hear(came_s, [data(address) for address in staying])
        first_us = [run.radio.at_us(came_s) + i for i in range(len(staying))]
        times = Needles(
            {us.to_bytes(8, "little"): f"when canary {i} came" for i, us in enumerate(first_us)}
            | {
                spellings.python_integer(us): f"when canary {i} came"
                for i, us in enumerate(first_us)
            }
        )
        wait(run, came_s + HOUR_S, staying)
        self._settle()
        with run.frozen():
            seen = search.in_memory(run.day_pid, times)
            outcome.require(
                len(seen) >= len(staying), "the search is blind: no times of a stay seen"
            )
        wait(run, came_s + STAY_AT_MOST_S + 60, staying)
        self._settle()
        with run.frozen():
            old = sum(search.in_memory(run.day_pid, times).values())
        outcome.measure("arrival times older than two hours, in memory", old, 0)
        outcome.require(not old, "the time at which a stay began is remembered beyond two hours")
        wait(run, run.radio.now_s + TOKEN_LINGERS_S + 65)
        self._settle()
        self._none_left(run, self._all_tokens[0], "five minutes after a long stay")

    def _come_again(self, run: Run, start_s: int) -> None:
        """F4: the same canaries at the same shop, in a later process."""
        wait_for_key(run, start_s)
        self._canaries_pass(run)
        self._settle()
        with run.frozen():
            self._note_keys(run, "F4")
            before = [token for tokens in self._visit_tokens[:2] for token in tokens.values()]
            self._foreign_tokens(run, before, "F4", "of the process before")
        wait(run, run.radio.now_s + CELL_S + 60)

    # What is looked for ----------------------------------------------------------------------

    def _look_within_a_second(self, runs: Sequence[Run]) -> None:
        time.sleep(ADDRESS_LIVES_S)
        self._all_tokens: list[list[bytes]] = []
        for run in runs:
            with run.frozen() as pids:
                self._no_address_in(pids)
                self._note_keys(run, "F5")
                self._keys_stay_where_they_are(run, pids)
        if len(self._visit_tokens) == len(runs):
            others = list(self._visit_tokens[0].values())
            with runs[1].frozen():
                self._foreign_tokens(runs[1], others, "F5", "of another shop")

    def _no_address_in(self, pids: Iterable[int]) -> None:
        outcome = self.outcomes["F2"]
        for pid in pids:
            found = self._addresses.names(search.in_memory(pid, self._addresses))
            outcome.require(
                not found,
                f"{len(found)} forms of addresses are in the memory of {role(pid)} a second after "
                f"they were heard, such as {', '.join(found[:2])}",
            )

    def _note_keys(self, run: Run, check: str) -> None:
        """Read the keys from their locked pages, and work out the tokens of the canaries."""
        secrets = {page for page in search.locked_pages(run.day_pid) if any(page)}
        visits: dict[bytes, bytes] = {}
        tokens: list[bytes] = []
        for key in secrets:
            of_this = {address: _token(address, key) for address in self._all}
            tokens += of_this.values()
            needles = Needles({token: "token" for token in of_this.values()})
            seen = search.in_memory(run.day_pid, needles)
            if all(of_this[address] in seen for address in self.canaries.followable):
                visits = of_this
            elif all(of_this[address] in seen for address in self.canaries.probing):
                self._window_keys.add(key)
            objecting = sum(of_this[address] in seen for address in self.canaries.objecting)
            self.outcomes["F2"].require(
                not objecting, f"tokens of {objecting} devices that object are kept"
            )
        self.outcomes["F2"].require(
            visits, "the search is blind: no token of a device that is present was found in memory"
        )
        again = secrets & set(self.keys)
        shared = 1 if check == "F5" else 0  # the town's key of the day is one for all its shops
        self.outcomes[check].require(
            len(again) <= shared, "a key was seen before, in another process"
        )
        self.keys += [key for key in secrets if key not in self.keys]
        self._visit_tokens.append(visits)
        self._all_tokens.append(tokens)

    def _foreign_tokens(self, run: Run, tokens: list[bytes], check: str, whose: str) -> None:
        found = search.in_memory(run.day_pid, Needles(dict.fromkeys(tokens, "token")))
        self.outcomes[check].measure(f"tokens {whose}, in memory", len(found), 0)
        self.outcomes[check].require(not found, f"{len(found)} tokens {whose} are in memory")

    def _none_left(self, run: Run, tokens: Sequence[bytes], when: str) -> None:
        outcome = self.outcomes["F2"]
        needles = Needles(merged(spellings.of_secret(token, "a token") for token in tokens))
        with run.frozen() as pids:
            self._no_address_in(pids)
            for pid in pids:
                found = search.in_memory(pid, needles)
                outcome.measure(f"tokens {when}, in {role(pid)}", len(found), 0)
                outcome.require(
                    not found, f"{len(found)} tokens are in the memory of {role(pid)} {when}"
                )

    def _keys_stay_where_they_are(self, run: Run, pids: Sequence[int]) -> None:
        """F3: in locked pages of the day's process, and nowhere else; that process is closed."""
        outcome, day = self.outcomes["F3"], run.day_pid
        pages = [page for page in search.locked_pages(day) if any(page)]
        outcome.measure("locked pages with a key", len(pages), f">= {_DAY_LOCKS_AT_LEAST}")
        outcome.require(
            len(pages) >= _DAY_LOCKS_AT_LEAST,
            "the day's process locks fewer pages than it has keys",
        )
        needles = Needles(merged(of_key(page) for page in pages))
        for pid in pids:
            found = search.in_memory(pid, needles)
            copies = sum(found.values()) - (4 * len(pages) if pid == day else 0)
            outcome.require(
                copies <= 0, f"parts of a key stand {copies} times in the memory of {role(pid)}"
            )
        for pid in pids:
            owner = Path(f"/proc/{pid}/mem").stat().st_uid
            outcome.require(owner != NOBODY, f"{role(pid)} is dumpable: its user may read it")
            limits = Path(f"/proc/{pid}/limits").read_text()
            core = next(line.split()[4] for line in limits.splitlines() if "core file" in line)
            outcome.require(core == "0", f"{role(pid)} may leave a core dump")

    # What is left ----------------------------------------------------------------------------

    def _judge_links(self) -> None:
        """F4, F5: the attacker has both memories, and guesses who is who by equal tokens."""
        for check, (one, other) in (("F4", (0, 2)), ("F5", (0, 1))):
            outcome = self.outcomes[check]
            tables = [self._visit_tokens[i] for i in (one, other) if i < len(self._visit_tokens)]
            if len(tables) < 2 or not all(tables):
                outcome.require(False, "no tokens were found that could be compared")
                continue
            area, low, high = auc(*([t[a] for a in self.canaries.followable] for t in tables))
            outcome.measure("linkage AUC, tokens of both memories", area, "0.5")
            outcome.measure("its interval", f"{low:.3f} to {high:.3f}")
            outcome.require(low <= 0.5, f"equal tokens link visits: AUC {area:.3f}")

    def _sketches_go(self, box: Box) -> None:
        """F4: a shop's day has one sketch, and a day after its end the hub has none."""
        key = (box.state / "key").read_text().strip()
        found = self.town.inside("sketches", key=key)
        outcome = self.outcomes["F4"]
        outcome.measure("sketches left a day after their day's end", found["left"], 0)
        outcome.require(
            found["kept"] == [True], f"the hub keeps {len(found['kept'])} sketches of a day"
        )
        outcome.require(not found["left"], "the hub keeps sketches beyond 24 hours")
        outcome.require(found["estimated"] == 1, "of a day's sketches no estimate was made")
        drawn = Needles({bytes.fromhex(found["drawn"]): "a sketch"})
        rests = [p.name for p in self.town.hub.rglob("*") if p.is_file() and in_file(p, drawn)]
        outcome.require(not rests, f"{rests} still hold a sketch that was deleted")
        outcome.require(not found["again"], "the hub takes a sketch of a day that is estimated")

    @staticmethod
    def _settle() -> None:
        """Give the process the second in which it must have forgotten."""
        time.sleep(ADDRESS_LIVES_S)


def tell(bench: Bench) -> Chain:
    """Live through the story, once for the five checks."""
    chain = Chain(bench.town, quick=bench.quick)
    chain.live_through()
    relay.judge(chain.outcomes["F3"])
    return chain


def _token(address: bytes, key: bytes) -> bytes:
    return hashlib.blake2b(address, digest_size=8, key=key).digest()
