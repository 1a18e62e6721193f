"""F13 inside the hub: what each plane's process has, and what lies in each database.

Run in a process of the hub (``Town.inside``); arguments and results are JSON.
"""

import os
import pkgutil
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connections
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

Json = dict[str, Any]

PAGES = {
    "footfall": ["/flows/", "/privacy/", "/sensors/", "/measurement/", "/now/"],
    "loyalty": ["/loyalty/", "/members/", "/receipts/", "/till/", "/programmes/", "/me/"],
}
"""Addresses of each plane; of a plane that is not served none may be there."""


def holdings() -> Json:
    """Return each database's place, its tables with their columns and foreign keys on the disk."""
    return {alias: {"place": _place(alias), "tables": _tables(alias)} for alias in connections}


def _place(alias: str) -> str:
    config = settings.DATABASES[alias]
    return f"{config.get('HOST', '')}:{config['NAME']}"


def _tables(alias: str) -> Json:
    connection = connections[alias]
    ask = connection.introspection
    with connection.cursor() as cursor:
        return {
            table: {
                "columns": [c.name for c in ask.get_table_description(cursor, table)],
                "keys": {
                    column: target
                    for column, (_, target) in ask.get_relations(cursor, table).items()
                },
            }
            for table in ask.table_names(cursor)
        }


def relations() -> Json:
    """Walk all models: return each relation as (model's app, field, related model's app)."""
    found = []
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.get_fields(include_hidden=True):
            related = field.related_model
            if field.is_relation and related is not None and not isinstance(related, str):
                here, there = model._meta.app_label, related._meta.app_label
                found.append([here, f"{model.__name__}.{field.name}", there])
    return {"relations": found}


def process(plane: str, other: str) -> Json:
    """Load every module of the one plane that this process serves; return what came with it."""
    package = import_module(f"chaland.hub.{plane}")
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        import_module(module.name)
    client = Client(SERVER_NAME="localhost")
    client.get("/healthz")
    return {
        "modules": [name for name in sys.modules if name.startswith(f"chaland.hub.{other}.")],
        "apps": [config.label for config in apps.get_app_configs()],
        "databases": list(settings.DATABASES),
        "keys": [name for name in ("CONTACT_KEYS", "INDEX_KEYS") if hasattr(settings, name)],
        "open": _open_files(),
        "routes": _routes(get_resolver().url_patterns, f"chaland.hub.{other}."),
        "answers": {path: client.get(path).status_code for path in PAGES[other]},
    }


def _open_files() -> list[str]:
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the one that lists them
            found.add(Path(os.readlink(descriptor)).name)
    return sorted(name for name in found if "sqlite3" in name)


def _routes(patterns: list[URLPattern | URLResolver], module: str) -> list[str]:
    """Return the addresses that a view of a module answers."""
    found = []
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            found += _routes(pattern.url_patterns, module)
        elif getattr(pattern.callback, "__module__", "").startswith(module):
            found.append(str(pattern.pattern))
    return found
