"""Makes a director's account from the console: for automation, or when nobody can sign in."""

from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction

from chaland.hub.association.models import Association, StaffRole, User


class Command(BaseCommand):
    help = "Make a director's account, and the association where it doesn't exist yet."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--association", default="", help="its name, where there are several")
        parser.add_argument("--town", default="", help="needed for a new association")
        parser.add_argument("--timezone", default="Europe/Paris")
        parser.add_argument("--superuser", action="store_true", help="may open the administration")
        parser.add_argument("--password", help="asked for where it is not given")

    @transaction.atomic
    def handle(self, *_args: str, **options: Any) -> None:
        email = options["email"].strip().lower()
        user = User.objects.filter(email=email).first() or self._new_user(email, options)
        if options["superuser"]:
            user.is_staff = user.is_superuser = True
            user.save(update_fields=["is_staff", "is_superuser"])
        association = self._association(options)
        StaffRole.objects.get_or_create(
            user=user, association=association, role=StaffRole.Role.DIRECTOR, shop=None
        )
        self.stdout.write(f"{email} is a director of {association.name}.")

    def _association(self, options: dict[str, Any]) -> Association:
        name = options["association"]
        known = list(Association.objects.order_by("name"))
        if not name and len(known) == 1:
            return known[0]
        found = next((association for association in known if association.name == name), None)
        if found is None and not (name and options["town"]):
            names = ", ".join(association.name for association in known) or "none yet"
            raise CommandError(
                f"Which association? There are: {names}. Give --association, and --town to make it."
            )
        return found or Association.objects.create(
            name=name, town=options["town"], timezone=options["timezone"]
        )

    def _new_user(self, email: str, options: dict[str, Any]) -> User:
        password = options["password"] or getpass("Password: ")
        try:
            validate_email(email)
            validate_password(password, User(email=email))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        return User.objects.create_user(email, password)
