"""Settings from the environment; each value that matters fails loudly when it is missing or wrong.

A variable ``NAME_FILE`` may name a file that holds the value of ``NAME`` (for secrets).
docs/reference/settings.md lists every variable.
"""

import os
from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key
from django.utils.translation import gettext_lazy as _

from chaland.hub.site.logs import logging_config
from chaland.hub.site.secrets import binary_keys, secret

env = environ.FileAwareEnv()

# Password hashes, sessions and keys are written: whatever the hub makes is its user's alone.
os.umask(0o077)
STATE_DIR = Path(env("CHALAND_STATE_DIR", default="var")).resolve()
STATE_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)

DEBUG = env.bool("CHALAND_DEBUG", default=False)
DEMO = env.bool("CHALAND_DEMO", default=False)
DEMO_NOTES = env.json("CHALAND_DEMO_NOTES", default={}) if DEMO else {}
"""What the pages say of a simulated town: its accounts, its speed, whose rhythm it borrows."""
HTTPS = env.bool("CHALAND_HTTPS", default=False)
"""Whether browsers reach the hub over TLS; the embedded default listens to this machine only."""


SECRET_KEY = str(secret("CHALAND_SECRET_KEY", STATE_DIR / "secret_key", get_random_secret_key))
ALLOWED_HOSTS = env.list("CHALAND_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CHALAND_TRUSTED_ORIGINS", default=[])

# Planes: of one that this process does not serve, it has no table, page, credential or key --------


def _planes(name: str, default: list[str]) -> list[str]:
    given = list(filter(None, env.list(name, default=default)))
    unknown = set(given) - {"footfall", "loyalty"}
    if unknown or len(set(given)) < len(given):
        raise ImproperlyConfigured(f"{name}: name footfall, loyalty, or both, with a comma")
    return given


PLANES = _planes("CHALAND_PLANES", ["footfall", "loyalty"])
if not PLANES:
    raise ImproperlyConfigured("CHALAND_PLANES: name footfall, loyalty, or both, with a comma")
PLANES_BESIDE = _planes("CHALAND_PLANES_BESIDE", [])
"""Served by another process under the same host name: the navigation leads there."""

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django.forms",
    "chaland.hub.association.apps.AssociationConfig",
    *(f"chaland.hub.{plane}.apps.{plane.title()}Config" for plane in PLANES),
    *(["chaland.hub.insight.apps.InsightConfig"] if len(PLANES) > 1 else []),
]

MIDDLEWARE = [
    "chaland.hub.site.logs.RequestLogMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "chaland.hub.site.middleware.SecurityHeadersMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "chaland.hub.site.middleware.PlainTextMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "chaland.hub.site.middleware.StaffLocaleMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "chaland.hub.association.web.middleware.FirstRunMiddleware",
]

ROOT_URLCONF = "chaland.hub.site.urls"
WSGI_APPLICATION = "chaland.hub.site.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["chaland.hub.site.template_tags"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "chaland.hub.association.web.context.page_frame",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# Databases: one per plane ---------------------------------------------------------------------

_SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": ("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;"),
}


def _close_to_others(database: str) -> None:
    """Take others' access to an SQLite file (and its journal) that an older version left open."""
    for path in map(Path, (database, f"{database}-wal", f"{database}-shm")):
        if path.is_file() and path.stat().st_uid == os.geteuid():
            path.chmod(0o600)


def _database(plane: str) -> dict[str, object]:
    """One database per plane: a file each by default, or the URL of a PostgreSQL role's own."""
    name = f"CHALAND_{plane.upper()}_DATABASE_URL"
    config: dict[str, object] = env.db_url(name, default=f"sqlite:///{STATE_DIR / plane}.sqlite3")
    if config["ENGINE"] == "django.db.backends.sqlite3":
        config["OPTIONS"] = _SQLITE_OPTIONS
        _close_to_others(str(config["NAME"]))
    elif config["ENGINE"] == "django.db.backends.postgresql":
        config["CONN_MAX_AGE"] = 60
        config["CONN_HEALTH_CHECKS"] = True
    else:
        raise ImproperlyConfigured(f"{name}: use sqlite:/// or postgres://")
    return config


DATABASES = {"default": _database("association")} | {plane: _database(plane) for plane in PLANES}
DATABASE_ROUTERS = ["chaland.hub.site.routers.PlaneRouter"]
# Rate limits must hold over all worker processes, so the cache is a table, not a process' memory.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        # Counters of tries lie here: with Django's 300, who tries from many addresses drops them.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# Contacts of members are sealed under keys of their own, apart from the database ------------------

if "loyalty" in PLANES:
    CONTACT_KEYS = binary_keys("CHALAND_CONTACT_KEY", STATE_DIR / "contact_key")
    """The first seals, all open: put a new one in front to replace a key."""
    INDEX_KEYS = binary_keys("CHALAND_INDEX_KEY", STATE_DIR / "index_key")
    """The first makes blind indices, cards, vouchers and PINs. Under all are read what left in
    messages (links to unsubscribe, invitations' codes) and the stop list."""

# Accounts: e-mail and password, a second step for who wants it; nobody signs up by oneself -------

AUTH_USER_MODEL = "association.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["email", "name"]},
    },
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_FORMS = {"login": "chaland.hub.site.accounts.SignInForm"}
ACCOUNT_ADAPTER = "chaland.hub.site.accounts.StaffAccountAdapter"
# Staff come by invitation, whose link proves the address; a second proof would need a mail server.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[Chaland] "
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_RATE_LIMITS = {"login_failed": "20/m/ip,5/5m/key"}
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("CHALAND_TRUSTED_PROXIES", default=0)
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Chaland"

# Mail: without a server, pages show links to copy instead ----------------------------------------

EMAIL_CONFIGURED = bool(env("CHALAND_EMAIL_URL", default=""))
if EMAIL_CONFIGURED:
    globals().update(env.email_url("CHALAND_EMAIL_URL"))
else:
    EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
DEFAULT_FROM_EMAIL = env("CHALAND_EMAIL_FROM", default="chaland@localhost")
EMAIL_TIMEOUT = 10

# Messages to members: the worker's journal lies outside of the database, and of its back-ups ------

PUBLIC_ORIGIN = env("CHALAND_PUBLIC_ORIGIN", default="http://localhost:8000").rstrip("/")
"""Where members find the hub: what links in messages begin with."""
OUTREACH_DIR = Path(env("CHALAND_OUTREACH_DIR", default=STATE_DIR / "outreach")).resolve()

# Languages and time: UTC inside, the association's zone on its pages -----------------------------

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", _("French")), ("en", _("English"))]
LOCALE_PATHS = [Path(__file__).parent / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
USE_THOUSAND_SEPARATOR = True
FORMAT_MODULE_PATH = ["chaland.hub.site.formats"]  # English as in Europe: the day comes first

# Static files: built by assets/, hashed and compressed by collectstatic -------------------------

STATIC_URL = "/static/"
STATICFILES_DIRS = [path for path in [Path(__file__).parent / "static"] if path.exists()]
STATIC_ROOT = STATE_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
WHITENOISE_USE_FINDERS = not (STATIC_ROOT / "staticfiles.json").exists()
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "chaland.hub.site.static_files.Storage"
    },
}

# Security -------------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # Pico draws its form marks as data: images
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
if HTTPS:
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"
    LANGUAGE_COOKIE_NAME = "__Host-language"
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = True
    LANGUAGE_COOKIE_HTTPONLY = True
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = env.int("CHALAND_HSTS_SECONDS", default=30 * 24 * 3600)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.bool(
        "CHALAND_HSTS_SUBDOMAINS", default=False
    )

LOGGING_CONFIG = "chaland.hub.site.logs.configure"
LOGGING = logging_config(env("CHALAND_LOG_LEVEL", default="INFO"))
