"""What the demo's shops write to their customers, in the words of such shops."""

POSTAL = "Maison des associations, 1 place du Marché, Bellerive (ville inventée)"
SENDER_SMS, SENDER_EMAIL, STOP = "Bellerive", "bonjour@bellerive.example", "36105"

PAST_SALE, PRESENT_SALE = "Les deux jours des fidèles", "Soirées privées d’hiver"

SALE_SMS = "Bonjour {first_name}, {sale} : vos prix de membre. Code {code}, place : {link}"
SALE_SUBJECT = "Une invitation pour vous : {sale}"
SALE_EMAIL = (
    "Bonjour {first_name},\n\n{sale}, c’est pour vous : des prix réservés aux membres, chez "
    "{place}.\n\nVotre code à la caisse : {code}. Vous n’avez qu’à le dire."
)
SALE_BUTTON = "Réserver ma place"

NEWS_SMS = "Bonjour {first_name}, du nouveau chez {shop} cette semaine. À bientôt !"
NEWS_SUBJECT = "Du nouveau chez {shop}"
NEWS_EMAIL = (
    "Bonjour {first_name},\n\nLes nouveautés de la semaine sont arrivées chez {shop}. Passez les "
    "voir, nous vous en parlerons avec plaisir."
)
NEWS = ("Nouveautés d’automne", "Nouveautés de la semaine", "Dégustation (à préparer)")
"""A campaign that was sent, one that is announced, one in preparation."""

AUTOMATIC = {
    "birthday": ("Un mois pour vous", "Tous vos commerçants pensent à vous !"),
    "points": ("Vos points arrivent à échéance", ""),
    "stamps": ("Votre carte est presque pleine", ""),
}
"""Name and greeting of each automatic message, by its kind; the rest of its text is fixed."""
