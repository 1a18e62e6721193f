"""What a message may leave open for each member: one closed list, checked when a text is saved.

A value is one line of plain text whatever a person typed as a name: line breaks and marks that turn
the direction of writing are taken out before it goes anywhere.
"""

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _

WRITTEN = ("first_name", "shop", "sale", "code", "link", "place")
"""What who writes a text may use."""
PERSONAL = frozenset({"first_name", "code", "link", "unsubscribe"})
"""What differs from member to member; all else is one for a whole campaign."""
FRAME = ("association", "dates", "postal", "origin", "unsubscribe")
"""What only our own frame around a text uses."""
LONGEST_LINE = 1_000
"""Characters in one paragraph: more is not read on a telephone."""

_SLOT = re.compile(r"((?:,?[ \u00a0])?)\{(" + "|".join((*WRITTEN, *FRAME)) + r")\}")
_BRACED = re.compile(r"\{([^{}\n]*)\}")
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_TURNS = re.compile(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Fault(StrEnum):
    """What may be wrong with a text's placeholders."""

    UNKNOWN = "unknown"
    UNCLOSED = "unclosed"
    MISSING = "missing"
    LONG = "long"
    BEGINS = "begins"


@dataclass(frozen=True, slots=True)
class Complaint:
    """One fault of a text; ``str()`` says what to do about it, in the reader's language."""

    fault: Fault
    line: int  # from 1; 0: of the whole text
    what: str = ""

    def __str__(self) -> str:
        return _say(self)


@dataclass(frozen=True, slots=True)
class Slot:
    """a place to fill; an empty value takes the space (and comma) before it along."""

    name: str
    space: str = ""

    def filled(self, value: str) -> str:
        """Return the value with what stands before it, or nothing."""
        return self.space + value if value else ""


def check(text: str, obligatory: Iterable[str] = ()) -> list[Complaint]:
    """Return what is wrong with a text; ``obligatory`` names what it must leave open."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        named = _BRACED.findall(line)
        found += [Complaint(Fault.UNKNOWN, number, f"{{{n}}}") for n in named if n not in WRITTEN]
        rest = _BRACED.sub("", line)
        if "{" in rest or "}" in rest:
            found.append(Complaint(Fault.UNCLOSED, number, line.strip()[:40]))
        if len(line) > LONGEST_LINE:
            found.append(Complaint(Fault.LONG, number))
        if line.lstrip().startswith("{first_name}"):
            found.append(Complaint(Fault.BEGINS, number, "{first_name}"))
    used = {part.name for part in parts(text) if isinstance(part, Slot)}
    return found + [
        Complaint(Fault.MISSING, 0, f"{{{name}}}") for name in obligatory if name not in used
    ]


def parts(text: str) -> Iterator[str | Slot]:
    """Cut a text into what stays and what is filled, in order."""
    end = 0
    for found in _SLOT.finditer(text):
        if found.start() > end:
            yield text[end : found.start()]
        yield Slot(found[2], found[1])
        end = found.end()
    if end < len(text):
        yield text[end:]


def fill(text: str, values: Mapping[str, str], *, as_html: bool = False) -> str:
    """Put values in, once: what looks like a placeholder within a value stays as it is.

    KeyError: the text leaves something open that ``values`` does not have.
    """
    escape = html.escape if as_html else str
    return "".join(
        part if isinstance(part, str) else part.filled(escape(one_line(values[part.name])))
        for part in parts(text)
    )


def one_line(value: str) -> str:
    """Make a value safe for a header and a line: no break, no mark that turns the direction."""
    if value.isprintable():
        return value.strip()
    return _TURNS.sub("", _BREAKS.sub(" ", value)).strip()


def _say(complaint: Complaint) -> str:
    match complaint.fault:
        case Fault.UNKNOWN:
            text = _("Line %(line)s: %(what)s is not known. You may use %(known)s.")
        case Fault.UNCLOSED:
            text = _("Line %(line)s: a brace has no partner in “%(what)s”.")
        case Fault.MISSING:
            text = _("%(what)s is missing.")
        case Fault.LONG:
            text = _("Line %(line)s is longer than %(longest)s characters: make paragraphs of it.")
        case Fault.BEGINS:
            text = _("Line %(line)s begins with %(what)s, which not everybody gave.")
    known = ", ".join(f"{{{name}}}" for name in WRITTEN)
    about = {"line": complaint.line, "what": complaint.what}
    return text % (about | {"known": known, "longest": LONGEST_LINE})
