"""What the demo's shops write to their customers, in the words of such shops."""

POSTAL = "Maison des associations, 1 place du Marché, Bellerive (ville inventée)"
SENDER_SMS, SENDER_EMAIL, STOP = "Bellerive", "bonjour@bellerive.example", "36105"

PAST_SALE, PRESENT_SALE = "Les deux jours des fidèles", "Soirées privées d’hiver"

SALE_SMS = "Bonjour {first_name}, {sale} : vos prix de membre. Code {code}, place : {link}"
SALE_SUBJECT = "Vous êtes invité : {sale}"
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
    "birthday": (
        "Un mois pour vous",
        "Bonjour {first_name},\n\nC’est votre mois : bon anniversaire de la part de vos "
        "commerçants.",
    ),
    "points": (
        "Vos points arrivent à échéance",
        "Bonjour {first_name},\n\nDes points de votre compte arrivent bientôt à échéance. Votre "
        "compte : {link}",
    ),
    "stamps": (
        "Votre carte est presque pleine",
        "Bonjour {first_name},\n\nIl ne manque plus grand-chose à votre carte à tampons. Votre "
        "compte : {link}",
    ),
}
"""Subject and text of each automatic message, by its kind."""
