"""Whether a database gave a transaction up only because another one was in its way."""

_POSTGRESQL = {"40P01", "40001"}  # deadlock_detected, serialization_failure
_SQLITE = {5, 6}  # SQLITE_BUSY, SQLITE_LOCKED


def met_another(error: Exception) -> bool:
    """Say whether an ``OperationalError`` says only that another transaction was in the way."""
    cause = error.__cause__
    sqlite_code = getattr(cause, "sqlite_errorcode", 0) or 0
    return getattr(cause, "sqlstate", None) in _POSTGRESQL or sqlite_code & 0xFF in _SQLITE
