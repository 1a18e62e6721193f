"""Numbers and addresses: brought to one form, sealed by their column, found by a blind index.

The index is HMAC-SHA-256 under the first of CHALAND_INDEX_KEY, cut to 128 bits, apart by kind and
by association: equal contacts meet within a town and nowhere else, and a stolen table tells nothing
to who hasn't the key.
"""

import hmac
import re

import phonenumbers
from django.conf import settings
from django.utils.translation import gettext as _

from chaland.hub.loyalty.members.rules import MemberErrorFinal

REGION = "FR"
_FRANCE = 33
_EMAIL_AT_MOST = 254
_LOCAL = re.compile(r"[^\s@<>()\[\]\\,;:\"]{1,64}")


def phone_of(text: str) -> str:
    """Return a number as E.164, read as in France where it says no country.

    MemberErrorFinal (field ``phone``) where no such number exists.
    """
    try:
        number = phonenumbers.parse(text, REGION)
        valid = phonenumbers.is_valid_number(number) or _is_french(number)
    except phonenumbers.NumberParseException:
        valid = False
    if not valid:
        raise MemberErrorFinal(
            "phone", _("This is no telephone number: check its digits (06 12 34 56 78)."), "phone"
        )
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _is_french(number: phonenumbers.PhoneNumber) -> bool:
    """Accept any nine digits in France: ranges that the library doesn't know yet, and those kept
    free for stories (06 39 98 …), which the demo uses."""
    return bool(number.country_code == _FRANCE and 10**8 <= (number.national_number or 0) < 10**9)


def email_of(text: str) -> str:
    """Return an address in small letters, its domain as the network writes it (IDNA).

    MemberErrorFinal (field ``email``) where it is none.
    """
    local, _at, domain = text.strip().rpartition("@")
    try:
        network = domain.encode("idna").decode().lower()
    except UnicodeError:
        network = ""
    address = f"{local.lower()}@{network}"
    if not _LOCAL.fullmatch(local) or "." not in network.strip(".") or not _is_domain(network):
        address = ""
    if not address or len(address) > _EMAIL_AT_MOST:
        raise MemberErrorFinal(
            "email", _("This is no e-mail address: check it (name@example.fr)."), "email"
        )
    return address


def _is_domain(text: str) -> bool:
    label = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
    return re.fullmatch(rf"(?:{label}\.)+{label}", text) is not None


def blind(kind: str, association_id: int, value: str) -> bytes:
    """Return the 16 bytes under which a value is found."""
    return _blind(settings.INDEX_KEYS[0], kind, association_id, value)


def blinds(kind: str, association_id: int, value: str) -> list[bytes]:
    """Return a value's index under each key, the first key's first: what older ones left."""
    return [_blind(key, kind, association_id, value) for key in settings.INDEX_KEYS]


def _blind(key: bytes, kind: str, association_id: int, value: str) -> bytes:
    told = f"chaland {kind} {association_id} {value}"
    return hmac.digest(key, told.encode(), "sha256")[:16]


def digits_index(association_id: int, last_four: str, birth_month: int) -> bytes:
    """Return the index of a number's last four digits and a month of birth."""
    return blind("digits", association_id, f"{last_four} {birth_month}")
