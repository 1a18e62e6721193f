"""What a rule may say: its kind's parameters, checked; anything else is refused with its name."""

from collections.abc import Callable, Mapping

from chaland.hub.loyalty.programmes.rules import KINDS, MULTIPLIER, PRODUCT, PURCHASE, SPEND

UNITS_MAX = 10_000
CENTS_MAX = 10_000_000
PERCENT_MAX = 1_000
NAMES_MAX, NAME_LENGTH_MAX = 50, 64


class ParameterErrorFinal(Exception):
    """A parameter isn't as its rule's kind asks. ``field`` names it (or is ``kind``), ``reason`` is
    one of ``unknown``, ``missing``, ``range``, ``type``, ``empty``."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field, self.reason = field, reason


def _whole(least: int, most: int) -> Callable[[str, object], int]:
    def check(name: str, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ParameterErrorFinal(name, "type")
        if not least <= value <= most:
            raise ParameterErrorFinal(name, "range")
        return value

    return check


def _weekdays(name: str, value: object) -> list[int]:
    if not isinstance(value, list) or not all(type(day) is int for day in value):
        raise ParameterErrorFinal(name, "type")
    if not all(0 <= day <= 6 for day in value):
        raise ParameterErrorFinal(name, "range")
    return sorted(set(value))


def _names(name: str, value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise ParameterErrorFinal(name, "type")
    # Lower case here, so that rules compare without thinking, in both languages.
    names = sorted({text.strip().lower() for text in value} - {""})
    if len(names) > NAMES_MAX or any(len(text) > NAME_LENGTH_MAX for text in names):
        raise ParameterErrorFinal(name, "range")
    return names


def _yes(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ParameterErrorFinal(name, "type")
    return value


_FIELDS: Mapping[str, Mapping[str, Callable[[str, object], object]]] = {
    SPEND: {"units": _whole(1, UNITS_MAX), "per_cents": _whole(1, CENTS_MAX)},
    PURCHASE: {"units": _whole(1, UNITS_MAX), "min_cents": _whole(0, CENTS_MAX)},
    PRODUCT: {"units": _whole(1, UNITS_MAX), "items": _names, "groups": _names},
    MULTIPLIER: {
        "percent": _whole(101, PERCENT_MAX),
        "weekdays": _weekdays,
        "from_minute": _whole(0, 1439),
        "to_minute": _whole(1, 1440),
        "groups": _names,
        "first_purchase": _yes,
        "birthday_month": _yes,
    },
}
_NEEDED = {
    SPEND: ("units", "per_cents"),
    PURCHASE: ("units", "min_cents"),
    PRODUCT: ("units",),
    MULTIPLIER: ("percent",),
}


def checked(kind: str, parameters: Mapping[str, object]) -> dict[str, object]:
    """Return a rule's parameters as the engine takes them, without empty ones.

    ParameterErrorFinal names the first that is unknown, missing or out of its range.
    """
    if kind not in KINDS:
        raise ParameterErrorFinal("kind", "unknown")
    fields = _FIELDS[kind]
    for name in parameters:
        if name not in fields:
            raise ParameterErrorFinal(name, "unknown")
    for name in _NEEDED[kind]:
        if name not in parameters:
            raise ParameterErrorFinal(name, "missing")
    found = {name: check(name, parameters[name]) for name, check in fields.items()
             if name in parameters}  # fmt: skip
    if kind == PRODUCT and not (found.get("items") or found.get("groups")):
        raise ParameterErrorFinal("items", "empty")
    start, end = found.get("from_minute", 0), found.get("to_minute", 1440)
    if isinstance(start, int) and isinstance(end, int) and start >= end:
        raise ParameterErrorFinal("to_minute", "range")
    return {name: value for name, value in found.items() if value not in ([], False)}
