"""What a town says about its measurement, and the key that signs for it."""

from datetime import date

from nacl.signing import SigningKey

from chaland.hub.footfall.models import Measurement
from chaland.wire.charter import fingerprint
from chaland.wire.mechanism import annex_digest

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


def report(result: str = "passed") -> dict[str, object]:
    """A short report as ``chaland audit --json`` writes it."""
    leak = {"name": "canary addresses", "value": "500", "limit": ""}
    return {
        "format": "chaland.audit/1",
        "made_at": "2026-11-22T10:00:00Z",
        "version": "0.1.0",
        "annex_sha256": annex_digest(),
        "quick": False,
        "result": result,
        "seconds": 201.3,
        "false_alarm": 0.001,
        "checks": [
            {
                "id": "F1",
                "title": "No identifier leaves the sensor",
                "result": "passed" if result == "passed" else "failed",
                "summary": "500 addresses were searched in all that left: none was found.",
                "seconds": 12.3,
                "measures": [leak, {"name": "found", "value": "0", "limit": "0"}],
                "findings": [] if result == "passed" else ["Address 3 is in the log."],
            },
            *(
                {
                    "id": f"F{number}",
                    "title": "The planes are apart" if number == 13 else f"Check {number}",
                    "result": "later" if number == 13 else "passed",
                    "summary": "Comes with the second plane." if number == 13 else "Held.",
                    "seconds": 0.0,
                    "measures": [],
                    "findings": [],
                }
                for number in range(2, 17)
            ),
        ],
        "attacks": [
            {
                "name": "membership",
                "title": "Membership inference",
                "forbidden": "Whoever has the table knows it for certain.",
                "forbidden_success": 1.0,
                "forbidden_seconds": 0.1,
                "ours": "A guess, a little better than a coin.",
                "ours_success": 0.74,
                "ours_bound": 0.88,
                "ours_seconds": 2.0,
            }
        ],
    }
