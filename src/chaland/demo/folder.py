"""The demo's state folder: recognised by a note, and thrown away only when it carries one."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from chaland import hub
from chaland.wire.mechanism import annex_digest

_NOTE = "chaland-demo.json"


@dataclass(frozen=True)
class Folder:
    """A state folder. ``ready`` is set once the history is complete."""

    path: Path

    @property
    def note(self) -> Mapping[str, Any]:
        """Return what the folder says about itself; empty where there is nothing."""
        try:
            found = json.loads((self.path / _NOTE).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write(self, **note: object) -> None:
        """Write the note, whole or not at all; it also says which version made the folder."""
        new = self.path / f"{_NOTE}.new"
        new.write_text(json.dumps(note | {"made_by": _version()}), encoding="utf-8")
        new.replace(self.path / _NOTE)

    def prepare(self, *, town: Mapping[str, object], fresh: bool) -> bool:
        """Make the folder ready for ``town``; return whether a finished one lies there already.

        A half-made demo is made again, and one of another version, whose tables or charter this
        software would not take. A folder with anything else in it is refused.
        """
        if (self.path / _NOTE).exists():
            note = self.note
            if note.get("ready") and not fresh:
                if note.get("made_by") != _version():
                    click.echo("The town was made by another version of Chaland: it is made anew.")
                elif note.get("town") == dict(town):
                    return True
                else:
                    raise click.ClickException(
                        f"{self.path} holds another town ({_spoken(note.get('town'))}): add "
                        "--fresh to make this one, or give another folder with --state."
                    )
            shutil.rmtree(self.path)
        elif self.path.exists() and any(self.path.iterdir()):
            raise click.ClickException(
                f"{self.path} holds something that is not a demo: give another folder with --state."
            )
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.write(ready=False, town=dict(town))
        return False


def _version() -> str:
    """Return a digest of what an older folder may not agree with: tables and mechanism."""
    digest = hashlib.sha256(annex_digest().encode("ascii"))
    for migration in sorted(Path(hub.__file__).parent.glob("*/migrations/*.py")):
        digest.update(migration.read_bytes())
    return digest.hexdigest()


def _spoken(town: object) -> str:
    if not isinstance(town, Mapping):
        return "unknown"
    return ", ".join(f"{key} {value}" for key, value in town.items())
