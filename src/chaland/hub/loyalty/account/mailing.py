"""The way into a member's account by mail: a service message, with nothing else in it."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.translation import gettext as _
from django.utils.translation import override

from chaland.hub.loyalty.account.links import account_link
from chaland.hub.loyalty.models import Member

_log = logging.getLogger(__name__)


def possible(member: Member) -> bool:
    """Say whether this hub sends mail, and the member gave an address."""
    return bool(settings.EMAIL_CONFIGURED and member.email)


def send_link(member: Member, origin: str, actor: str) -> bool:
    """Mail a link that opens the account once; False where the mail server refuses."""
    with override(member.language):
        text = _(
            "Here is the way into your loyalty account, once, for a quarter of an hour:\n\n"
            "%(link)s\n\nYou have not asked for it at a shop? Then leave it be: nothing happens."
        )
        link = origin + account_link(member.pk, actor)
        mail = EmailMessage(_("Your loyalty account"), text % {"link": link}, to=[member.email])
    try:
        mail.send()
    except (SMTPException, OSError) as error:
        _log.warning("a mail with the way into an account was refused: %s", type(error).__name__)
        return False
    return True
