"""How allauth works here: staff come by invitation only."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import LoginForm
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


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
