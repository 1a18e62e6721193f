"""The impact assessment (GDPR article 35): generated, so that it can't drift from the software.

It says what this hub does with this measurement, as the configuration and the code have it. The
association's data protection officer judges it; what only people can decide is marked as such.
"""

from collections.abc import Sequence
from dataclasses import asdict

from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from chaland.hub.common import printing
from chaland.hub.footfall import keeping, rules
from chaland.hub.footfall.models import Measurement
from chaland.hub.footfall.papers import annex, claims, risks
from chaland.hub.footfall.papers.document import (
    Alarm,
    Block,
    Document,
    Paragraph,
    Points,
    Section,
    number,
    paragraphs,
    table,
)
from chaland.wire.charter import Charter
from chaland.wire.mechanism import DEFAULT_MECHANISM, Mechanism
from chaland.wire.periods import CELL_S, WINDOW_S


def assessment(
    measurement: Measurement,
    shops: Sequence[str],
    charter: Charter | None,
    language: str,
    mechanism: Mechanism = DEFAULT_MECHANISM,
) -> Document:
    """Return the assessment in one language; ``shops`` are the names of those with a sensor."""
    with translation.override(language):
        return Document(
            language=language,
            title=_("Impact assessment of the footfall measurement"),
            version=_version(charter),
            lead=_(
                "Generated from the software and the configuration in use (GDPR, article 35). Every"
                " number in it is computed."
            ),
            sections=(
                _who(measurement, shops, charter, mechanism),
                _how(mechanism),
                _necessity(),
                _kept(mechanism),
                _legal(mechanism),
                _promise(mechanism),
                Section("limits", _("What is not promised"), (claims.honest_limits(mechanism),)),
                risks.section(mechanism),
                _rights(measurement),
                annex.section(mechanism, charter),
            ),
        )


def pdf(document: Document) -> bytes:
    """Return the document as PDF. The same document gives the same bytes."""
    words = {
        "digest": document.digest,
        "digest_label": "SHA-256",
        "language": document.language,
    }
    return printing.pdf(__package__, "assessment", asdict(document) | words)


def _version(charter: Charter | None) -> str:
    if charter is None:
        return _("Draft: no charter is signed yet")
    signed = date_format(charter.signed_on, "j F Y")
    return _("Version %(version)d, %(date)s") % {"version": charter.version, "date": signed}


def _who(
    measurement: Measurement, shops: Sequence[str], charter: Charter | None, mechanism: Mechanism
) -> Section:
    key = charter.fingerprint if charter else measurement.town_key or "–"
    facts = [
        (_("Responsible"), measurement.controller),
        (_("Contact for questions and rights"), measurement.contact),
        (_("Purpose"), measurement.purpose),
        (_("Until"), date_format(measurement.ends_on, "j F Y")),
        (_("Public page"), measurement.public_page),
        (_("Objection network"), measurement.objection_network),
        (_("Key of the town"), key),
        (_("Shops with a sensor"), ", ".join(shops) or _("none yet")),
    ]
    standing = [Alarm(_("No charter is signed: no sensor listens."))] if charter is None else []
    blocks: tuple[Block, ...] = (
        *annex.mismatch(mechanism, charter),
        *standing,
        table(_("The measurement"), (_("What"), _("As recorded")), facts),
    )
    return Section("who", _("What is measured, by whom, until when"), blocks)


def _how(mechanism: Mechanism) -> Section:
    steps = Points(
        (
            _(
                "A box in a shop receives the Wi-Fi signals that phones send by themselves. It"
                " sends nothing by radio. It reads the address, the strength, the time and the kind"
                " of signal; names of networks only to recognise the objection network."
            ),
            _(
                "The address is replaced in memory, within a second, by a keyed code that only this"
                " box and this day know."
            ),
            _(
                "Codes are counted: for people present over %(window)d minutes, for visits until"
                " %(linger)d minutes after the phone has left. Then they are overwritten."
            )
            % {"window": WINDOW_S // 60, "linger": mechanism.linger_s // 60},
            _(
                "Every %(minutes)d minutes the box sends four counts, blurred by random noise, and"
                " once a day how long visits lasted and the blurred list of the day. Besides, it"
                " says which numbers of the objection list were newly asked for, and passes on the"
                " day’s key, sealed for the other boxes. Nothing else about phones leaves it."
            )
            % {"minutes": CELL_S // 60},
            _(
                "The hub makes figures of the blurred counts and estimates ways between shops from"
                " the blurred lists. Fewer than %(visits)s visits an hour are not shown."
            )
            % {"visits": number(rules.VISITS_SHOWN_MIN)},
            _(
                "Who objects, with Wi-Fi on, is left out before anything is counted, in every shop"
                " of the town."
            ),
        )
    )
    return Section("how", _("How it works"), (steps,))


def _necessity() -> Section:
    texts = paragraphs(
        _(
            "The purpose needs sums: how many people, when, where, and how many go from one shop to"
            " another. It needs nobody’s identity, no route of one person and no return on another"
            " day. So none of these is collected: recognising people over days is not switched off,"
            " it does not exist in the software."
        ),
        _(
            "Door counters measure who comes in, but neither people present nor ways between"
            " shops; cameras would collect more. Surveys give no hours. Signals are therefore"
            " counted, in the least form that serves: a few bytes of each signal, minutes of"
            " memory, noise before anything leaves the box."
        ),
        _(
            "The measurement is off until a charter is signed: with the shops’ agreement, the"
            " notice on the wall and an end date. After that date sensors do not listen."
        ),
    )
    return Section("necessity", _("Why it is needed, and no more than that"), texts)


def _kept(mechanism: Mechanism) -> Section:
    deleted = Paragraph(
        _(
            "Deleted lists leave the hub’s database files, too: with SQLite at once and from its"
            " journal within minutes; with PostgreSQL they are kept out of the journal (WAL), and"
            " their space is emptied once no list is left. What back-ups, snapshots and replicas"
            " hold beyond that is in the hands of the hub’s operator, who leaves the lists’ tables"
            " out of them or deletes them within %(hours)d hours; of objections, they keep what the"
            " table above says is gone for as long as they are kept themselves."
        )
        % {"hours": int(keeping.SKETCHES.total_seconds() // 3600)}
    )
    blocks = (claims.kept_table(mechanism), deleted)
    return Section("kept", _("Data, and how long it is kept"), blocks)


def _legal(mechanism: Mechanism) -> Section:
    texts = paragraphs(
        _(
            "Basis: the association’s and its shops’ legitimate interest (GDPR, article 6(1)(f)) in"
            " knowing when and where the town centre lives. It is weighed against a few minutes in"
            " the memory of a box, prior information (article 13, the notice) and an objection that"
            " works at once (article 21). The person responsible confirms this weighing."
        ),
        _(
            "The CNIL’s note of 2018 on audience measurement knows three cases: anonymised within"
            " about five minutes; pseudonymised and destroyed within 24 hours, with information and"
            " prior objection; anything else by consent. Here codes for people present live"
            " %(window)d minutes. Codes of a visit live while the phone is there and %(linger)d"
            " minutes more: that is within the second case, whose conditions are met, and far below"
            " its limit. The blurred lists, which stand for nobody, are destroyed within 24 hours."
        )
        % {"window": WINDOW_S // 60, "linger": mechanism.linger_s // 60},
        _(
            "The Conseil d’État (8 February 2017, no. 393714) confirmed the CNIL’s refusal"
            " (2015-255) of an experiment at La Défense: hashed addresses kept for four weeks were"
            " no anonymous data, and recognising who comes back was its very purpose. Here no code"
            " outlives the visit by more than %(linger)d minutes, and returning visitors are not"
            " measured."
        )
        % {"linger": mechanism.linger_s // 60},
        _(
            "According to the CNIL, asking people to turn their Wi-Fi off is no valid objection."
            " Here one objects with Wi-Fi on. Whether merely receiving signals falls under article"
            " 5(3) of the ePrivacy directive is unsettled; the person responsible follows the"
            " CNIL’s position on it."
        ),
    )
    return Section("law", _("Legal basis, and what authorities have said"), texts)


def _promise(mechanism: Mechanism) -> Section:
    return Section(
        "promise",
        _("What is promised, in numbers"),
        (
            Paragraph(claims.formal_claim(mechanism)),
            claims.rows_table(mechanism),
            *paragraphs(*claims.meaning(mechanism)),
            claims.losses_table(mechanism),
        ),
    )


def _rights(measurement: Measurement) -> Section:
    texts = paragraphs(
        _(
            "Information: a notice in every shop with a sensor, and the public page. Objection: by"
            " joining or looking for the network “%(network)s”, or by the “forget” button, with"
            " Wi-Fi on and without giving a reason."
        )
        % {"network": measurement.objection_network},
        _(
            "Access and erasure: in the counts nobody can be found, even if that person told their"
            " address (GDPR, article 11). Of an objection there is one number, which the phone"
            " shares with others. Questions go to %(contact)s, complaints to the CNIL (cnil.fr)."
        )
        % {"contact": measurement.contact},
    )
    return Section("rights", _("Rights of the people concerned"), texts)
