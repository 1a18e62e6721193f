"""``python -m chaland.demo live|older …``: the demo's processes beside the web server."""

import sys

import django

django.setup()
from chaland.demo import live, older  # noqa: E402  # models can be imported from here on

try:
    if sys.argv[1] == "live":
        live.main(*sys.argv[2:])
    else:
        older.main(*sys.argv[2:])
except KeyboardInterrupt:
    sys.exit(130)  # the demo ends; what is stored goes on from there next time
