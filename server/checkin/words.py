"""How the API writes a moment."""

from datetime import UTC, datetime


def as_text(moment: datetime) -> str:
    """RFC 3339, UTC, with Z, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
