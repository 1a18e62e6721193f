"""Members, from a till of others: looked up (masked, counted, on record), enrolled, their balances.

No answer that is kept holds a name or a contact: it would outlive the member's erasure.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chaland.hub.association.models import Shop
from chaland.hub.common import clock
from chaland.hub.loyalty.answers import Answer
from chaland.hub.loyalty.connect.fields import Reader, few, place
from chaland.hub.loyalty.connect.keys import Caller
from chaland.hub.loyalty.connect.people import handle, handles
from chaland.hub.loyalty.connect.problems import Fault, ProblemErrorFinal
from chaland.hub.loyalty.consent import wordings
from chaland.hub.loyalty.consent.rules import ConsentErrorFinal
from chaland.hub.loyalty.consent.services import Decision
from chaland.hub.loyalty.members import lookups
from chaland.hub.loyalty.members.lookups import Asker
from chaland.hub.loyalty.members.references import How
from chaland.hub.loyalty.members.rules import (
    Found,
    KnownErrorFinal,
    LookupQuotaErrorFinal,
    MemberErrorFinal,
    PossibleDuplicatesErrorFinal,
)
from chaland.hub.loyalty.members.services import Enrolment, enrol
from chaland.hub.loyalty.models import THE_ASSOCIATION, Wording

_FIND = frozenset(("phone", "email", "name", "typo", "card", "digits", "birth_month"))
_ENROL = frozenset(
    (
        *("first_name", "last_name", "phone", "email", "birth_day", "birth_month", "over_15"),
        *("language", "consents", "despite_duplicates"),
    )
)
CONSENTS_AT_MOST = 20


def asker_of(who: Caller) -> Asker:
    """Return who looks up, for quota and record."""
    return Asker(who.association_id, who.shop_id, who.actor)


def find(given: object, who: Caller) -> dict[str, Any]:
    """Look members up by exactly one thing. Raises ProblemErrorFinal."""
    faults: list[Fault] = []
    read = Reader(given, "", faults)
    read.only(_FIND)
    texts = {
        name: read.text(name, 254) for name in ("phone", "email", "name", "typo", "card", "digits")
    }
    month = read.whole("birth_month", 1, 12, None)
    asked = [name for name, text in texts.items() if text]
    if not faults and len(asked) != 1:
        read.fault("body", "must hold one of phone, email, name, typo, card, or digits")
    if not faults and (asked == ["digits"]) != (month is not None):
        read.fault("birth_month", "goes with digits, and digits with it")
    if faults:
        raise ProblemErrorFinal("invalid", faults=few(faults))
    asker, text = asker_of(who), texts[asked[0]]
    by: dict[str, Callable[[], lookups.Answer]] = {
        "phone": lambda: lookups.by_phone(asker, text),
        "email": lambda: lookups.by_email(asker, text),
        "name": lambda: lookups.by_name(asker, text),
        "typo": lambda: lookups.by_typo(asker, text),
        "card": lambda: lookups.by_card(asker, text),
        "digits": lambda: lookups.by_digits(asker, text, month or 0),
    }
    try:
        answer = by[asked[0]]()
    except MemberErrorFinal as error:
        raise _problem(error) from None
    how = How.CARD if asked == ["card"] else How.CONTACT
    if asked[0] in ("name", "typo"):
        how = How.NAME
    return {"found": _shown(answer.found, who, how), "more": answer.more or answer.alike > 0}


def _shown(found: Sequence[Found], who: Caller, how: How) -> list[dict[str, Any]]:
    given = handles([each.member_id for each in found], who.shop_id, how)
    return [
        {
            "member": given[each.member_id],
            "name": each.name,
            "hint": each.hint,
            "own": each.own,
        }
        for each in found
        if each.member_id in given  # else erased in this moment
    ]


def _problem(error: MemberErrorFinal) -> ProblemErrorFinal:
    """Return what is said of a refusal of the register; its texts hold nothing that was typed."""
    if isinstance(error, LookupQuotaErrorFinal):
        return ProblemErrorFinal("too-many", str(error))
    if isinstance(error, KnownErrorFinal | PossibleDuplicatesErrorFinal):
        return ProblemErrorFinal("duplicate", str(error))
    return ProblemErrorFinal("invalid", faults=(Fault(error.field or "body", str(error)),))


def enrolment_of(given: object, who: Caller) -> tuple[Enrolment, bool]:
    """Return who joins, and whether despite doubles. Raises ProblemErrorFinal."""
    faults: list[Fault] = []
    read = Reader(given, "", faults)
    read.only(_ENROL)
    language = read.text("language", 2) or "fr"
    if language not in wordings.LANGUAGES:
        read.fault("language", "must be fr or en")
    despite = read.flag("despite_duplicates")
    enrolment = Enrolment(
        association_id=who.association_id,
        shop_id=who.shop_id,
        actor=who.actor,
        occurred_at=clock.now(),
        first_name=read.text("first_name", 60),
        last_name=read.text("last_name", 60),
        phone=read.text("phone", 32),
        email=read.text("email", 254),
        birth_day=read.whole("birth_day", 1, 31, None),
        birth_month=read.whole("birth_month", 1, 12, None),
        over_15=read.flag("over_15"),
        language=language,
        decisions=_decisions(read, who, faults),
    )
    if faults:
        raise ProblemErrorFinal("invalid", faults=few(faults))
    return enrolment, despite


def _decisions(read: Reader, who: Caller, faults: list[Fault]) -> list[Decision]:
    """Return the boxes that were ticked: each by the text that was shown, for us or the town."""
    entries = read.objects("consents", CONSENTS_AT_MOST)
    boxes = [Reader(each, place("consents", n), faults) for n, each in enumerate(entries)]
    for box in boxes:
        box.only(frozenset(("wording", "controller")))
    shown = [(box.required_whole("wording", 1, 2**53), box) for box in boxes]
    known = Wording.objects.filter(
        association_id=who.association_id, imported_shop_id=None
    ).in_bulk([number for number, _box in shown])
    decisions = []
    for number, box in shown:
        controller = box.text("controller", 12, required=True)
        if controller not in ("", "shop", "association"):
            box.fault("controller", "must be shop or association")
        text = known.get(number)
        if text is None:
            box.fault("wording", "is no text of this association")
            continue
        by = who.shop_id if controller == "shop" else THE_ASSOCIATION
        decisions.append(Decision(by, text.purpose, text.channel, True, number))
    return decisions


class Joining:
    """An enrolment on its way."""

    def __init__(self, given: object, who: Caller) -> None:
        self.who = who
        self.enrolment, self.despite = enrolment_of(given, who)

    def write(self) -> Answer:
        """Enrol. Raises ProblemErrorFinal: a double, or a field that is wrong."""
        try:
            member = enrol(self.enrolment, despite_duplicates=self.despite)
        except MemberErrorFinal as error:
            raise _problem(error) from None
        except ConsentErrorFinal as error:
            raise ProblemErrorFinal("invalid", faults=(Fault("consents", str(error)),)) from None
        return Answer(201, {"member_id": member.pk})

    def shown(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is said of an enrolment: the handle, which is never kept."""
        return {"member": handle(answer["member_id"], self.who.shop_id)}


def texts(language: str, who: Caller) -> dict[str, Any]:
    """Return what must be on the screen where somebody joins: the boxes, and the two texts."""
    shop = Shop.objects.select_related("association").get(pk=who.shop_id)
    return {
        "contact_notice": wordings.contact_notice(language),
        "over_15": wordings.over_15_text(language),
        "consents": [
            {
                "wording": wording.pk,
                "purpose": wording.purpose,
                "channel": wording.channel,
                "text_shop": wordings.text_for(wording, shop.name),
                "text_association": wordings.text_for(wording, shop.association.name),
            }
            for wording in wordings.current(who.association_id, language)
        ],
    }
