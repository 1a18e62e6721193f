"""The settings of each driver as fields: which are secret, and are written and never read back."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from chaland.hub.loyalty.models import Channel, Gateway
from chaland.hub.loyalty.outreach.drivers import DRIVERS
from chaland.hub.loyalty.outreach.mail.anymail import PROVIDERS
from chaland.hub.loyalty.outreach.mail.settings import ADDRESS, Tls

Label = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: ``kind`` is ``text``, ``secret``, ``host``, ``address``, ``number`` (a
    port), ``cents``, ``flag`` or ``select``."""

    name: str
    label: Label
    kind: str = "text"
    default: str = ""
    options: Sequence[str] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A setting as the page shows it; ``kept``: a secret is there, and stays if none is typed."""

    name: str
    label: str
    kind: str
    value: str
    options: Sequence[str]
    required: bool
    kept: bool
    fault: str = ""


class SettingsErrorFinal(Exception):
    """Settings can't be used; ``faults`` says of each field that is wrong why, by its name."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__(" ".join(faults.values()))
        self.faults = faults


_USER = Setting("username", lambda: _("user name"), required=True)
_PASSWORD = Setting("password", lambda: _("password"), "secret", required=True)
_HOST = Setting("host", lambda: _("host"), "host", required=True)
_IMAP = (
    Setting("bounces", lambda: _("address for what bounces (empty: the sender)"), "address"),
    Setting("imap_host", lambda: _("mailbox of bounces: IMAP host"), "host"),
    Setting("imap_port", lambda: _("mailbox of bounces: port"), "number", "993"),
    Setting("imap_tls", lambda: _("mailbox of bounces: over TLS"), "flag", "1"),
    Setting("imap_user", lambda: _("mailbox of bounces: user name")),
    Setting("imap_password", lambda: _("mailbox of bounces: password"), "secret"),
)
_POSTAL = Setting("postal", lambda: _("postal address, at the foot of each mail"), required=True)
_MAIL = (
    _POSTAL,
    Setting("dkim_selector", lambda: _("DKIM selector of your mail server")),
    *_IMAP,
    Setting(
        "again",
        lambda: _("send once more a mail of which it is not known whether it left"),
        "flag",
    ),
)
_TEXT = (
    Setting(
        "stop",
        lambda: _("number to which STOP goes, as your provider says"),
        "text",
        "36105",
        required=True,
    ),
    Setting("transliterate", lambda: _("write ê, ç, œ without accents: cheaper"), "flag", "1"),
    Setting("segment_microcents", lambda: _("price of one SMS, in cents"), "cents", "4.5"),
)
_KEY = Setting("key", lambda: _("key"), "secret", required=True)
FIELDS: Mapping[str, Sequence[Setting]] = {
    "outbox": (),
    "smtp": (
        _HOST,
        Setting("port", lambda: _("port"), "number", "587"),
        Setting("tls", lambda: _("protected by"), "select", "starttls", tuple(Tls)),
        Setting("user", lambda: _("user name")),
        Setting("password", lambda: _("password"), "secret"),
        *_MAIL,
    ),
    "anymail": (
        Setting("backend", lambda: _("provider"), "select", "brevo", PROVIDERS),
        Setting("options.api_key", lambda: _("key"), "secret"),
        Setting("options.secret_key", lambda: _("second key (Mailjet)"), "secret"),
        Setting("options.server_token", lambda: _("token (Postmark)"), "secret"),
        Setting("options.api_token", lambda: _("token (MailerSend, Mailtrap)"), "secret"),
        Setting("options.sender_domain", lambda: _("sender’s domain (Mailgun)")),
        Setting("options.api_url", lambda: _("API address (Mailgun in the EU, Postal)")),
        *_MAIL,
    ),
    "kannel": (
        Setting("url", lambda: _("address of sendsms"), "text", "http://127.0.0.1:13013/cgi-bin/sendsms", required=True),  # noqa: E501
        _USER, _PASSWORD,
        Setting("smsc", lambda: _("by which of Kannel’s connections")),
    ),
    "smpp": (
        _HOST,
        Setting("port", lambda: _("port"), "number", "2775"),
        _USER, _PASSWORD,
        Setting("tls", lambda: _("over TLS"), "flag"),
        Setting("system_type", lambda: _("system type")),
    ),
    "ovh": (
        Setting("service", lambda: _("service (sms-ab12345-1)"), required=True),
        Setting("application_key", lambda: _("application key"), "secret", required=True),
        Setting("application_secret", lambda: _("application secret"), "secret", required=True),
        Setting("consumer_key", lambda: _("consumer key"), "secret", required=True),
    ),
    "brevo": (_KEY,),
    "smsmode": (_KEY,),
    "octopush": (Setting("login", lambda: _("user name"), required=True), _KEY),
}  # fmt: skip


_COMMON = ("postal", "stop", "transliterate", "segment_microcents")
_OF_MAILBOX = ("imap_user", "imap_password")
_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45}")
_MAILBOX = frozenset({"imap_host", "imap_port", "imap_tls", "imap_user"})
_ACCOUNT = frozenset(
    {
        *("host", "port", "url", "tls", "user", "username", "login", "service"),
        *("backend", "options.api_url", "options.sender_domain"),
    }
)
"""Where secrets go, and whose they are: a secret that is kept goes nowhere else."""


def drivers_of(channel: str) -> list[tuple[str, str]]:
    """List the drivers of a channel, with what each is called."""
    names = {
        "outbox": _("local outbox (simulation)"), "smtp": _("your mail server (SMTP)"),
        "anymail": _("a mail provider"), "kannel": "Kannel", "smpp": "SMPP", "ovh": "OVHcloud",
        "brevo": "Brevo", "smsmode": "smsmode", "octopush": "Octopush",
    }  # fmt: skip
    return [(name, names[name]) for name, made in DRIVERS.items() if channel in made.channels]


def settings_of(gateway: Gateway) -> dict[str, Any]:
    """Return a gateway's settings, opened."""
    told: dict[str, Any] = json.loads(gateway.settings)
    return told


def asked_of(driver: str, channel: str) -> list[Setting]:
    """List the settings of a driver for a channel."""
    if channel == Channel.SMS:
        return [*FIELDS[driver], *_TEXT]
    return [*FIELDS[driver]] or [_POSTAL]


def fields(
    driver: str,
    channel: str,
    told: Mapping[str, Any],
    typed: QueryDict | None = None,
    faults: Mapping[str, str] | None = None,
) -> list[Field]:
    """Return a driver's fields as they stand, or as they were typed, with what is wrong with each;
    a secret's text is never among them."""
    found = []
    for each in asked_of(driver, channel):
        value = _found(told, each.name)
        secret = each.kind == "secret"
        shown = typed.get(each.name, "") if typed is not None else _shown(each, value)
        kept = secret and bool(value)
        found.append(
            Field(
                each.name, each.label(), each.kind, "" if secret else shown, each.options,
                each.required and not kept, kept, (faults or {}).get(each.name, ""),
            )
        )  # fmt: skip
    return found


def common_of(gateway: Gateway) -> dict[str, Any]:
    """Return what stays the same with another driver of the channel."""
    told = settings_of(gateway)
    return {name: told[name] for name in _COMMON if name in told}


def _found(told: Mapping[str, Any], name: str) -> Any:
    outer, _dot, inner = name.rpartition(".")
    return ((told.get(outer) or {}) if outer else told).get(inner)


def _shown(setting: Setting, value: Any) -> str:
    if value is None:
        return setting.default
    if setting.kind == "flag":
        return "1" if value else ""
    return f"{value / 1_000_000:g}" if setting.kind == "cents" else str(value)


def read(driver: str, channel: str, data: QueryDict, had: Mapping[str, Any]) -> dict[str, Any]:
    """Read a driver's settings. A secret that wasn't typed stays, but not where the server or the
    account is another now. SettingsErrorFinal tells all faults at once."""
    told: dict[str, Any] = {}
    had, faults = _without_moved(driver, channel, data, had)
    for each in asked_of(driver, channel):
        text = data.get(each.name, "").strip()
        try:
            secret = each.kind == "secret" and not text
            value = _found(had, each.name) if secret else _read(each, text)
        except ValueError as error:
            faults[each.name] = str(error)
            continue
        if value in (None, ""):
            if each.required or (each.name in _OF_MAILBOX and told.get("imap_host")):
                filled = _("%(field)s: fill it in.") % {"field": each.label()}
                faults.setdefault(each.name, filled)
            continue
        outer, _dot, inner = each.name.rpartition(".")
        (told.setdefault(outer, {}) if outer else told)[inner] = value
    if driver == "outbox" and channel == Channel.EMAIL:
        told["offline"] = True  # nothing leaves: there is no domain to prove
    if faults:
        raise SettingsErrorFinal(faults)
    return told


def _without_moved(
    driver: str, channel: str, data: QueryDict, had: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the settings that were had, without the secrets of an endpoint that is another now;
    and by field, where such a secret is still needed and none was typed."""
    asked = asked_of(driver, channel)
    kept: dict[str, Any] = json.loads(json.dumps(had))
    faults: dict[str, str] = {}
    for where in (_ACCOUNT, _MAILBOX):
        named = [each for each in asked if each.name in where]
        secrets = [
            each
            for each in asked
            if each.kind == "secret" and each.name.startswith("imap_") == (where is _MAILBOX)
        ]
        known = [each for each in secrets if _found(had, each.name)]
        moved = any(_moved(each, data, had) for each in named)
        if not known or not moved:
            continue
        used = where is not _MAILBOX or data.get("imap_host", "").strip()
        open_to_all = driver == "smtp" and where is _ACCOUNT and not data.get("user", "").strip()
        if used and not open_to_all and not any(data.get(each.name) for each in secrets):
            text = _("%(field)s: the server or the account is another now: type it again.")
            faults[known[0].name] = text % {"field": known[0].label()}
        for each in known:
            outer, _dot, inner = each.name.rpartition(".")
            (kept[outer] if outer else kept).pop(inner, None)
    return kept, faults


def _moved(setting: Setting, data: QueryDict, had: Mapping[str, Any]) -> bool:
    """Say whether a setting is another than it was; what was never told stood at its default."""
    was, default = _found(had, setting.name), _read(setting, setting.default)
    try:
        now = _read(setting, data.get(setting.name, "").strip())
    except ValueError:  # which `read` tells
        return False
    if setting.kind == "number":
        now = now or default
    return bool((default if was is None else was) != now)


def _read(setting: Setting, text: str) -> Any:
    if setting.kind == "flag":
        return bool(text)
    if setting.kind == "select" and text not in setting.options:
        raise ValueError(_("%(field)s: choose from the list.") % {"field": setting.label()})
    if setting.kind == "host" and text and not _HOST_NAME.fullmatch(text):
        told = _("%(field)s: write a server’s name alone, like mail.example.org.")
        raise ValueError(told % {"field": setting.label()})
    if setting.kind == "address" and text and not ADDRESS.fullmatch(text):
        told = _("%(field)s: write an e-mail address, like shop@example.org.")
        raise ValueError(told % {"field": setting.label()})
    if setting.kind == "number" and text:
        return int(_number(setting, text, 1, 65535))
    if setting.kind == "cents" and text:
        return round(_number(setting, text, 0, 100) * 1_000_000)
    return text


def _number(setting: Setting, text: str, least: int, most: int) -> float:
    """Read a number of plain digits. ValueError names its field and its bounds."""
    digits = r"\d{1,9}" if setting.kind == "number" else r"\d{1,9}([.,]\d{1,9})?"
    value = float(text.replace(",", ".")) if re.fullmatch(digits, text, re.ASCII) else -1
    if not least <= value <= most:
        told = _("%(field)s: write a number from %(least)s to %(most)s.")
        raise ValueError(told % {"field": setting.label(), "least": least, "most": most})
    return value
