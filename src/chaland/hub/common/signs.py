"""Signs that nobody sees: they break a line, turn its direction round, or hide in a name."""

import unicodedata

_UNSEEN = frozenset(("Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"))
"""Unicode's categories: controls, formats, line separators, half signs, private and none."""


def unseen(text: str) -> str:
    """Return the signs of a text that show nothing, in order; spaces are seen."""
    return "".join(sign for sign in text if unicodedata.category(sign) in _UNSEEN)


def on_one_line(text: str) -> str:
    """Return a text with one space for each gap or break, and without signs that show nothing."""
    gapless = " ".join(text.split())
    seen = gapless.translate(dict.fromkeys(map(ord, unseen(gapless))))
    return " ".join(seen.split())  # a word of such signs alone leaves two gaps, or one at an end
