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
            _("E2, E3: how many come in, how many pass by"),
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
        (
            _("Objections: which numbers of the list of %(all)s were newly asked for")
            % {"all": number(mechanism.objection.bits, 9)},
            quarter,
            _("an address that objects"),
            _("one number in %(days)d days") % {"days": keeping.OBJECTIONS.days},
            _("no bound"),
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
    worst = {loss.case: loss.epsilon for loss in losses.daily(mechanism)}
    half_hour = worst[Case.HALF_HOUR]
    return [
        _(
            "ε (epsilon) bounds what anybody can learn of one phone from all that the sensors send."
            " Half an hour in one shop costs ε = %(epsilon)s at the worst: what is sent is then up"
            " to %(factor)s times as likely if you were there as if you were not. Whoever thought"
            " before that it was as likely as not could be %(even)s %% sure afterwards; whoever"
            " thought of one chance in a hundred, %(faint)s %%."
        )
        % {
            "epsilon": number(half_hour),
            "factor": number(exp(half_hour), 2),
            "even": number(100 * _belief(Fraction(1, 2), half_hour), 2),
            "faint": number(100 * _belief(Fraction(1, 100), half_hour), 2),
        },
        _(
            "That is the worst case: a phone that keeps one address and searches for networks all"
            " the time, and somebody who knows this address, holds every key and knows of"
            " everybody else who was there. For them it is no proof, but it can be a strong"
            " suspicion. Whoever has less learns less; the audit tries it, and says how far it"
            " gets."
        ),
        _(
            "It is made of: %(window)s for each window of %(minutes)d minutes in which the phone"
            " searches inside the shop (%(windows)d of them), %(visit)s for the visit, %(sketch)s"
            " for the day’s blurred list."
        )
        % {
            "window": number(worst[Case.WINDOW]),
            "minutes": WINDOW_S // 60,
            "windows": losses.WINDOWS_OF_HALF_AN_HOUR,
            "visit": number(worst[Case.VISIT]),
            "sketch": number(worst[Case.SKETCH]),
        },
        _(
            "The day’s blurred list works like a survey in which everybody tosses a coin in secret"
            " before answering: at least %(lies)d of 100 answers are untrue on purpose. So a “yes”"
            " at a phone’s place can always be denied; only sums over many people mean something."
        )
        % {"lies": lies_in_a_hundred(mechanism)},
        _(
            "Losses add up: over visits, shops and days. Where ε is large the bound alone promises"
            " little. That is so already for a shopper in %(shops)d shops (ε = %(shopper)s), and"
            " all the more for a device that stays and sends all day, as a shop’s own terminal"
            " does. It is said here because it is so."
        )
        % {"shops": losses.SHOPS_OF_A_SHOPPER, "shopper": number(worst[Case.SHOPPER])},
    ]


def lies_in_a_hundred(mechanism: Mechanism) -> int:
    """Return how many answers of 100 the blurred list's bits, the surer ones, give untruly."""
    return round(100 / (1 + exp(float(mechanism.sketch.epsilon))))


def _belief(before: Fraction, epsilon: Fraction) -> float:
    """Return the most that somebody believes afterwards: odds grow e^epsilon-fold (Bayes)."""
    odds = exp(epsilon) * float(before / (1 - before))
    return odds / (1 + odds)


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
            *_of_objections(mechanism),
            _(
                "A phone that changes its address is not left out for good: the objection holds for"
                " the address that asked."
            ),
        )
    )


def _of_objections(mechanism: Mechanism) -> tuple[str, ...]:
    """Return what an objection gives away: it is asked for, so no noise hides it."""
    return (
        _(
            "An objection lies outside the mathematical promise, because it is asked for. It is"
            " remembered for %(days)d days from when it was made, as one of %(numbers)s numbers."
            " Each number stands for 2³² addresses, so it is no register of people, and a few"
            " others are left out along with you."
        )
        % {"days": keeping.OBJECTIONS.days, "numbers": number(mechanism.objection.bits, 9)},
        _(
            "Whoever runs the hub and knows a phone’s address could work out its number, test"
            " whether that number is set, and see at which shop and in which quarter of an hour it"
            " was first told. Where few people object, that is a strong hint that the phone was"
            " there then. It is told once in %(days)d days, not at each visit."
        )
        % {"days": keeping.OBJECTIONS.days},
        _(
            "The hub relays the objection list, and nobody signs it. A hub that lies could withhold"
            " objections that were made in other shops, or invent some, which leave phones out"
            " until the day ends. It can’t let a phone in again within a day, to recognise it by"
            " that."
        ),
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
            _("sensor until the hub has it; hub"),
            _("%(hours)d hours after the end of its day at most, on both") % {"hours": hours},
        ),
        (
            _("Blurred counts, and figures made of them"),
            _("sensor until sent; hub"),
            _("as long as the association needs them: they are about shops, not about people"),
        ),
        (
            _("Numbers of the objection list"),
            _("hub, sensors"),
            _("%(days)d days after they were first asked for") % {"days": keeping.OBJECTIONS.days},
        ),
    ]
    return table(_("What is kept, and for how long"), (_("What"), _("Where"), _("How long")), rows)
