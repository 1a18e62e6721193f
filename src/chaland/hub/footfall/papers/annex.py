"""The assessment's annex: the mechanism in use, member by member, and its digest."""

from collections.abc import Iterator, Mapping

from django.utils.translation import gettext as _

from chaland.hub.footfall.papers.document import Alarm, Block, Paragraph, Section, table
from chaland.wire import mechanism as wire
from chaland.wire.charter import Charter
from chaland.wire.mechanism import Mechanism


def section(mechanism: Mechanism, charter: Charter | None) -> Section:
    """Return the annex, with the digest, and whether the signed charter pins the same."""
    blocks: list[Block] = [
        Paragraph(
            _(
                "These members decide what is released. They are not typed here: they are read"
                " from the software that judges every message."
            )
        ),
        *mismatch(mechanism, charter),
        Paragraph(_("SHA-256 of the annex: %(digest)s") % {"digest": wire.annex_digest(mechanism)}),
        table(_("Mechanism"), (_("Member"), _("Value")), _members(wire.annex(mechanism))),
    ]
    return Section("annex", _("Annex: the mechanism in use"), tuple(blocks))


def mismatch(mechanism: Mechanism, charter: Charter | None) -> list[Alarm]:
    """Return an alarm where the signed charter pins another mechanism than this software's."""
    if charter is None or charter.annex_sha256 == wire.annex_digest(mechanism):
        return []
    return [
        Alarm(
            _(
                "The signed charter pins another mechanism (%(pinned)s) than the one in use. Until"
                " a new charter is signed, sensors that run this software do not listen, and the"
                " hub takes no message."
            )
            % {"pinned": charter.annex_sha256}
        )
    ]


def _members(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, member in value.items():
            yield from _members(member, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        yield name, ", ".join(str(member) for member in value)
    else:
        yield name, str(value)
