"""``python -m chaland.demo URL SHOPS SEED SPEED FOUNDED``: the process of the live day."""

import sys

import django

django.setup()
from chaland.demo.live import main  # noqa: E402  # models can be imported from here on

main(*sys.argv[1:])
