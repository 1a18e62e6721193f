"""The message catalogues: ``python tools/messages.py update | compile | check``.

``update`` collects the texts of src/ (Python and Django templates) into each catalogue: new ones
come in untranslated, unused ones go. ``compile`` makes the .mo files that the hub reads. ``check``
says what is missing. The texts themselves are English, so only French has a catalogue.
Needs Babel and Django, not GNU gettext.
"""

import io
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.template.base import Lexer, Token, TokenType
from django.utils.text import smart_split, unescape_string_literal

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "src" / "chaland"
LOCALE = SOURCES / "hub" / "site" / "locale"
LANGUAGES = ("fr",)
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
}

Found = tuple[int, str | tuple[str, str], str | None]
"""Line, message (singular and plural where it has both), context."""

_IN_EXPRESSION = re.compile(r"""_\(\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*\)""")


def from_template(text: str) -> Iterator[Found]:
    """Yield the messages of a Django template as Django will look them up."""
    tokens = iter(Lexer(text).tokenize())
    for token in tokens:
        if token.token_type in (TokenType.VAR, TokenType.BLOCK):
            for literal in _IN_EXPRESSION.findall(token.contents):
                yield token.lineno or 0, _doubled(unescape_string_literal(literal)), None
        if token.token_type != TokenType.BLOCK:
            continue
        bits = list(smart_split(token.contents))
        if bits[0] in ("translate", "trans") and bits[1][0] in "\"'":
            yield token.lineno or 0, _doubled(unescape_string_literal(bits[1])), _context(bits)
        elif bits[0] in ("blocktranslate", "blocktrans"):
            yield token.lineno or 0, _block(tokens, trimmed="trimmed" in bits), _context(bits)


def _block(tokens: Iterator[Token], *, trimmed: bool) -> str | tuple[str, str]:
    """Read on to the end of a blocktranslate: its message, or singular and plural."""
    parts = [""]
    for token in tokens:
        if token.token_type == TokenType.BLOCK:
            if token.contents.startswith("end"):
                break
            parts.append("")  # {% plural %}
        elif token.token_type == TokenType.VAR:
            parts[-1] += f"%({token.contents})s"
        else:
            parts[-1] += _doubled(token.contents)
    if trimmed:
        parts = [" ".join(map(str.strip, part.strip().splitlines())) for part in parts]
    return (parts[0], parts[1]) if len(parts) > 1 else parts[0]


def _doubled(text: str) -> str:
    return text.replace("%", "%%")


def _context(bits: list[str]) -> str | None:
    return unescape_string_literal(bits[bits.index("context") + 1]) if "context" in bits else None


def from_python(source: bytes) -> Iterator[Found]:
    """Yield the messages of a Python module."""
    for line, message, _comments, context in extract("python", io.BytesIO(source), KEYWORDS):
        yield line, message, context


def collect() -> Catalog:
    """Collect all messages of the sources."""
    catalog = Catalog(
        project="Chaland", charset="utf-8", creation_date=datetime(2026, 1, 1, tzinfo=UTC)
    )
    paths = [
        *SOURCES.rglob("*.py"),
        *SOURCES.rglob("templates/**/*.html"),
        *SOURCES.rglob("templates/**/*.txt"),
    ]
    for path in sorted(paths):
        found = (
            from_python(path.read_bytes())
            if path.suffix == ".py"
            else from_template(path.read_text())
        )
        for _line, message, context in found:
            catalog.add(message, locations=[(str(path.relative_to(ROOT)), 0)], context=context)
    return catalog


def po_path(language: str) -> Path:
    """Return the place of a language's catalogue."""
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def load(language: str) -> Catalog:
    """Read a language's catalogue; empty where there is none yet."""
    path = po_path(language)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def update(language: str) -> None:
    """Bring a catalogue up to date with the sources."""
    catalog, path = load(language), po_path(language)
    catalog.update(collect(), no_fuzzy_matching=True)
    catalog.creation_date = catalog.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
    catalog.last_translator = catalog.language_team = catalog.project = "Chaland"
    catalog.version, catalog.msgid_bugs_address, catalog.fuzzy = "1", "", False
    catalog.header_comment = (
        "# French texts of Chaland. Renew with: python tools/messages.py update"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(
            file, catalog, width=100, include_lineno=False, ignore_obsolete=True, sort_output=True
        )
    print(f"{path.relative_to(ROOT)}: {len(catalog)} texts, {len(missing(language))} to translate")


def compile_catalogue(language: str) -> None:
    """Make the .mo file that gettext reads at run time."""
    path = po_path(language)
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, load(language))


def missing(language: str) -> list[str]:
    """List the texts of the sources that a language lacks, or has only as a guess."""
    catalog = load(language)
    lacking = []
    for message in collect():
        if not message.id:
            continue
        known = catalog.get(message.id, message.context)
        strings = (
            known.string
            if known and isinstance(known.string, tuple)
            else (known.string if known else "",)
        )
        if known is None or known.fuzzy or not all(strings):
            lacking.append(str(message.id))
    return lacking


def main(arguments: list[str]) -> int:
    """Do one of the three for every language."""
    if len(arguments) != 1 or arguments[0] not in ("update", "compile", "check"):
        print(__doc__)
        return 2
    for language in LANGUAGES:
        if arguments[0] == "update":
            update(language)
        if arguments[0] in ("update", "compile"):
            compile_catalogue(language)
        for text in missing(language) if arguments[0] != "compile" else []:
            print(f"{language}: not translated: {text}", file=sys.stderr)
    return 1 if arguments[0] == "check" and any(map(missing, LANGUAGES)) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
