"""The texts that members agree to, each in versions that never change, and the two beside them."""

import hashlib
from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from chaland.hub.common import clock
from chaland.hub.loyalty.consent.rules import ConsentErrorFinal
from chaland.hub.loyalty.models import Channel, Purpose, Wording

ASKED = (
    (Purpose.OFFERS, Channel.SMS),
    (Purpose.OFFERS, Channel.EMAIL),
    (Purpose.REMINDERS, Channel.SMS),
    (Purpose.REMINDERS, Channel.EMAIL),
    (Purpose.PORTRAIT, Channel.NONE),
)
"""Each purpose and channel is asked by a box of its own (L1)."""
LANGUAGES = ("fr", "en")
_ATTEMPTS = 5


def _first_text(purpose: str, channel: str) -> str:
    """Return the text with which an association begins, in the active language."""
    texts = {
        (Purpose.OFFERS, Channel.SMS): _(
            "I agree to receive offers and private sales of {controller} by SMS. "
            "I can stop at any time: by answering STOP, in my account, or in any shop."
        ),
        (Purpose.OFFERS, Channel.EMAIL): _(
            "I agree to receive offers and private sales of {controller} by e-mail. "
            "I can stop at any time: by the link in each message, in my account, or in any shop."
        ),
        (Purpose.REMINDERS, Channel.SMS): _(
            "I agree that {controller} reminds me of my points, stamps and birthday by SMS. "
            "I can stop at any time: by answering STOP, in my account, or in any shop."
        ),
        (Purpose.REMINDERS, Channel.EMAIL): _(
            "I agree that {controller} reminds me of my points, stamps and birthday by e-mail. "
            "I can stop at any time: by the link in each message, in my account, or in any shop."
        ),
        (Purpose.PORTRAIT, Channel.NONE): _(
            "I agree that {controller} chooses offers for me from my purchases. I can read in my "
            "account what is concluded from them, and stop at any time."
        ),
    }
    return texts[Purpose(purpose), Channel(channel)]


def current(association_id: int, language: str) -> list[Wording]:
    """Return the texts to ask by now, in the order of `ASKED`; an association's first are made."""
    language = language if language in LANGUAGES else LANGUAGES[0]
    newest = _newest(association_id, language)
    if len(newest) < len(ASKED):
        _make_first(association_id)
        newest = _newest(association_id, language)
    return [newest[asked] for asked in ASKED]


def digest_of(text: str) -> str:
    """Return SHA-256 (hex) of a text: what a consent commits to."""
    return hashlib.sha256(text.encode()).hexdigest()


def _newest(association_id: int, language: str) -> dict[tuple[str, str], Wording]:
    ours = Wording.objects.filter(
        association_id=association_id, language=language, imported_shop_id__isnull=True
    ).order_by("version")
    return {(w.purpose, w.channel): w for w in ours}


def _make_first(association_id: int) -> None:
    firsts = []
    for language in LANGUAGES:
        with override(language):
            firsts += [
                _wording(association_id, asked, language, 1, _first_text(*asked)) for asked in ASKED
            ]
    try:
        with transaction.atomic(using="loyalty"):
            Wording.objects.bulk_create(firsts)
    except IntegrityError:  # another process wrote the same at this moment
        return


def _wording(
    association_id: int, asked: tuple[str, str], language: str, version: int, text: str
) -> Wording:
    purpose, channel = asked
    return Wording(
        association_id=association_id,
        purpose=purpose,
        channel=channel,
        language=language,
        version=version,
        text=text,
        digest=digest_of(text),
        created_at=clock.now(),
    )


def revise(
    association_id: int,
    asked: tuple[str, str],
    language: str,
    text: str,
    *,
    imported_shop_id: int | None = None,
) -> Wording:
    """Add a version of a text for (purpose, channel), or find the shop's form that says just this.

    Consents given under older versions stay, and say which. ConsentErrorFinal where nothing is
    said, or where our own text doesn't name ``{controller}``.
    """
    text = " ".join(text.split())
    if not text or (imported_shop_id is None and "{controller}" not in text):
        raise ConsentErrorFinal("wording", _("The text must name {controller}: who writes to you."))
    for _attempt in range(_ATTEMPTS):
        alike = Wording.objects.filter(
            association_id=association_id, purpose=asked[0], channel=asked[1], language=language
        )
        known = alike.filter(text=text, imported_shop_id=imported_shop_id).last()
        if known is not None and imported_shop_id is not None:
            return known
        version = max(alike.values_list("version", flat=True), default=0) + 1
        made = _wording(association_id, asked, language, version, text)
        made.imported_shop_id = imported_shop_id
        try:
            with transaction.atomic(using="loyalty"):
                made.save()
        except IntegrityError:  # another took this number meanwhile
            continue
        return made
    raise ConsentErrorFinal("wording", "versions are being made at once; try again")


def text_for(wording: Wording, controller_name: str) -> str:
    """Return a text as it is shown: with the name of who will write."""
    return str(wording.text).replace("{controller}", controller_name)


def for_decisions(wording_ids: Iterable[int]) -> dict[int, Wording]:
    """Return texts by id, in one query."""
    return Wording.objects.in_bulk(set(wording_ids))


def contact_notice(language: str) -> str:
    """Say what a number or an address is for, where it is taken (L4)."""
    with override(language if language in LANGUAGES else LANGUAGES[0]):
        return _(
            "Your number or address finds your account at the till and opens it for you online. "
            "Nobody writes to you unless you tick a box below. You can see who looked you up, and "
            "leave, at any time."
        )


def over_15_text(language: str) -> str:
    """Return the declaration of age (L17)."""
    with override(language if language in LANGUAGES else LANGUAGES[0]):
        return _("I am 15 or older.")
