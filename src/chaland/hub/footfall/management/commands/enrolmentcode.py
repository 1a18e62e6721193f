"""``chaland hub manage enrolmentcode --shop SLUG``: a code for one box, without the pages."""

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chaland.hub.association.models import Shop
from chaland.hub.common import clock
from chaland.hub.footfall.services.enrolment import CODE_LIVES, create_enrolment_code


class Command(BaseCommand):
    help = "Print a one-time code that makes one box a sensor of the shop."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--shop", required=True, help="The shop's short name (slug).")
        parser.add_argument("--label", default="", help="Where the box stands: 'window', say.")

    def handle(self, *_args: object, **options: str) -> None:
        shops = list(Shop.objects.filter(slug=options["shop"]))
        if len(shops) != 1:
            known = ", ".join(Shop.objects.values_list("slug", flat=True)[:40])
            found = "Several shops have" if shops else "No shop has"
            raise CommandError(f"{found} the short name {options['shop']!r}; there are: {known}")
        code = create_enrolment_code(shops[0].pk, options["label"], clock.now())
        hours = CODE_LIVES.total_seconds() // 3600
        self.stdout.write(code)
        self.stderr.write(f"Good for one box of {shops[0].name}, for {hours:.0f} hours.")
