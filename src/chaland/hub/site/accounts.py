"""How allauth works here: staff come by invitation only."""

from typing import Any, NoReturn

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import LoginForm
from django.conf import settings
from django.http import Http404, HttpRequest
from django.utils.translation import gettext_lazy as _

CLOSED = (
    "signup/",
    "email/",
    "confirm-email/",
    "confirm-email/<path:key>/",
    "password/set/",
    "login/code/confirm/",
)
"""Pages of allauth that are none here: nobody makes an account, or takes another address, alone.

An address is what an invitation is for, and none is proved but by the invitation's link; so only
the administration changes one. Everyone had a password from the first day on.
"""


def not_here(_request: HttpRequest, **_parts: str) -> NoReturn:
    """Answer as where there is no page."""
    raise Http404


class StaffAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    """Closes open sign-up: accounts are made by the first-run guide and by invitations."""

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        return False


class SignInForm(LoginForm):  # type: ignore[misc]  # allauth is untyped
    """Sign-in in our words; no link to a reset by mail where no mail server is configured."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("E-mail address")
        for name in ("login", "password"):
            self.fields[name].widget.attrs.pop("placeholder", None)
        if not settings.EMAIL_CONFIGURED:
            self.fields["password"].help_text = _(
                "Forgotten? Ask whoever looks after the server for a new password."
            )
