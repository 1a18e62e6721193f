"""No relation crosses between planes, and no plane has tables in another one's database."""

import pytest
from django.apps import apps
from django.db import connections, models, router

from chaland.hub.site.routers import PLANES, PlaneRouter, database_of

MODELS = apps.get_models(include_auto_created=True)
PERSONAL = ("mac", "address", "phone", "token", "imsi", "bssid", "ssid", "visitor", "customer")
"""Words that name, or lead to, a person; a column of the footfall plane may hold none of them."""
EXCEPTIONS = {("DoorToken", "token_hash")}
"""A door counter's own key, hashed: a machine of the shop, nobody's phone."""


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m._meta.label)
def test_no_relation_crosses(model: type[models.Model]) -> None:
    own = database_of(model._meta.app_label)
    crossing = [
        field.name
        for field in model._meta.get_fields(include_hidden=True)
        if field.is_relation
        and field.related_model is not None
        and database_of(field.related_model._meta.app_label) != own
    ]
    assert not crossing
    assert router.db_for_write(model) == own


@pytest.mark.parametrize(
    "model", [m for m in MODELS if m._meta.app_label == "footfall"], ids=lambda m: m.__name__
)
def test_the_footfall_plane_has_no_word_for_a_person(model: type[models.Model]) -> None:
    words = [
        field.name
        for field in model._meta.get_fields()
        if any(word in field.name for word in PERSONAL)
        and (model.__name__, field.name) not in EXCEPTIONS
    ]
    assert not words


def test_a_relation_across_is_refused_by_the_router() -> None:
    here = next(m for m in MODELS if m._meta.app_label == "association")
    for plane in PLANES:
        there = next(m for m in MODELS if m._meta.app_label == plane)
        assert not PlaneRouter().allow_relation(here(), there())


@pytest.mark.django_db
def test_each_database_holds_its_planes_tables_only() -> None:
    for alias in connections:
        tables = set(connections[alias].introspection.table_names())
        foreign = {m._meta.db_table for m in MODELS if database_of(m._meta.app_label) != alias}
        assert not tables & foreign
