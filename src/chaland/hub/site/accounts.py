"""How allauth works here: staff come by invitation only."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class StaffAccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    """Closes open sign-up: accounts are made by the first-run guide and by invitations."""

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        return False
