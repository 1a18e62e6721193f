"""What the invented shops sell: how often people come, what a basket holds, what the season is.

All figures are invented, in the range that a French town's shops know; none is measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

FLAT = (1.0,) * 12


@dataclass(frozen=True)
class Item:
    """An article group with its usual price and its rate of VAT (550 is 5.5 %)."""

    name: str
    group: str
    price_cents: int
    vat_permyriad: int


@dataclass(frozen=True)
class Trade:
    """A trade's customers. ``a_year``: mean purchases of a member whose own shop it is (most come
    less often, a few weekly); ``lines``: mean articles on a receipt; ``returned``: share of
    receipts of which an article comes back; ``months``: how busy each month is, January first."""

    a_year: float
    lines: float
    items: tuple[Item, ...]
    returned: float = 0.0
    months: tuple[float, ...] = field(default=FLAT)


def _items(*rows: tuple[str, str, float, int]) -> tuple[Item, ...]:
    return tuple(Item(name, group, round(100 * price), vat) for name, group, price, vat in rows)


_GIFTS = (0.9, 0.8, 0.9, 0.9, 1.0, 1.0, 0.9, 0.7, 0.9, 1.0, 1.1, 1.9)
_CLOTHES = (1.3, 0.8, 1.0, 1.1, 1.0, 1.1, 1.3, 0.7, 1.0, 1.0, 0.9, 1.2)
_TERRACE = (0.7, 0.8, 0.9, 1.0, 1.2, 1.3, 1.3, 1.2, 1.1, 0.9, 0.8, 0.9)

_BREAD = _items(
    ("Baguette tradition", "pain", 1.30, 550),
    ("Pain aux céréales", "pain", 3.20, 550),
    ("Croissant", "viennoiserie", 1.25, 550),
    ("Tartelette aux fruits", "pâtisserie", 3.80, 550),
)
_MEALS = _items(
    ("Plat du jour", "cuisine", 16.50, 1000),
    ("Menu du marché", "cuisine", 24.00, 1000),
    ("Verre de vin", "boissons", 5.50, 2000),
    ("Dessert", "cuisine", 7.50, 1000),
)
_CAFE = _items(
    ("Café", "boissons chaudes", 1.90, 1000),
    ("Thé", "boissons chaudes", 3.80, 1000),
    ("Part de tarte", "pâtisserie", 5.20, 1000),
    ("Formule petit déjeuner", "cuisine", 9.50, 1000),
)
_PAPER = _items(
    ("Roman de poche", "livres", 8.90, 550),
    ("Nouveauté", "livres", 21.50, 550),
    ("Carnet", "papeterie", 6.40, 2000),
    ("Stylo", "papeterie", 4.20, 2000),
)

TRADES: Mapping[str, Trade] = {
    "Prêt-à-porter femme": Trade(
        4,
        1.7,
        _items(
            ("Robe", "vêtements", 79, 2000),
            ("Pull", "vêtements", 55, 2000),
            ("Foulard", "accessoires", 25, 2000),
        ),
        0.07,
        _CLOTHES,
    ),
    "Boulangerie": Trade(11, 2.2, _BREAD),
    "Pharmacie": Trade(
        6,
        1.8,
        _items(
            ("Parapharmacie", "soins", 12.40, 2000),
            ("Vitamines", "compléments", 15.90, 550),
            ("Dentifrice", "hygiène", 4.60, 2000),
        ),
        0.003,
        (1.2, 1.2, 1.1, 1, 1, 0.9, 0.8, 0.8, 0.9, 1, 1.1, 1.1),
    ),
    "Librairie": Trade(4.5, 1.6, _PAPER, 0.02, _GIFTS),
    "Chaussures": Trade(
        3,
        1.2,
        _items(
            ("Chaussures de ville", "chaussures", 95, 2000),
            ("Sandales", "chaussures", 59, 2000),
            ("Cirage", "entretien", 7.90, 2000),
        ),
        0.08,
        _CLOTHES,
    ),
    "Opticien": Trade(
        2,
        1.3,
        _items(("Monture", "optique", 149, 2000), ("Produit lentilles", "entretien", 12.50, 2000)),
        0.02,
    ),
    "Grand magasin": Trade(
        5,
        2.0,
        _items(
            ("Linge de maison", "maison", 29, 2000),
            ("Vaisselle", "maison", 18.50, 2000),
            ("Chemise", "vêtements", 45, 2000),
            ("Jeu de société", "jouets", 24.90, 2000),
        ),
        0.05,
        _GIFTS,
    ),
    "Parfumerie": Trade(
        3.5,
        1.5,
        _items(("Parfum", "parfums", 68, 2000), ("Crème", "soins", 32, 2000)),
        0.03,
        (0.8, 1.2, 0.8, 0.8, 1.3, 1, 0.8, 0.7, 0.8, 0.9, 1.1, 2.2),
    ),
    "Tabac-presse": Trade(
        6.5,
        1.4,
        _items(("Magazine", "presse", 5.90, 210), ("Carterie", "papeterie", 3.20, 2000)),
    ),
    "Café": Trade(6.5, 1.8, _CAFE, 0, _TERRACE),
    "Fromager": Trade(
        6.5,
        2.3,
        _items(
            ("Comté 18 mois", "fromages", 8.60, 550),
            ("Chèvre frais", "fromages", 5.40, 550),
            ("Beurre de baratte", "crèmerie", 3.90, 550),
        ),
        0,
        (0.9, 1, 1, 1, 0.9, 0.9, 0.8, 0.8, 1, 1.1, 1.1, 1.5),
    ),
    "Boucherie": Trade(
        6,
        2.0,
        _items(
            ("Rôti de veau", "boucherie", 17.50, 550),
            ("Saucisses", "charcuterie", 7.80, 550),
            ("Terrine", "charcuterie", 6.20, 550),
        ),
    ),
    "Primeur": Trade(
        7.5,
        3.2,
        _items(
            ("Pommes", "fruits", 3.20, 550),
            ("Tomates", "légumes", 4.10, 550),
            ("Salade", "légumes", 1.60, 550),
            ("Fraises", "fruits", 4.90, 550),
        ),
        0,
        (0.8, 0.8, 0.9, 1, 1.2, 1.3, 1.2, 1, 1.1, 1, 0.8, 0.9),
    ),
    "Restaurant": Trade(4, 3.0, _MEALS, 0, _TERRACE),
    "Fleuriste": Trade(
        3.5,
        1.2,
        _items(
            ("Bouquet", "fleurs coupées", 28, 1000),
            ("Plante en pot", "plantes", 19, 1000),
        ),
        0,
        (0.7, 1.5, 1, 1.1, 1.6, 1, 0.7, 0.6, 0.9, 1.2, 0.9, 1.2),
    ),
    "Coiffeur": Trade(
        4.5, 1.3, _items(("Coupe", "coiffure", 34, 2000), ("Soin", "soins", 18, 2000))
    ),
    "Jouets": Trade(
        3,
        1.5,
        _items(("Puzzle", "jouets", 17.90, 2000), ("Peluche", "jouets", 24.50, 2000)),
        0.04,
        (0.6, 0.6, 0.7, 0.9, 0.8, 0.8, 0.8, 0.7, 0.8, 0.9, 1.5, 3.0),
    ),
    "Cycles": Trade(
        2.5,
        1.3,
        _items(
            ("Révision", "atelier", 49, 1000),
            ("Éclairage", "accessoires", 29.90, 2000),
            ("Chambre à air", "pièces", 7.50, 2000),
        ),
        0.03,
        (0.5, 0.6, 0.9, 1.3, 1.5, 1.5, 1.3, 1, 1.2, 0.9, 0.6, 0.7),
    ),
    "Papeterie": Trade(
        4, 2.1, _PAPER, 0.02, (1, 0.8, 0.8, 0.8, 0.8, 0.9, 0.7, 1.5, 1.7, 1, 1, 1.3)
    ),
    "Salon de thé": Trade(5, 2.0, _CAFE, 0, _TERRACE),
    "Antiquités": Trade(
        1.8, 1.1, _items(("Gravure", "tableaux", 85, 2000), ("Bibelot", "objets", 38, 2000)), 0.02
    ),
    "Caviste": Trade(
        4,
        1.9,
        _items(("Bordeaux", "vins", 14.50, 2000), ("Champagne", "vins", 32, 2000)),
        0.005,
        (0.7, 0.8, 0.9, 1, 1, 1, 1, 0.9, 1, 1, 1.1, 2),
    ),
    "Banque": Trade(0, 1, ()),
    "Supérette": Trade(
        9,
        3.8,
        _items(
            ("Pâtes", "épicerie", 1.90, 550),
            ("Yaourts", "frais", 2.80, 550),
            ("Lessive", "entretien", 8.90, 2000),
            ("Jus d’orange", "boissons", 2.60, 550),
        ),
        0.002,
    ),
    "Bijouterie": Trade(
        1.8,
        1.1,
        _items(("Boucles d’oreilles", "bijoux", 75, 2000), ("Pile de montre", "atelier", 12, 2000)),
        0.03,
        _GIFTS,
    ),
    "Mercerie": Trade(
        4, 2.2, _items(("Laine", "fils", 6.90, 2000), ("Boutons", "mercerie", 3.5, 2000))
    ),
    "Bandes dessinées": Trade(4.5, 1.7, _items(("Album", "livres", 16.90, 550)), 0.02, _GIFTS),
    "Chocolatier": Trade(
        4,
        1.4,
        _items(("Ballotin", "chocolats", 18.90, 550), ("Tablette", "chocolats", 5.80, 550)),
        0,
        (0.7, 1.1, 1.4, 1.4, 0.8, 0.7, 0.5, 0.5, 0.8, 1, 1.1, 2.4),
    ),
}
