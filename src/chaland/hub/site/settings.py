"""Settings from the environment; each value that matters fails loudly when it is missing.

A variable ``NAME_FILE`` may name a file that holds the value of ``NAME`` (for secrets).
"""

import os
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

env = environ.FileAwareEnv()

STATE_DIR = Path(env("CHALAND_STATE_DIR", default="var")).resolve()
STATE_DIR.mkdir(parents=True, exist_ok=True)

DEBUG = env.bool("CHALAND_DEBUG", default=False)
DEMO = env.bool("CHALAND_DEMO", default=False)


def _secret_key() -> str:
    """Read the key from the environment, or make one once in the state folder, mode 0600."""
    given = env("CHALAND_SECRET_KEY", default="")
    if given:
        return str(given)
    path = STATE_DIR / "secret_key"
    if not path.exists():
        from django.core.management.utils import get_random_secret_key

        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(get_random_secret_key())
    return path.read_text()


SECRET_KEY = _secret_key()
ALLOWED_HOSTS = env.list("CHALAND_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "chaland.hub.association.apps.AssociationConfig",
    "chaland.hub.footfall.apps.FootfallConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "chaland.hub.site.urls"
WSGI_APPLICATION = "chaland.hub.site.wsgi.application"
AUTH_USER_MODEL = "association.User"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

_SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
}


def _database(plane: str) -> dict[str, object]:
    """One database per plane: a file each by default, or the URL of a PostgreSQL role's own."""
    name = f"CHALAND_{plane.upper()}_DATABASE_URL"
    config: dict[str, object] = env.db_url(name, default=f"sqlite:///{STATE_DIR / plane}.sqlite3")
    if config["ENGINE"] == "django.db.backends.sqlite3":
        config["OPTIONS"] = _SQLITE_OPTIONS
    elif config["ENGINE"] == "django.db.backends.postgresql":
        config["CONN_MAX_AGE"] = 60
        config["CONN_HEALTH_CHECKS"] = True
    else:
        raise ImproperlyConfigured(f"{name}: use sqlite:/// or postgres://")
    return config


DATABASES = {"default": _database("association"), "footfall": _database("footfall")}
DATABASE_ROUTERS = ["chaland.hub.site.routers.PlaneRouter"]

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", _("French")), ("en", _("English"))]
LOCALE_PATHS = [Path(__file__).parent / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [path for path in [Path(__file__).parent / "static"] if path.exists()]
STATIC_ROOT = STATE_DIR / "static"
