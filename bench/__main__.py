"""Run every benchmark: ``python -m bench``; or some: ``python -m bench decode counting``.

Options after the names go to each of them: ``python -m bench privacy_utility --model mine:town``.
"""

import subprocess
import sys
from pathlib import Path

NOT_BENCHMARKS = {"__init__", "__main__", "report"}


def main() -> int:
    """Run the benchmarks one after the other, each in a process of its own."""
    known = sorted(
        p.stem for p in Path(__file__).parent.glob("*.py") if p.stem not in NOT_BENCHMARKS
    )
    asked = sys.argv[1:]
    first = next((i for i, word in enumerate(asked) if word.startswith("-")), len(asked))
    wanted, options = asked[:first] or known, asked[first:]
    if unknown := set(wanted) - set(known):
        print(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
        return 2
    failed = [
        name
        for name in wanted
        if subprocess.run([sys.executable, "-m", f"bench.{name}", *options], check=False).returncode
    ]
    if failed:
        print(f"failed: {', '.join(failed)}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
