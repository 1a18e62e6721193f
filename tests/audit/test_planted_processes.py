"""Faults planted into the source of running sensors and hubs: the named check must fail.

The audit runs as whoever doubts would run it: ``chaland audit --only …`` on a copy of the source.
"""

import os
import re
from pathlib import Path

import pytest
from faults import GROUPS
from planted import Patch, audit

pytestmark = [
    pytest.mark.privileged,
    pytest.mark.xdist_group("audit"),
    pytest.mark.skipif(
        os.geteuid() != 0 or not Path("/dev/net/tun").exists(),
        reason="reads another process's memory, builds a network: needs root and /dev/net/tun",
    ),
]

PIPELINE, VISITS, KEYS = (
    "sensor/pipeline.py", "sensor/presence/visits.py", "sensor/privacy/keys.py",
)  # fmt: skip
TOKEN_KEPT_AN_HOUR: Patch = (
    VISITS, "now_us - self._linger_us, out", "now_us - 3600 * _US, out",
)  # fmt: skip
KEY_ON_DISK: Patch = (
    KEYS,
    "        lib.randombytes(self.at, KEY_SIZE)\n",
    "        lib.randombytes(self.at, KEY_SIZE)\n"
    "        open('keys.bin', 'ab').write(bytes(self._page[:32]))\n",
)
ADDRESS_IN_LOG: Patch = (
    PIPELINE,
    "        observation, clock = self._observation, self._clock\n        if clock.cell_us",
    "        observation, clock = self._observation, self._clock\n"
    "        at = observation.address_at\n"
    "        if self.frames % 97 == 0:\n"
    "            import sys; sys.stderr.write(f'odd frame of {self._buffer[at:at + 6].hex()}\\n')\n"
    "        if clock.cell_us",
)
KEY_OF_THE_DATE: Patch = (
    "sensor/privacy/town_key.py",
    "        self._offered = _name(self._offer)\n\n    @property\n    def public_key",
    "        import hashlib, time\n"
    "        self._offer._page[:32] = hashlib.sha256(b'%d' % (time.time() // 86400)).digest()\n"
    "        self._offered = _name(self._offer)\n\n    @property\n    def public_key",
)


def findings(checks: dict[str, dict[str, object]], check: str) -> str:
    assert checks[check]["result"] == "failed", f"{check} passed"
    return "\n".join(str(finding) for finding in checks[check]["findings"])  # type: ignore[attr-defined]


def test_four_faults_of_a_running_sensor_are_found_at_once() -> None:
    """One story of the canaries finds each of them, by its own check."""
    faults = [TOKEN_KEPT_AN_HOUR, KEY_ON_DISK, ADDRESS_IN_LOG, KEY_OF_THE_DATE]
    checks = audit("F1,F2,F3,F4", faults, "--quick")
    assert "tokens are in the memory of the day's process" in findings(checks, "F2")
    assert re.search(r"cwd/keys.bin holds a day's key", findings(checks, "F3"))
    assert re.search(r"log-\d+ holds address \d+", findings(checks, "F1"))
    assert "a key was seen before, in another process" in findings(checks, "F4")


@pytest.mark.campaign
def test_the_audit_passes_on_the_product() -> None:
    checks = audit("F1,F2,F3,F4,F5,F7,F8,F9,F10,F11,F12,F13,F14,F15,F16", [])
    assert {c["result"] for c in checks.values()} == {"passed", "not-asked"}


SINGLE: dict[str, tuple[str, list[Patch], str]] = {
    "an address in a Python object": (
        "F2",
        [(PIPELINE, "        self.frames = 0\n",
          "        self.frames = 0\n        self.seen = []\n"),
         (PIPELINE, "        is_probe = observation.kind is Kind.PROBE_REQUEST\n",
          "        is_probe = observation.kind is Kind.PROBE_REQUEST\n"
          "        at = observation.address_at\n"
          "        self.seen.append(bytes(self._buffer[at:at + 6]))\n")],
        "forms of addresses",
    ),
    "a token that is never zeroed": (
        "F2",
        [(VISITS, "        for column in self._columns:\n            column[row] = 0\n",
          "        for column in self._columns[1:]:\n            column[row] = 0\n")],
        "tokens are in the memory",
    ),
    "a key that two shops share": (
        "F5",
        [(KEYS, "        lib.randombytes(self.at, KEY_SIZE)\n",
          "        self._page[:32] = b'a constant key of all the boxes!'\n")],
        "tokens of another shop",
    ),
    "a dumpable process": (
        "F3",
        [("sensor/hardening.py", "    _prctl(_PR_SET_DUMPABLE, 0)\n", "")],
        "dumpable",
    ),
    "an address sent beside the summary": (
        "F1",
        [("sensor/uplink/upload.py", 'headers["Content-Type"] = "application/json"',
          'headers["Content-Type"] = "application/json"; headers["X-Debug"] = "1"')],
        "a header that the format does not have",
    ),
    "an exact number in the log": (
        "F1",
        [("sensor/day.py", "    for problem in source.problems:\n",
          "    sys.stderr.write(f'{pipeline.frames} frames were read\\n')\n"
          "    for problem in source.problems:\n")],
        "log depends on phones",
    ),
    "word sent to somebody else": (
        "F1",
        [("sensor/supervise.py", '        self._say_status("starting to listen")\n',
          '        self._say_status("starting to listen")\n'
          '        import socket\n'
          '        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"up", '
          '("192.0.2.7", 9999))\n')],
        "another place than the hub",
    ),
    "small hours shown": (
        "F7",
        [("hub/footfall/rules.py", "VISITS_SHOWN_MIN = 10.0", "VISITS_SHOWN_MIN = 4.0")],
        "under the threshold",
    ),
    "a second draw after a restart": (
        "F8",
        [("sensor/uplink/spool.py", "        if cell.start.isoformat() in self._ledger.cells:\n",
          "        if False:\n")],
        "a second time|second releases",
    ),
    "a ledger that lets everything pass": (
        "F8",
        [("hub/footfall/services/budget.py", "        if spent > entry.limit:\n",
          "        if False:\n"),
         ("hub/footfall/services/budget.py", "        if each.epsilon > allowed[each.row]:\n",
          "        if False:\n")],
        "a count with a larger epsilon|budget_kept",
    ),
    "other values than were sent": (
        "F8",
        [("hub/footfall/intake/services.py",
          "        **{name: count.value for name, count in cell.counts.items()},\n",
          "        **{name: count.value + 1 for name, count in cell.counts.items()},\n")],
        "other values than were sent",
    ),
    "a charter that is not checked": (
        "F11",
        [("sensor/charter.py", "    if listed is None or listed.agreed_on > today:\n",
          "    if False:\n")],
        "naming other sensors",
    ),
    "an end that is not kept": (
        "F16",
        [("sensor/charter.py", "    if charter.ends_on < today:\n", "    if False:\n")],
        "ended yesterday",
    ),
    "another mechanism than the charter's": (
        "F15",
        [("sensor/charter.py", "    if charter.annex_sha256 != annex_sha256:\n",
          "    if False:\n")],
        "another mechanism",
    ),
    "objections forgotten in strict mode": (
        "F9",
        [("sensor/day.py", "        objection_ssid=orders.objection_ssid,\n",
          "        objection_ssid={'default': orders.objection_ssid}.get(orders.mode, 'none'),\n")],
        "devices that object are counted",
    ),
    "objections that stay for ever": (
        "F10",
        [("hub/footfall/keeping.py", "OBJECTIONS = timedelta(days=30)",
          "OBJECTIONS = timedelta(days=3000)")],
        "do not expire",
    ),
    "a sensor that answers": (
        "F12",
        [("sensor/capture/child.py", "        filled = _BATCH * slot\n        while",
          "        packet.send(bytes(48))\n        filled = _BATCH * slot\n        while")],
        "frames were sent",
    ),
}  # fmt: skip


@pytest.mark.campaign
@pytest.mark.parametrize("fault", SINGLE)
def test_a_fault_is_found(fault: str) -> None:
    check, patches, said = SINGLE[fault]
    assert re.search(said, findings(audit(check, patches), check))


@pytest.mark.campaign
@pytest.mark.parametrize("name", GROUPS)
def test_a_group_of_faults_is_found(name: str) -> None:
    group = GROUPS[name]
    asked = ",".join(dict.fromkeys(fault.check for fault in group.faults))
    patches = [patch for fault in group.faults for patch in fault.patches]
    checks = audit(asked, patches, *group.options)
    missed = {
        fault.name: checks[fault.check]["findings"]
        for fault in group.faults
        if not re.search(fault.said, "\n".join(map(str, checks[fault.check]["findings"])))
    }
    assert not missed
