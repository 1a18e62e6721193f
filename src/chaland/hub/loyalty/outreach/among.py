"""Rows of some hundred ids, as a claim asks for them: written out, because Django's ``__in`` takes
more time for each id than the database takes for its row."""

from collections.abc import Iterable

from django.db.models import BooleanField
from django.db.models.expressions import RawSQL


def among(column: str, ids: Iterable[int]) -> RawSQL:
    """Return the condition that ``column`` (``table.column``, our own name) is one of ``ids``."""
    listed = ", ".join(str(int(number)) for number in sorted(ids)) or "NULL"
    return RawSQL(f"{column} IN ({listed})", (), output_field=BooleanField())  # noqa: S611  # numbers
