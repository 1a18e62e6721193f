"""Writes: all of a call's work or none of it, and nobody locked out or let in by accident."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError
from django.test import Client

from chaland.hub.association import selectors, services
from chaland.hub.association.models import (
    Association,
    Invitation,
    OpeningHours,
    Shop,
    StaffRole,
    User,
)
from chaland.hub.association.rules import parse_day
from chaland.hub.association.shop_csv import ShopRow, read_shops

from .conftest import Town

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
FOUNDER = services.Founder("Claire@Example.fr", "Claire", "les-halles-du-marche", "fr")


def found() -> User:
    return services.found_association(
        name="Les Vitrines", town="Port-Joli", timezone="Europe/Paris", founder=FOUNDER
    )


def test_the_first_director_is_made_once() -> None:
    user = found()
    assert user.email == "claire@example.fr"
    assert StaffRole.objects.get().role == StaffRole.Role.DIRECTOR
    with pytest.raises(services.AlreadySetUpFinal):
        found()
    assert Association.objects.count() == User.objects.count() == 1


def test_a_double_click_makes_one_association(monkeypatch: pytest.MonkeyPatch) -> None:
    found()
    monkeypatch.setattr(selectors, "is_set_up", lambda: False)  # both passed the check at once
    with pytest.raises(services.AlreadySetUpFinal):
        found()
    assert Association.objects.count() == 1


def test_the_setup_code_forgives_case_and_spaces_only() -> None:
    code = services.setup_token()
    assert services.is_setup_token(f" {code.upper()} ")
    assert not services.is_setup_token(code[:-1] + ("0" if code[-1] != "0" else "1"))
    assert not services.is_setup_token("")
    assert not services.is_setup_token("é" * 27)


def test_hours_replace_hours(town: Town) -> None:
    week = (parse_day("18h-2h"), (), (), (), (), (), parse_day("9h-12h"))
    services.set_week([town.shop, town.other_shop], week)
    services.set_week([town.shop], week)
    assert selectors.week_of(town.shop) == selectors.week_of(town.other_shop) == week
    assert OpeningHours.objects.filter(shop=town.shop).count() == 3


def rows(text: str) -> list[ShopRow]:
    file = read_shops(text.encode())
    assert file.problems == []
    return file.rows


def test_an_import_adds_updates_and_invites(town: Town) -> None:
    services.set_week([town.shop], (parse_day("9h-12h"), *[()] * 6))
    text = "nom;zone;activité;e-mail\nLIBRAIRIE;Port;;x@example.fr\nCafé;Centre;Café;\n"
    receipt = services.import_shops(town.association, rows(text), town.director, NOW)
    assert (receipt.made, receipt.changed, receipt.zones_made) == (1, 1, 1)
    town.shop.refresh_from_db()
    assert town.shop.name == "LIBRAIRIE"
    assert town.shop.zone.name == "Port"
    assert any(selectors.week_of(town.shop)), "a file without days leaves hours alone"
    [(invitation, _token)] = receipt.invitations
    assert invitation.shop == town.shop
    again = services.import_shops(town.association, rows(text), town.director, NOW)
    assert (again.made, again.changed, again.invitations) == (0, 2, [])


def test_an_import_that_fails_writes_nothing(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object) -> None:
        raise IntegrityError

    monkeypatch.setattr(services, "invite", fail)
    before = list(Shop.objects.values_list("name", flat=True))
    with pytest.raises(IntegrityError):
        services.import_shops(
            town.association, rows("nom;zone;e-mail\nA;Z;\nB;Z;b@example.fr\n"), town.director, NOW
        )
    assert list(Shop.objects.values_list("name", flat=True)) == before


def test_what_is_exported_is_what_is_there(town: Town) -> None:
    services.set_week([town.shop], (parse_day("20h-2h"), *[()] * 6))
    exported = selectors.shop_rows(town.association)
    assert [row.name for row in exported] == ["Boulangerie", "Librairie"]
    services.import_shops(town.association, exported, town.director, NOW)
    assert selectors.shop_rows(town.association) == exported


def test_an_invitation_opens_once_for_fourteen_days(town: Town) -> None:
    invitation, token = services.invite(
        town.association, "New@Example.fr", town.shop, town.director, NOW
    )
    assert token not in str(Invitation.objects.filter(pk=invitation.pk).values())
    assert selectors.open_invitation(token, NOW + timedelta(days=13)) == invitation
    assert selectors.open_invitation(token, NOW + timedelta(days=15)) is None
    assert selectors.open_invitation(token + "x", NOW) is None
    user = services.join_by_invitation(invitation, "Nina", "les-halles-du-marche", "fr", NOW)
    assert selectors.open_invitation(token, NOW) is None
    assert user.email == "new@example.fr"
    assert user.roles.get().shop == town.shop


def test_a_second_invitation_replaces_the_first(town: Town) -> None:
    _, first = services.invite(town.association, "a@example.fr", town.shop, town.director, NOW)
    invitation, second = services.invite(
        town.association, "a@example.fr", town.shop, town.director, NOW
    )
    assert selectors.open_invitation(first, NOW) is None
    third = services.renew_invitation(invitation, NOW)
    assert selectors.open_invitation(second, NOW) is None
    assert selectors.open_invitation(third, NOW) == invitation


def test_nobody_is_invited_to_what_they_have(town: Town) -> None:
    with pytest.raises(services.AlreadyStaffFinal):
        services.invite(town.association, "libraire@example.fr", town.shop, town.director, NOW)


def test_the_last_director_stays(town: Town) -> None:
    role = town.director.roles.get()
    with pytest.raises(services.LastDirectorFinal):
        services.remove_role(role)
    closed = User.objects.create_user("b@example.fr", is_active=False)
    StaffRole.objects.create(user=closed, association=town.association, role="director")
    with pytest.raises(services.LastDirectorFinal):
        services.remove_role(role)
    User.objects.filter(pk=closed.pk).update(is_active=True)
    services.remove_role(role)
    assert not town.director.roles.exists()


def test_a_removed_shopkeeper_is_out_with_the_next_click(town: Town) -> None:
    client: Client = town.clients["shopkeeper"]
    assert client.get("/start/").status_code == 403
    StaffRole.objects.get(user__email="libraire@example.fr").delete()
    assert client.get("/start/staff/").status_code == 403


def test_an_invitation_sent_twice_at_once_lets_in_once(town: Town) -> None:
    invitation, token = services.invite(
        town.association, "nina@example.fr", town.shop, town.director, NOW
    )
    same = selectors.open_invitation(token, NOW)
    assert same is not None
    user = services.join_by_invitation(invitation, "Nina", "les-halles-du-marche", "fr", NOW)
    with pytest.raises(services.InvitationUsedFinal):  # both had read it before either wrote
        services.join_by_invitation(same, "Nina", "les-halles-du-marche", "fr", NOW)
    with pytest.raises(services.InvitationUsedFinal):
        services.accept_invitation(same, user, NOW)
    assert user.roles.count() == 1


def test_a_withdrawn_invitation_makes_no_account_even_if_it_was_open_a_moment_ago(
    town: Town,
) -> None:
    invitation, token = services.invite(
        town.association, "nina@example.fr", None, town.director, NOW
    )
    same = selectors.open_invitation(token, NOW)
    assert same is not None
    invitation.delete()
    with pytest.raises(services.InvitationUsedFinal):
        services.join_by_invitation(same, "Nina", "les-halles-du-marche", "fr", NOW)
    assert not User.objects.filter(email="nina@example.fr").exists()


def test_an_invitation_is_its_address_alone(town: Town) -> None:
    invitation, _token = services.invite(
        town.association, "nina@example.fr", None, town.director, NOW
    )
    shopkeeper = User.objects.get(email="libraire@example.fr")
    with pytest.raises(services.InvitationUsedFinal):
        services.accept_invitation(invitation, shopkeeper, NOW)
    assert selectors.directors(town.association) == 1
