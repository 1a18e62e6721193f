"""What a town says about its measurement, and the key that signs for it."""

from datetime import date

from nacl.signing import SigningKey

from chaland.hub.footfall.models import Measurement
from chaland.wire.charter import fingerprint

TOWN_KEY = SigningKey(bytes(31) + b"\x01")


def said() -> dict[str, str]:
    """The texts of a measurement, as a director types them."""
    return {
        "controller": "Les Vitrines de Port-Lin, 4 place du Marché, 35000 Port-Lin",
        "contact": "vie-privee@vitrines-port-lin.example",
        "purpose": "Connaître les heures et les lieux de passage du centre-ville",
        "public_page": "https://chaland.port-lin.example/privacy/",
        "objection_network": "port-lin-optout",
        "town_key": fingerprint(bytes(TOWN_KEY.verify_key)),
    }


def measured(**changed: object) -> Measurement:
    """A measurement that is in no database."""
    return Measurement(association_id=1, **{**said(), "ends_on": date(2027, 12, 31), **changed})
