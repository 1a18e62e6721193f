"""What is promised and what is not, in numbers and words: one source for page and assessment.

Every number is computed from the mechanism in use. Texts are in the active language.
"""

from fractions import Fraction
from math import exp

from django.utils.translation import gettext as _

from chaland.hub.footfall import keeping
from chaland.hub.footfall.papers.document import Points, Table, number, table
from chaland.wire import losses
from chaland.wire.losses import Case
from chaland.wire.mechanism import Mechanism
from chaland.wire.periods import CELL_S, DAY_STARTS_AT, WINDOW_S
from chaland.wire.summary import Mode


def rows_table(mechanism: Mechanism) -> Table:
    """Return what leaves a sensor, row by row, with the most that one unit changes, and epsilon."""
    counts = mechanism.counts[Mode.DEFAULT]
    presence = [counts[name] for name in ("fingerprints", "scans")]
    presence_epsilon = sum((Fraction(each.epsilon) for each in presence), Fraction())
    flow = Fraction(counts["arrivals"].epsilon) + 2 * Fraction(mechanism.flood.epsilon)
    quarter = _("every %(minutes)d minutes") % {"minutes": CELL_S // 60}
    daily = _("once a day")
    visit = _("a visit")
    rows = [
        (
            _("E1: signals heard inside, from which people present are estimated"),
            quarter,
            _("an address in the quarter of an hour"),
            " + ".join(number(each.bound) for each in presence),
            number(presence_epsilon),
        ),
        (
            _("E2, E3: who comes in, who passes by"),
            quarter,
            visit,
            number(counts["arrivals"].bound),
            number(flow),
        ),
        (
            _("E4: how long visits last"),
            daily,
            visit,
            number(mechanism.dwell.bound),
            number(mechanism.dwell.epsilon),
        ),
        (
            _("E5: the day’s blurred list, from which ways between shops are estimated"),
            daily,
            _("an address in the day, however often it comes"),
            _("one place"),
            number(mechanism.sketch.epsilon),
        ),
    ]
    head = (_("What is sent"), _("How often"), _("One of these"), _("moves it by"), "ε")
    return table(_("All that leaves a sensor"), head, rows, numbers=2)


def losses_table(mechanism: Mechanism) -> Table:
    """Return what phones of several habits lose in a day, at the worst."""
    words = _case_words(mechanism)
    rows = [(words[loss.case], number(loss.epsilon)) for loss in losses.daily(mechanism)]
    return table(
        _("What one phone loses in a day, at the worst"), (_("Whose phone"), "ε"), rows, numbers=1
    )


def _case_words(mechanism: Mechanism) -> dict[Case, str]:
    minutes = {
        "window": WINDOW_S // 60,
        "silent": mechanism.linger_s // 60,
        "shops": losses.SHOPS_OF_A_SHOPPER,
        "scans": number(losses.MEDIAN_SCANS_A_MINUTE),
    }
    return {
        Case.WINDOW: _("It looks for networks in one window of %(window)d minutes") % minutes,
        Case.VISIT: _("One visit, however long: the arrival and how long it lasted"),
        Case.SKETCH: _("The day’s blurred list of one shop, however many visits"),
        Case.HALF_HOUR: _("Half an hour in one shop, all in all"),
        Case.SHOPPER: _("A shopper in %(shops)d shops, half an hour in each") % minutes,
        Case.ROTATING: _(
            "The same shopper, whose phone changes its address with each search (%(scans)s a"
            " minute)"
        )
        % minutes,
        Case.ALL_DAY: _("A phone that stays in a shop all day and never stops searching"),
        Case.RETURNING: _(
            "A device that goes silent for %(silent)d minutes and comes back, all day: the most"
            " that is possible"
        )
        % minutes,
    }


def meaning(mechanism: Mechanism) -> list[str]:
    """Return what epsilon means, in sentences for everybody."""
    epsilon = float(mechanism.sketch.epsilon)
    visit = float(mechanism.visit_loss)
    lies = round(100 / (1 + exp(epsilon)))
    return [
        _(
            "ε (epsilon) says how much anybody can learn at most. Whatever a sensor sends would be"
            " almost as likely without you: at most e^ε times less. For one visit ε is %(visit)s,"
            " so at most %(factor)s times: too little to prove that somebody was there."
        )
        % {"visit": number(visit), "factor": number(exp(visit), 2)},
        _(
            "The day’s blurred list works like a survey in which everybody tosses a coin in secret"
            " before answering: %(lies)d of 100 answers are untrue on purpose. A “yes” at one place"
            " proves no visit, even to somebody who holds every key; only sums over many people"
            " mean something."
        )
        % {"lies": lies},
        _(
            "Losses add up: over visits, shops and days. Where ε is large the bound alone promises"
            " little. That is so for a device that stays and sends all day, as a shop’s own"
            " terminal does, and it is said here because it is so."
        ),
    ]


def formal_claim(mechanism: Mechanism) -> str:
    """Return the claim that the proofs and the audit are about."""
    return _(
        "For one radio address, everything that is sent about one shop and one day is"
        " ε-differentially private against any attacker, all keys included, where ε is the sum"
        " over what the address touches: %(window)s for each window of %(minutes)d minutes in which"
        " it probes inside the shop, %(visit)s for each visit, %(sketch)s for the day’s list. Over"
        " several shops and days the sums add up. The visit’s part holds except with a probability"
        " below 10⁻¹²: so seldom a test misses that the sensor’s table was full."
    ) % {
        "window": number(losses.window(mechanism)),
        "minutes": WINDOW_S // 60,
        "visit": number(mechanism.visit_loss),
        "sketch": number(mechanism.sketch.epsilon),
    }


def honest_limits(mechanism: Mechanism) -> Points:
    """Return what is not promised."""
    return Points(
        (
            _(
                "A sensor that somebody has modified could write down what it hears. No mechanism"
                " can exclude it; open software, receive-only operation and the audit make it"
                " visible."
            ),
            _(
                "Whoever takes full control of a running sensor sees the phones that are present at"
                " that moment."
            ),
            _(
                "The unit of the promise is an address or a visit, not a person. A phone that"
                " changes its address counts more than once, and loses more than once."
            ),
            _(
                "While the sensor’s table lives, what is in it is personal data. That is why there"
                " is a notice, an objection and an impact assessment."
            ),
            _(
                "Whether merely receiving such signals falls under article 5(3) of the ePrivacy"
                " directive is unsettled law."
            ),
            _(
                "The objection list is outside the mathematical promise, because it is asked for."
                " Each of its %(bits)s bits stands for 2³² addresses, so it is no register of"
                " people, and a few others are left out along with you."
            )
            % {"bits": number(mechanism.objection.bits, 9)},
            _(
                "A phone that changes its address is not left out for good: the objection holds for"
                " the address that asked."
            ),
        )
    )


def kept_table(mechanism: Mechanism) -> Table:
    """Return where everything is kept, and for how long; times from the code that obeys them."""
    memory = _("sensor, in memory only")
    hours = int(keeping.SKETCHES.total_seconds() // 3600)
    ends = _("until the sensor’s day ends, at %(time)s") % {"time": f"{DAY_STARTS_AT:%H:%M}"}
    rows = [
        (_("Address of a received signal"), memory, _("one second at most")),
        (
            _("Code that stands for it, for people present"),
            memory,
            _("%(minutes)d minutes at most") % {"minutes": WINDOW_S // 60},
        ),
        (
            _("Code that stands for it, for a visit"),
            memory,
            _("the visit and %(minutes)d minutes; the visit’s times %(hours)s hours at most")
            % {
                "minutes": mechanism.linger_s // 60,
                "hours": number(Fraction(mechanism.stay_at_most_s, 3600)),
            },
        ),
        (_("The day’s key of the town, and the blurred list"), memory, ends),
        (
            _("The blurred list, as sent"),
            _("hub"),
            _("%(hours)d hours after the end of its day at most") % {"hours": hours},
        ),
        (
            _("Blurred counts, and figures made of them"),
            _("sensor until sent; hub"),
            _("as long as the association needs them: they are about shops, not about people"),
        ),
        (
            _("Bits of the objection list"),
            _("hub, sensors"),
            _("%(days)d days after they were last asked for") % {"days": keeping.OBJECTIONS.days},
        ),
    ]
    return table(_("What is kept, and for how long"), (_("What"), _("Where"), _("How long")), rows)
