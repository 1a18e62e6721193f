"""An audit report's checks and attacks in the reader's language; what was found stays as written.

Titles are a closed list by identifier (``chaland.audit``); an unknown one keeps its own title.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

TONES = {"passed": "ok", "failed": "bad", "could-not-run": "warn"}


CHANCE = {"membership": 0.5}
"""What blind guessing gets right, where the question is yes or no."""


def check_rows(checks: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the checks with translated titles and results, and the badge's tone."""
    titles, results = _check_titles(), _results()
    return [
        {
            **check,
            "title": titles.get(check["id"], check["title"]),
            "word": results.get(check["result"], check["result"]),
            "tone": TONES.get(check["result"], "quiet"),
        }
        for check in checks
    ]


def attack_rows(attacks: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the attacks with translated titles, and what blind guessing would reach."""
    titles = _attack_titles()
    return [
        {
            **attack,
            "title": titles.get(attack["name"], attack["title"]),
            "chance": CHANCE.get(attack["name"]),
        }
        for attack in attacks
    ]


def _results() -> dict[str, str]:
    return {
        "passed": _("passed"),
        "failed": _("failed"),
        "could-not-run": _("could not run"),
        "not-asked": _("not asked for"),
        "later": _("comes later"),
    }


def _check_titles() -> dict[str, str]:
    return {
        "F1": _("No identifier leaves the sensor"),
        "F2": _("Addresses and codes are gone in time"),
        "F3": _("Keys are in memory only, for one day"),
        "F4": _("No day can be linked with another"),
        "F5": _("No code is shared between shops"),
        "F6": _("The privacy loss is as stated, for every output"),
        "F7": _("Small numbers are hidden, by subtraction too"),
        "F8": _("Noise can’t be averaged away"),
        "F9": _("Who objected, with Wi-Fi on, leaves no trace"),
        "F10": _("The objection list is no register of people"),
        "F11": _("Notice first, and off by default"),
        "F12": _("The sensor only receives"),
        "F13": _("Footfall and loyalty are apart"),
        "F14": _("Staff, residents and fixed devices don’t count"),
        "F15": _("The impact assessment matches the code"),
        "F16": _("The measurement has an end"),
    }


def _attack_titles() -> dict[str, str]:
    return {
        "brute-force": _("Trying all addresses"),
        "linkage-days": _("Recognising a phone on another day"),
        "linkage-shops": _("Recognising a phone in another shop"),
        "membership": _("Asking whether one phone was there, with the day’s key"),
    }
