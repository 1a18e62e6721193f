"""The notice that hangs in every shop with a sensor: its words, their digest, and the poster.

The words are made of the measurement and of the mechanism in use. The charter that the sensors
obey carries their digest, so that a sensor knows which words its shop has hung up.
"""

import hashlib
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from chaland.hub.common import printing
from chaland.hub.footfall import keeping
from chaland.hub.footfall.models import Measurement
from chaland.hub.footfall.papers import claims
from chaland.hub.footfall.papers.document import number
from chaland.wire.mechanism import DEFAULT_MECHANISM, Mechanism

LANGUAGES = ("fr", "en")


@dataclass(frozen=True, slots=True)
class Way:
    """One way to object."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the imprint: what, and its value."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Notice:
    """The words of a notice in one language, in the order in which they are read."""

    title: str
    lead: str
    counted_title: str
    counted: tuple[str, ...]
    never_title: str
    never: tuple[str, ...]
    objection_title: str
    objection_lead: str
    ways: tuple[Way, ...]
    objection_note: str
    page_title: str
    page: str
    imprint: tuple[Line, ...]

    @property
    def text(self) -> str:
        """All words, a line each, without anything of their layout."""
        lines = [
            self.title,
            self.lead,
            self.counted_title,
            *self.counted,
            self.never_title,
            *self.never,
            self.objection_title,
            self.objection_lead,
            *(f"{way.title}: {way.text}" for way in self.ways),
            self.objection_note,
            f"{self.page_title} {self.page}",
            *(f"{line.label}: {line.value}" for line in self.imprint),
        ]
        return "\n".join(lines) + "\n"


def notice(
    measurement: Measurement, language: str, mechanism: Mechanism = DEFAULT_MECHANISM
) -> Notice:
    """Return the notice of a measurement in one language ("fr", "en")."""
    with translation.override(language):
        return _notice(measurement, mechanism)


def text(measurement: Measurement, language: str) -> str:
    """Return the notice's words in one language, a line each."""
    return notice(measurement, language).text


def digest(measurement: Measurement) -> str:
    """Return the SHA-256 of the words in all languages, 64 hexadecimal digits."""
    words = "\n".join(text(measurement, language) for language in LANGUAGES)
    return hashlib.sha256(words.encode()).hexdigest()


def poster(measurement: Measurement, language: str) -> bytes:
    """Return the notice as a poster: PDF, one page of A4. The same words give the same bytes."""
    return printing.pdf(__package__, "poster", poster_data(measurement, language))


def poster_data(measurement: Measurement, language: str) -> dict[str, object]:
    """Return what the poster's template is filled with."""
    return asdict(notice(measurement, language)) | {
        "language": language,
        "network": measurement.objection_network,
        "qr_code": printing.qr_code(measurement.public_page),
    }


def short_address(url: str) -> str:
    """Return a page's address as people type it: without the scheme and a last slash."""
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}".rstrip("/")


def _notice(measurement: Measurement, mechanism: Mechanism) -> Notice:
    return Notice(
        title=_("This shop counts passages, and follows nobody."),
        lead=_(
            "A small sensor hears the Wi-Fi signals that phones send by themselves. It makes"
            " blurred counts of them, and forgets the rest."
        ),
        counted_title=_("What is counted"),
        counted=(
            _("How many phones come in or pass by, every quarter of an hour."),
            _("How long visits last."),
            _(
                "How many go to this shop and to another one on the same day: estimated from lists"
                " in which at least %(lies)d of 100 entries are untrue on purpose."
            )
            % {"lies": claims.lies_in_a_hundred(mechanism)},
        ),
        never_title=_("What is never kept"),
        never=(
            _("Your phone’s address: it is erased within a second and does not leave the sensor."),
            _(
                "The code that stands for it in the sensor: it is erased %(minutes)d minutes"
                " after you leave."
            )
            % {"minutes": mechanism.linger_s // 60},
            _("A name, a number, a message, a route, a link from one day to the next."),
        ),
        objection_title=_("Would you rather not be counted?"),
        objection_lead=_("Leave your Wi-Fi on. Choose:"),
        ways=_ways(measurement, mechanism),
        objection_note=_(
            "Your objection is remembered for %(days)d days, as one of %(numbers)s numbers that"
            " many phones share. Many phones change their address from time to time: then do it"
            " again. It is your right, and nobody asks why."
        )
        % {"days": keeping.OBJECTIONS.days, "numbers": number(mechanism.objection.bits, 9)},
        page_title=_("Everything is explained here, and can be checked:"),
        page=short_address(measurement.public_page),
        imprint=_imprint(measurement),
    )


def _ways(measurement: Measurement, mechanism: Mechanism) -> tuple[Way, ...]:
    network = {"network": measurement.objection_network, "days": keeping.OBJECTIONS.days}
    return (
        Way(
            _("On your phone"),
            _(
                "In the Wi-Fi settings, add the network “%(network)s”, without a password. As soon"
                " as your phone looks for it, the sensors of all shops leave it out, for"
                " %(days)d days."
            )
            % network,
        ),
        Way(
            _("In this shop"),
            _(
                "Ask for the “forget” button and hold your phone beside the sensor for %(seconds)d"
                " seconds: what it knows of it is erased, and it is left out from then on."
            )
            % {"seconds": mechanism.objection.button_s},
        ),
    )


def _imprint(measurement: Measurement) -> tuple[Line, ...]:
    until = date_format(measurement.ends_on, "j F Y")
    lines = [
        Line(_("Purpose"), measurement.purpose),
        Line(_("Responsible"), measurement.controller),
        Line(
            _("Your rights"),
            _("information, access, objection, erasure: %(contact)s. Complaints: CNIL, cnil.fr")
            % {"contact": measurement.contact},
        ),
        Line(_("Until"), until),
    ]
    if measurement.town_key:
        lines.append(Line(_("Key of the town"), measurement.town_key))
    return tuple(lines)
