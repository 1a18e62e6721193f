"""The assessment's table of risks: what could happen, what stands against it, what remains."""

from django.utils.translation import gettext as _

from chaland.hub.footfall import keeping, rules
from chaland.hub.footfall.papers.document import Paragraph, Section, number, table
from chaland.wire.mechanism import Mechanism


def section(mechanism: Mechanism) -> Section:
    """Return the table, with what remains rated on the CNIL's four levels."""
    rows = [*_towards_outsiders(mechanism), *_from_inside(mechanism)]
    head = (_("Risk"), _("What stands against it"), _("What remains"))
    return Section(
        "risks",
        _("Risks"),
        (
            Paragraph(
                _(
                    "Rated as the CNIL does: negligible, limited, significant, maximal. The person"
                    " responsible confirms each rating."
                )
            ),
            table(_("Risks, and what remains of them"), head, rows),
        ),
    )


def _towards_outsiders(mechanism: Mechanism) -> list[tuple[str, str, str]]:
    negligible, limited = _("negligible"), _("limited")
    return [
        (
            _("Somebody recognises a passer-by in published figures"),
            _(
                "Noise before anything leaves the sensor; a figure asked for again is the same"
                " figure; hours below %(visits)s visits are not shown."
            )
            % {"visits": number(rules.VISITS_SHOWN_MIN)},
            negligible,
        ),
        (
            _("A small shop, a quiet hour: two tables are subtracted from each other"),
            _(
                "Every count carries the same noise, however few people came: a difference tells no"
                " more than the blurred counts themselves."
            ),
            negligible,
        ),
        (
            _("Somebody with the day’s key asks whether a known phone was in a shop"),
            _(
                "Every answer of the day’s list may be untrue (ε = %(epsilon)s); the list is gone"
                " after %(hours)d hours; the key never reaches the hub."
            )
            % {
                "epsilon": number(mechanism.sketch.epsilon),
                "hours": int(keeping.SKETCHES.total_seconds() // 3600),
            },
            limited,
        ),
        (
            _("A person is followed over days or shops"),
            _(
                "Codes differ between shops and end with the visit; keys are random and end with"
                " the day; no list can be compared with another day’s."
            ),
            negligible,
        ),
        (
            _("A phone changes its address: it counts more than once, and objects only once"),
            _(
                "Stated on the notice and the public page, with the loss in numbers; it can object"
                " again at any time."
            ),
            limited,
        ),
        (
            _("Somebody fills the objection list to blind the town"),
            _(
                "%(bits)d new bits a window and sensor at most, an end after %(days)d days, an"
                " alarm at %(share)s %% of the list."
            )
            % {
                "bits": mechanism.objection.new_in_a_window,
                "days": keeping.OBJECTIONS.days,
                "share": number(100 * keeping.OBJECTIONS_ALARM_SHARE),
            },
            negligible,
        ),
    ]


def _from_inside(mechanism: Mechanism) -> list[tuple[str, str, str]]:
    negligible, limited = _("negligible"), _("limited")
    years = keeping.MEASUREMENT_AT_MOST.days // 365
    return [
        (
            _("The purpose grows silently: other uses, no end"),
            _(
                "Purpose, end (%(years)d years at most), words of the notice and mechanism are in a"
                " charter signed with a key that is not on the hub; sensors refuse another one."
            )
            % {"years": years},
            negligible,
        ),
        (
            _("A sensor is modified, and logs what it hears"),
            _(
                "Only sensors that the charter lists are heard; open software and a public audit;"
                " the box stands in a shop that agreed. A modified box can’t be excluded."
            ),
            limited,
        ),
        (
            _("A sensor is stolen, or taken over while it runs"),
            _(
                "Addresses, codes and keys are in memory only, keys in locked pages without a"
                " dump; the disk holds blurred counts. Who controls a running box sees who is"
                " present: for %(minutes)d minutes back."
            )
            % {"minutes": mechanism.linger_s // 60},
            limited,
        ),
        (
            _("The hub’s operator, or an intruder there, wants more than the figures"),
            _(
                "It gets blurred data only, relays keys that it can’t open, and can neither sign a"
                " charter nor add a sensor."
            ),
            negligible,
        ),
        (
            _("People do not know that they are counted"),
            _(
                "No sensor listens without a recorded agreement and a notice on the wall; the"
                " public page names every shop with a sensor."
            ),
            negligible,
        ),
    ]
