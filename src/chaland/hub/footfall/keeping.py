"""How long the hub keeps what, in one place: services delete by it, the assessment states it."""

from datetime import timedelta

SKETCHES = timedelta(hours=24)
"""After the end of their local day, at the latest; then only the town's estimates are left."""

OBJECTIONS = timedelta(days=30)
"""A bit of the objection filter, after it was first asked for: asking again does not renew it."""

OBJECTIONS_ALARM_SHARE = 0.02
"""A fuller filter is no longer people objecting: somebody is blinding the town."""

MEASUREMENT_AT_MOST = timedelta(days=731)
"""From today to the end that a director may set: two years."""

END_IS_NEAR = timedelta(days=30)
"""From then on the pages warn."""
