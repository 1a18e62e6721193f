"""Logs: one JSON object a line on standard error, with nothing in it about a person.

A request is logged by its route (``start/<slug:step>/``), not by its path, so that no invitation
link, token or search term gets into a log file; no address, browser or account is written down.
"""

import logging.config
import re
import time
from collections.abc import Callable
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


_OF_A_REQUEST = re.compile(r"(Invalid request) from ip=.*|(Error handling request) .*", re.DOTALL)


def _without_path(_logger: Any, _name: str, event: dict[str, Any]) -> dict[str, Any]:
    """Cut the path off Django's own lines ("Internal Server Error: /start/invitation/…"), and off
    gunicorn's ("Invalid request from ip=…: …") all that the client sent, with its address. What a
    client did wrong (another Host) has no traceback: anybody could fill the log with it."""
    record = event.get("_record")
    name, told = record.name if record is not None else "", str(event["event"])
    if name.startswith(("django.request", "django.security")):
        event["event"] = told.split(": /", maxsplit=1)[0]
    if name.startswith("django.security"):
        event.pop("exc_info", None)
    if name == "gunicorn.error" and (match := _OF_A_REQUEST.fullmatch(told)):
        event["event"] = match[1] or match[2]
    return event


def logging_config(level: str) -> dict[str, Any]:
    """Return the ``logging`` dictionary for Django's LOGGING."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [
                    _without_path,
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    structlog.processors.JSONRenderer(ensure_ascii=False),
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Replaces Django's own handlers, which print the path of a request.
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            # A refused request has its own line already; a failed one brings its traceback here.
            "django.request": {"level": "ERROR"},
            # In each worker process, after gunicorn has set its own handlers (with plain text).
            "gunicorn.error": {"handlers": [], "propagate": True},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": False},
        },
    }


def configure(config: dict[str, Any]) -> None:
    """Set up standard logging and structlog over it (Django's LOGGING_CONFIG)."""
    logging.config.dictConfig(config)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


class RequestLogMiddleware:
    """Logs each answered request: method, route, status, milliseconds."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.log = structlog.get_logger("chaland.request")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        if match is None or match.route != "healthz":
            self.log.info(
                "request",
                method=request.method,
                route=match.route if match else None,
                status=response.status_code,
                took_ms=round((time.perf_counter() - began) * 1000, 1),
            )
        return response
