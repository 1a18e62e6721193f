"""Prints the link that opens the first-run guide, while it is open."""

from argparse import ArgumentParser
from typing import Any
from urllib.parse import urlencode

from django.core.management.base import BaseCommand

from chaland.hub.association import selectors, services


class Command(BaseCommand):
    help = "Print the link of the first-run guide; nothing once an association is set up."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--site", default="http://localhost:8000")

    def handle(self, *_args: str, **options: Any) -> None:
        if selectors.is_set_up():
            return
        query = urlencode({"code": services.setup_token()})
        self.stdout.write(
            "This installation is empty. Set it up at:\n"
            f"    {options['site'].rstrip('/')}/start/?{query}\n"
            f"Set-up code: {services.setup_token()} (keep it to yourself until you are done)"
        )
