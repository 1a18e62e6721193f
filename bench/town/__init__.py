"""A town in a fresh hub, for benchmarks of figures and of visits."""

import os
import tempfile
from importlib import import_module

import django


def in_a_fresh_hub(module: str) -> str:
    """Set Django up on a folder of its own, and return what the module's ``measure()`` says.

    The module is imported by its name: models can be imported only once Django is set up.
    """
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CHALAND_STATE_DIR"] = folder
        os.environ["CHALAND_LOG_LEVEL"] = "ERROR"
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chaland.hub.site.settings")
        django.setup()
        measured: str = import_module(module).measure()
    return measured
