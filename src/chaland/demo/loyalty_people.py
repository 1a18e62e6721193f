"""Invented members: names, numbers that the regulator keeps for fiction, addresses of example
domains (RFC 2606). Nobody real has them."""

from dataclasses import dataclass

import numpy as np

_FIRST = (
    "Adèle Alice Amandine Amir Anaïs Antoine Arthur Aya Baptiste Bastien Camille Capucine Chloé "
    "Clément Clara Damien Élise Élodie Emma Enzo Fatou Félix Florent Gabriel Hélène Hugo Inès "
    "Jade Jeanne Jules Julie Karim Léa Léna Léo Lina Louis Louise Lucas Lucie Maël Manon Marie "
    "Mathis Maxime Mehdi Nathan Nina Noé Océane Pauline Paul Rémi Romane Sacha Samia Simon Sofia "
    "Théo Thomas Valentin Victor Yanis Yasmine Zoé"
)
_LAST = (
    "Arnaud Aubert Bailly Barbier Baron Benard Benoit Bertin Besson Blanchard Boucher Bourgeois "
    "Boyer Brunet Caron Carpentier Charpentier Chevalier Collet Cordier Dacosta Delattre Denis "
    "Deschamps Diallo Dumas Dupuis Fabre Faure Fernandez Fleury Fournier Gaillard Garnier Gautier "
    "Gillet Girard Guérin Haddad Hamel Herve Huet Jacquet Joly Kone Lacroix Lambert Langlois "
    "Leblanc Legrand Lemoine Leroux Leveque Lopez Maillard Marchand Marty Masson Mercier Meunier "
    "Millet Monnier Moreau Morin Nguyen Noel Olivier Oumar Paris Pelletier Perret Perrin "
    "Philippe Picard Poirier Prevost Renard Renault Rey Robin Roche Rolland Rousseau Roux Roy "
    "Royer Schmitt Simon Tessier Traore Vasseur Vidal Weber Zerbib"
)
_SELLERS = (
    "Agathe Aurélien Bérénice Bruno Cécile Cyril Delphine Didier Edwige Éric Fabien Fanny Gaëlle "
    "Gilles Hakim Irène Ivan Joëlle Kévin Laure Marc Nadège Odile Pascal Régis Sabine Tania Yves"
)
_PORTRAIT, _PORTRAIT_ALONE = 0.5, 0.1
"""How many let offers be chosen from purchases: of who wants offers, and of the others. Invented.
"""
_DOMAINS = ("example.org", "example.net", "example.com")


@dataclass(frozen=True)
class Person:
    """What a member says of herself at the till."""

    first_name: str
    last_name: str
    phone: str
    email: str
    birth_day: int | None
    birth_month: int | None
    offers_by_email: bool
    offers_by_sms: bool
    portrait: bool
    """Lets offers be chosen from purchases."""


def person(seed: int, number: int) -> Person:
    """Return the ``number``-th member of a seed; 10,000 numbers are there for fiction (ARCEP)."""
    rng = np.random.default_rng([seed, 51, number])
    first, last = str(rng.choice(_FIRST.split())), str(rng.choice(_LAST.split()))
    has_email, has_birthday = rng.random() < 0.7, rng.random() < 0.55
    spelled = f"{first}.{last}{number}".lower().translate(str.maketrans("éèêëïç", "eeeeic"))
    by_email, by_sms = bool(has_email and rng.random() < 0.6), bool(rng.random() < 0.35)
    return Person(
        first_name=first,
        last_name=last,
        phone=f"06 39 98 {number // 100:02} {number % 100:02}",
        email=f"{spelled}@{rng.choice(_DOMAINS)}" if has_email else "",
        birth_day=int(rng.integers(1, 29)) if has_birthday else None,
        birth_month=int(rng.integers(1, 13)) if has_birthday else None,
        offers_by_email=by_email,
        offers_by_sms=by_sms,
        portrait=bool(rng.random() < (_PORTRAIT if by_email or by_sms else _PORTRAIT_ALONE)),
    )


def seller_names(shop: int, count: int) -> list[str]:
    """Return the first names of a shop's sellers."""
    names = _SELLERS.split()
    return [names[(shop * count + i) % len(names)] for i in range(count)]
