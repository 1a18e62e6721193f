"""PDF by Typst, with the fonts that its wheel carries: no system font, no network, no clock.

The same template and data give the same bytes on every machine.
"""

import io
import json
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import segno
import typst

from chaland.hub.common.glyphs import printable_whole

_TIMESTAMP = 0
"""In place of the time of making, which would make each printing another file."""


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False)


def pdf(package: str, template: str, data: Mapping[str, object]) -> bytes:
    """Return a package's ``<template>.typ`` filled with JSON data as an accessible PDF (PDF/UA-1).

    Whatever the texts hold: what the font lacks is shown as a box."""
    return _compiled(package, template, _spelt(data))


def page_images(
    package: str, template: str, data: Mapping[str, object], ppi: float = 96
) -> list[bytes]:
    """Return the pages as PNG: what the tests and people who draw the template look at."""
    images = _typeset(package, template, _spelt(data), format="png", ppi=ppi)
    return images if isinstance(images, list) else [images or b""]


def qr_code(address: str) -> str:
    """Return an address as a QR code: SVG, black on transparent, with its quiet zone."""
    out = io.BytesIO()
    segno.make(address, error="m", micro=False).save(out, kind="svg", xmldecl=False, border=2)
    return out.getvalue().decode("utf-8")


def _spelt(data: Mapping[str, object]) -> str:
    return json.dumps(printable_whole(data), ensure_ascii=False, sort_keys=True)


# A public page serves these: whoever asks again and again costs no second printing.
@lru_cache(maxsize=16)
def _compiled(package: str, template: str, document: str) -> bytes:
    made = _typeset(package, template, document, format="pdf", pdf_standards="ua-1")
    if not isinstance(made, bytes):
        raise TypeError("Typst made no PDF")
    return made


def _typeset(package: str, template: str, document: str, **form: Any) -> bytes | list[bytes] | None:
    source = files(package).joinpath(f"{template}.typ").read_bytes()
    compiler = typst.Compiler(source, font_paths=_fonts())
    return compiler.compile(sys_inputs={"data": document}, timestamp=_TIMESTAMP, **form)
