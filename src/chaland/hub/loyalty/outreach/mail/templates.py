"""The one frame of all mails: sober, dark or light as the reader has it, nothing loaded from
elsewhere, and a text part that says the same.

Both parts are made of one list of blocks, so that they can't say different things. MJML makes the
HTML when a text is saved; placeholders stay in it and are filled for each member.
"""

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import override
from mjml import mjml2html

from chaland.hub.loyalty.models import Campaign, CampaignText

UNSUBSCRIBE = "{origin}/u/{unsubscribe}/"
PREFERENCES = "{origin}/u/{unsubscribe}/choices/"
_FONTS = "-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
_INK, _SOFT, _PAPER, _GROUND, _ACCENT = "#1b2430", "#5a6472", "#ffffff", "#f3f4f6", "#1d5fa8"

_HEAD = f"""
<mj-raw><meta name="color-scheme" content="light dark"/>
<meta name="supported-color-schemes" content="light dark"/></mj-raw>
<mj-attributes><mj-all font-family="{_FONTS}"/>
<mj-text color="{_INK}" font-size="16px" line-height="1.5" padding="8px 24px"/></mj-attributes>
<mj-style>h1 {{ margin: 0; font-size: 24px; line-height: 1.25; }} p {{ margin: 0; }}
:root {{ color-scheme: light dark; }}
@media (prefers-color-scheme: dark) {{
body, .ground {{ background: #12161c !important; }}
.paper, .paper > table, .paper td {{ background: #1b222b !important; }}
.ink div {{ color: #e8ebef !important; }} .soft div, .soft a {{ color: #aab3bf !important; }}
.act a, .act td {{ background: #8ab8ee !important; color: #0d1622 !important; }} }}</mj-style>
"""


@dataclass(frozen=True, slots=True)
class Letter:
    """What the frame needs of a campaign's text; ``button`` leads to {link}."""

    language: str
    subject: str
    body: str
    button: str = ""
    sale: bool = False
    automatic: str = ""

    @classmethod
    def of(cls, text: CampaignText, campaign: Campaign) -> "Letter":
        """Take a campaign's text as it was saved."""
        return cls(
            text.language, text.subject, text.body, text.button,
            campaign.sale_id is not None, campaign.automatic,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Block:
    kind: str  # heading, text, sale, button, foot, link
    text: str
    link: str = ""


def compile_html(letter: Letter) -> str:
    """Return the HTML part with its placeholders open; done once, when a text is saved."""
    blocks = list(_blocks(letter))
    top = "".join(_mjml(block) for block in blocks if block.kind not in ("foot", "link"))
    foot = "".join(_mjml(block) for block in blocks if block.kind in ("foot", "link"))
    source = (
        f'<mjml lang="{letter.language}" dir="ltr"><mj-head>'
        f"<mj-title>{html.escape(letter.subject)}</mj-title>{_HEAD}</mj-head>"
        f'<mj-body background-color="{_GROUND}" css-class="ground">'
        f'<mj-section css-class="paper" background-color="{_PAPER}"><mj-column>{top}</mj-column>'
        f"</mj-section><mj-section><mj-column>{foot}</mj-column></mj-section></mj-body></mjml>"
    )
    return str(mjml2html(source, disable_comments=True, fonts={}))


def plain_text(letter: Letter) -> str:
    """Return the text part, placeholders open: the same words, with links written out."""
    lines = []
    for block in _blocks(letter):
        if block.kind == "heading":
            lines += [block.text, ""]
        elif block.link:
            lines += [f"{block.text}{_colon(letter.language)} {block.link}", ""]
        else:
            lines += [block.text, ""]
    return "\n".join(lines)


def said_once(common: Mapping[str, str]) -> dict[str, str]:
    """Return a campaign's words with the association left out where it is itself who writes."""
    once = dict(common)
    if once["association"] == once["shop"]:
        once["association"] = ""
    return once


def _blocks(letter: Letter) -> Iterator[_Block]:
    yield _Block("heading", letter.subject)
    for paragraph in "\n".join(line.strip() for line in letter.body.splitlines()).split("\n\n"):
        if paragraph.strip():
            yield _Block("text", paragraph.strip())
    with override(letter.language):
        if letter.sale:
            yield _Block("sale", "{sale}\n{dates}\n{place}\n" + _("Your code: %s") % "{code}")
        if letter.button:
            yield _Block("button", letter.button, "{link}")
        yield _Block("foot", _why(letter.automatic))
        yield _Block("foot", "{shop}, {association}\n{postal}")
        yield _Block("link", _("Unsubscribe with one click"), UNSUBSCRIBE)
        yield _Block("link", _("Choose my messages"), PREFERENCES)


def _why(automatic: str) -> str:
    if automatic == Campaign.Automatic.RECEIPT:
        return _("You get this message because you asked for your receipt by e-mail.")
    if automatic:
        return _("You get this message because you chose this reminder in your loyalty account.")
    return _("You get this message because you agreed to get offers from {shop} by e-mail.")


def _mjml(block: _Block) -> str:
    text = "<br/>".join(html.escape(line) for line in block.text.split("\n"))
    match block.kind:
        case "heading":
            return f'<mj-text css-class="ink"><h1>{text}</h1></mj-text>'
        case "sale":
            text = text.replace("{code}", '<span style="white-space:nowrap">{code}</span>')
            return (
                '<mj-text css-class="ink" padding="16px 24px" font-weight="600">'
                f'<p style="border-left:4px solid {_ACCENT};padding-left:12px">{text}</p></mj-text>'
            )
        case "button":
            return (
                f'<mj-button css-class="act" align="left" href="{block.link}" color="#ffffff"'
                f' background-color="{_ACCENT}" border-radius="6px" font-size="16px"'
                f' inner-padding="14px 24px" padding="16px 24px">{text}</mj-button>'
            )
        case "link":
            inner = f'<a href="{block.link}" style="color:{_SOFT}">{text}</a>'
            return _small(inner)
        case "foot":
            return _small(f"<p>{text}</p>")
    return f'<mj-text css-class="ink"><p>{text}</p></mj-text>'


def _small(inner: str) -> str:
    return (
        f'<mj-text css-class="soft" color="{_SOFT}" font-size="13px" padding="4px 24px">'
        f"{inner}</mj-text>"
    )


def _colon(language: str) -> str:
    return "\u00a0:" if language == "fr" else ":"
