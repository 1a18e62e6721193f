"""One database per plane: an app's label names its database; no relation may cross."""

from typing import Any

from django.db import models

PLANES = ("footfall", "loyalty")
"""App labels with a database of their own; everything else lives in the association's."""


def database_of(app_label: str) -> str:
    """Return the database alias that holds the tables of an app."""
    return app_label if app_label in PLANES else "default"


class PlaneRouter:
    """Sends each model to its plane's database."""

    def db_for_read(self, model: type[models.Model], **_hints: Any) -> str:
        return database_of(model._meta.app_label)

    def db_for_write(self, model: type[models.Model], **_hints: Any) -> str:
        return database_of(model._meta.app_label)

    def allow_relation(self, obj1: models.Model, obj2: models.Model, **_hints: Any) -> bool:
        return database_of(obj1._meta.app_label) == database_of(obj2._meta.app_label)

    def allow_migrate(self, db: str, app_label: str, **_hints: Any) -> bool:
        return db == database_of(app_label)
