"""The assessment's table of risks: what could happen, what stands against it, what remains."""

from fractions import Fraction
from math import ceil

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
        _filled(mechanism),
        (
            _(
                "A radio beside a shop objects in the name of each phone that it hears, and blinds"
                " the shop"
            ),
            _(
                "Nobody learns anything by it: whoever is objected for is not counted. Only"
                " %(day)d objections a day last; the others hold as long as the radio goes on, and"
                " are counted apart. Meanwhile the shop’s figures are too low."
            )
            % {"day": mechanism.objection.new_in_a_day},
            _("negligible for people, significant for the shop’s figures"),
        ),
    ]


def _filled(mechanism: Mechanism) -> tuple[str, str, str]:
    objection = mechanism.objection
    alarm = keeping.OBJECTIONS_ALARM_SHARE * objection.bits
    return (
        _("Somebody fills the objection list to blind the town"),
        _(
            "A sensor sets %(day)d new numbers a day at most, whatever is transmitted near it:"
            " %(share)s %% of the list, which leaves out as many phones by chance, and the figures"
            " are corrected for them. Each ends after %(days)d days. The director is warned at"
            " %(alarm)s %%: that takes %(sensor_days)d sensors for a day."
        )
        % {
            "day": objection.new_in_a_day,
            "share": number(Fraction(100 * objection.new_in_a_day, objection.bits), 2),
            "days": keeping.OBJECTIONS.days,
            "alarm": number(100 * keeping.OBJECTIONS_ALARM_SHARE),
            "sensor_days": ceil(alarm / objection.new_in_a_day),
        },
        _("negligible"),
    )


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
                "It gets blurred data and the numbers of objections only, relays keys that it can’t"
                " open, and can neither sign a charter nor add a sensor."
            ),
            negligible,
        ),
        (
            _("The hub’s operator tests whether a phone with a known address has objected"),
            _(
                "An objection is one of %(numbers)s numbers, each of 2³² addresses; it is told once"
                " in %(days)d days, with a quarter of an hour’s other ones. At which shop and in"
                " which quarter of an hour that was can’t be hidden from the hub. The notice and"
                " the public page say so."
            )
            % {"numbers": number(mechanism.objection.bits, 9), "days": keeping.OBJECTIONS.days},
            limited,
        ),
        (
            _("The hub lies about the objection list, which nobody signs"),
            _(
                "It could withhold objections made in other shops, or invent some for a day. A"
                " sensor heeds at once those made beside it, and lets nobody in again within a day:"
                " no phone can be marked by letting it in and out."
            ),
            limited,
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
