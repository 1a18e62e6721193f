"""The forbidden scheme falls, ours does not, and nobody but the bench imports it."""

from pathlib import Path

import chaland
from chaland.audit import attacks


def test_the_forbidden_scheme_falls_and_ours_stays_within_its_bound() -> None:
    found = {attack.name: attack for attack in attacks.run(quick=True)}
    assert set(found) == {"brute-force", "linkage-days", "linkage-shops", "membership",
                          "till-presence", "till-linking"}  # fmt: skip
    assert all(attack.forbidden_success == 1 for attack in found.values())
    assert found["brute-force"].ours_success < 0.1
    assert found["linkage-days"].ours_success == found["linkage-shops"].ours_success == 0.5
    member = found["membership"]
    assert member.ours_bound
    assert abs(member.ours_success - member.ours_bound) < 0.03
    assert 0.1 < found["till-presence"].ours_success < 0.4, "eps 1.26 in all: it tells a little"
    assert (found["till-linking"].ours_bound or 1) < 0.15


def test_only_the_attacks_import_it() -> None:
    source = Path(chaland.__file__).parent
    importing = [
        str(path.relative_to(source)) for path in source.rglob("*.py")
        if "audit.forbidden" in path.read_text() and path.name != "forbidden.py"
    ]  # fmt: skip
    assert importing == ["audit/attacks.py"]
