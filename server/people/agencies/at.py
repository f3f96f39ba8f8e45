"""Which agency a child was with at a moment, by their ties at that time, as a part of a statement.

What is written about a child goes along to the next agency. What happened before is counted where
it happened. Otherwise a transfer could hide it, and the new home, or the people on its shifts,
would answer for what happened elsewhere.
"""


def agency_at(at: str) -> str:
    """The agency that the child `c` was with at that moment: that of the last tie to begin among
    those valid then; without one, the current agency."""
    return (
        "COALESCE((SELECT t.agency_id FROM tie t WHERE t.child_id = c.id"  # noqa: S608
        f" AND t.from_at <= {at} AND (t.until_at IS NULL OR t.until_at > {at})"
        " ORDER BY t.from_at DESC, t.id DESC LIMIT 1), c.agency_id)"
    )


def was_with(agency: str, at: str) -> str:
    """Whether the child `c` was with this agency at that moment, by `agency_at`."""
    return f"{agency_at(at)} = {agency}"


def was_elsewhere(agency: str) -> str:
    """Whether the child `c` ever had a tie in another agency: without one, `was_with` is true."""
    return f"EXISTS (SELECT 1 FROM tie t WHERE t.child_id = c.id AND t.agency_id <> {agency})"  # noqa: S608
