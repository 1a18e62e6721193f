"""The drawn town of the demo: Bellerive-les-Arches, which exists nowhere.

Metres east and north of the market cross. Streets are lines; a shop stands at a length of its
street. The coordinates of the market cross lie in open fields.
"""

from collections.abc import Mapping

TOWN_NAME = "Bellerive-les-Arches"
ASSOCIATION_NAME = "Les Vitrines de Bellerive"
ORIGIN_LATITUDE = 46.4130
ORIGIN_LONGITUDE = 2.6870

STREETS: Mapping[str, tuple[tuple[float, float], ...]] = {
    "Grande Rue": ((-260, 12), (-90, 0), (80, 6), (250, -8)),
    "Place du Marché": ((-35, 20), (35, 24), (38, 78), (-32, 74), (-35, 20)),
    "Rue du Pont": ((10, -6), (24, -90), (42, -190)),
    "Quai des Tanneurs": ((-160, -196), (-40, -204), (90, -192), (210, -180)),
    "Place de l'Hôtel-de-Ville": ((-150, 60), (-92, 64), (-96, 118), (-152, 114), (-150, 60)),
    "Passage des Arches": ((60, 76), (120, 96), (180, 92)),
}
"""Streets and squares; a square is a line that closes."""

ZONES: Mapping[str, tuple[str, float]] = {
    "Grande Rue": ("Grande Rue", 1.0),
    "Place du Marché": ("Place du Marché", 0.9),
    "Rue du Pont": ("Rue du Pont", 0.55),
    "Quai des Tanneurs": ("Quai des Tanneurs", 0.4),
    "Hôtel de Ville": ("Place de l'Hôtel-de-Ville", 0.5),
    "Passage des Arches": ("Passage des Arches", 0.35),
}
"""Zone to its street and to how many walk past, relative to the Grande Rue."""

HOURS: Mapping[str, Mapping[str, str]] = {
    # weekdays (0 is Monday) to openings; a weekday that is not named is closed
    "boutique": {"12345": "09:30-12:15 14:00-19:00"},
    "non-stop": {"0": "14:00-19:00", "12345": "09:30-19:00"},
    "bakery": {"12345": "06:45-13:15 15:30-19:30", "6": "07:00-13:00"},
    "bakery-monday": {"01234": "06:30-19:30", "5": "06:30-19:00"},
    "pharmacy": {"01234": "08:45-12:30 14:00-19:15", "5": "09:00-18:30"},
    "grocer": {"012345": "08:00-20:00", "6": "09:00-12:45"},
    "food": {"12345": "08:30-13:00 15:00-19:15", "6": "09:00-12:30"},
    "café": {"12345": "07:30-22:30", "6": "09:00-19:00"},
    "restaurant": {"12345": "11:45-14:30 18:45-23:00"},
    "salon": {"1234": "09:00-18:30", "5": "08:30-17:30"},
    "tobacco": {"012345": "07:00-19:30", "6": "08:00-12:30"},
    "bank": {"1234": "09:00-12:30 13:45-18:00", "5": "09:00-12:30"},
}

# name | trade | zone | place along its street, 0 to 1 | visits a day | median stay, min
# | metres deep | staff | hours
SHOPS_TABLE = """
Maison Delorme | Prêt-à-porter femme | Grande Rue | .08 | 260 | 12 | 9 | 3 | boutique
L'Épi d'Or | Boulangerie | Grande Rue | .16 | 780 | 3 | 6 | 4 | bakery
Pharmacie de la Grande Rue | Pharmacie | Grande Rue | .27 | 430 | 7 | 8 | 5 | pharmacy
Le Coin des Livres | Librairie | Grande Rue | .36 | 240 | 17 | 9 | 2 | non-stop
Chaussures Marchais | Chaussures | Grande Rue | .45 | 170 | 15 | 8 | 2 | boutique
Optique Lumière | Opticien | Grande Rue | .56 | 110 | 19 | 7 | 3 | boutique
Galerie Saint-Luc | Grand magasin | Grande Rue | .66 | 920 | 16 | 14 | 9 | non-stop
Parfumerie Azélie | Parfumerie | Grande Rue | .78 | 210 | 9 | 7 | 3 | non-stop
Tabac du Centre | Tabac-presse | Grande Rue | .91 | 650 | 3 | 5 | 2 | tobacco
Café du Marché | Café | Place du Marché | .06 | 390 | 34 | 9 | 4 | café
Fromagerie Bérangère | Fromager | Place du Marché | .20 | 250 | 6 | 5 | 2 | food
Boucherie Lacombe | Boucherie | Place du Marché | .34 | 300 | 7 | 6 | 3 | food
Primeurs Les Quatre Temps | Primeur | Place du Marché | .48 | 420 | 6 | 7 | 3 | grocer
Brasserie des Halles | Restaurant | Place du Marché | .63 | 260 | 52 | 11 | 6 | restaurant
Fleurs de Capucine | Fleuriste | Place du Marché | .80 | 120 | 7 | 6 | 2 | food
La Fournée du Pont | Boulangerie | Rue du Pont | .15 | 560 | 3 | 5 | 3 | bakery-monday
Coiffure Mèche Rebelle | Coiffeur | Rue du Pont | .33 | 70 | 43 | 6 | 3 | salon
Jouets Pirouette | Jouets | Rue du Pont | .50 | 130 | 16 | 8 | 2 | boutique
Cycles Roue Libre | Cycles | Rue du Pont | .68 | 75 | 13 | 9 | 2 | boutique
Librairie-Papeterie Encre | Papeterie | Rue du Pont | .86 | 160 | 9 | 7 | 2 | boutique
Guinguette du Quai | Restaurant | Quai des Tanneurs | .18 | 190 | 55 | 12 | 5 | restaurant
Salon de thé Mirabelle | Salon de thé | Quai des Tanneurs | .40 | 150 | 38 | 8 | 2 | café
Antiquités du Vieux Pont | Antiquités | Quai des Tanneurs | .60 | 45 | 16 | 9 | 1 | boutique
Cave Les Sarments | Caviste | Quai des Tanneurs | .82 | 105 | 9 | 7 | 1 | food
Banque Mutuelle du Val | Banque | Hôtel de Ville | .12 | 150 | 12 | 8 | 6 | bank
Supérette Val Frais | Supérette | Hôtel de Ville | .40 | 880 | 9 | 11 | 5 | grocer
Bijouterie Aurore | Bijouterie | Hôtel de Ville | .70 | 70 | 15 | 6 | 2 | boutique
Atelier Fil et Laine | Mercerie | Passage des Arches | .20 | 65 | 14 | 7 | 1 | boutique
Bulles et Planches | Bandes dessinées | Passage des Arches | .50 | 110 | 20 | 7 | 1 | boutique
Chocolaterie Ganache | Chocolatier | Passage des Arches | .85 | 140 | 7 | 5 | 2 | food
"""
