"""Why what a programme was asked can't be done: a code for machines, a text for people."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REASONS: Mapping[str, Promise] = {
    "no-reward": _("There is no such reward here, or it is no longer given."),
    "no-member": _("There is no such member."),
    "paused": _("This membership is paused: the member can resume it in the member’s account."),
    "no-amount": _("Say which amount is to come off."),
    "no-hold": _("There is no such reservation at this shop."),
    "no-voucher": _("There is no such voucher here: check its code."),
    "voucher-used": _("This voucher was used already."),
    "voucher-lapsed": _("This voucher is out of date."),
    "voucher-voided": _("This voucher was taken back."),
}


class ProgrammeErrorFinal(Exception):
    """What was asked can't be done. ``code`` is a key of ``REASONS``; the text is translated."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    def __str__(self) -> str:
        return str(REASONS[self.code])
