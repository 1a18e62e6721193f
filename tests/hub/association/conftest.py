"""A fixed cast: two directors of two towns, a shopkeeper, someone whose role was taken away."""

from dataclasses import dataclass

import pytest
from django.test import Client
from django.utils import timezone

from chaland.hub.association.models import Association, Shop, StaffRole, User, Zone


@dataclass(frozen=True)
class Town:
    """An association with its people; ``clients`` are signed in."""

    association: Association
    zone: Zone
    shop: Shop
    other_shop: Shop
    director: User
    clients: dict[str, Client]


def signed_in(email: str, association: Association, role: str, shop: Shop | None = None) -> Client:
    user = User.objects.create_user(
        email, "les-halles-du-marche", name=email.split("@", maxsplit=1)[0]
    )
    StaffRole.objects.create(user=user, association=association, role=role, shop=shop)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def town(db: None) -> Town:
    association = Association.objects.create(
        name="Les Vitrines", town="Port-Joli", guide_finished_at=timezone.now()
    )
    zone = Zone.objects.create(association=association, name="Centre", slug="centre")
    shops = [
        Shop.objects.create(association=association, zone=zone, name=name, slug=name.lower())
        for name in ("Librairie", "Boulangerie")
    ]
    elsewhere = Association.objects.create(name="Ailleurs", town="Ailleurs")
    clients = {
        "director": signed_in("directrice@example.fr", association, "director"),
        "shopkeeper": signed_in("libraire@example.fr", association, "shopkeeper", shops[0]),
        "stranger": signed_in("autre@example.fr", elsewhere, "director"),
        "anonymous": Client(),
    }
    nobody = User.objects.create_user("ancien@example.fr", "les-halles-du-marche")
    clients["former"] = Client()
    clients["former"].force_login(nobody)
    director = User.objects.get(email="directrice@example.fr")
    return Town(association, zone, shops[0], shops[1], director, clients)
