"""PDF by Typst, with the fonts that its wheel carries: no system font, no network, no clock.

The same template and data give the same bytes on every machine.
"""

import io
import json
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files

import segno
import typst

_TIMESTAMP = 0
"""In place of the time of making, which would make each printing another file."""


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False)


def pdf(template: str, data: Mapping[str, object]) -> bytes:
    """Return ``papers/<template>.typ`` filled with JSON data as an accessible PDF (PDF/UA-1)."""
    return _compiled(template, json.dumps(data, ensure_ascii=False, sort_keys=True))


def page_images(template: str, data: Mapping[str, object], ppi: float = 96) -> list[bytes]:
    """Return the pages as PNG: what the tests and people who draw the template look at."""
    document = json.dumps(data, ensure_ascii=False, sort_keys=True)
    images = _compiler(template).compile(
        format="png", ppi=ppi, sys_inputs={"data": document}, timestamp=_TIMESTAMP
    )
    return images if isinstance(images, list) else [images or b""]


def qr_code(address: str) -> str:
    """Return an address as a QR code: SVG, black on transparent, with its quiet zone."""
    out = io.BytesIO()
    segno.make(address, error="m", micro=False).save(out, kind="svg", xmldecl=False, border=2)
    return out.getvalue().decode("utf-8")


# A public page serves these: whoever asks again and again costs no second printing.
@lru_cache(maxsize=16)
def _compiled(template: str, document: str) -> bytes:
    made = _compiler(template).compile(
        format="pdf",
        sys_inputs={"data": document},
        pdf_standards="ua-1",
        timestamp=_TIMESTAMP,
    )
    if not isinstance(made, bytes):
        raise TypeError("Typst made no PDF")
    return made


def _compiler(template: str) -> typst.Compiler:
    source = files(__package__).joinpath(f"{template}.typ").read_bytes()
    return typst.Compiler(source, font_paths=_fonts())
