"""Who may what: the table of the contract, as far as what it speaks of is built."""

from __future__ import annotations

import pytest

from server.people.rules import (
    ALLOWED,
    IN_NEED,
    Action,
    AgencyAction,
    Role,
    clean_name,
    may,
    may_agency,
)

COLUMNS = (
    "child",
    "caseworker",
    "supervisor",
    "guardian",
    "carer",
    "advocate",
    "administrator",
)
YES, NO = True, False
# A Persian name whose two parts are kept apart by a joiner.
JOINED = "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627"

# Read off contract.md, "Who may what", a row for each thing.
TABLE: dict[Action, tuple[bool, ...]] = {
    Action.CHECK_IN: (YES, NO, NO, NO, NO, NO, NO),
    Action.CHECK_IN_FOR: (NO, YES, NO, NO, YES, NO, NO),
    Action.SIGHTING_NOTE: (NO, YES, YES, YES, YES, YES, NO),
    Action.RHYTHM_PROPOSE: (YES, YES, YES, NO, NO, NO, NO),
    Action.RHYTHM_AGREE: (NO, YES, YES, NO, NO, NO, NO),
    Action.ABSENCE_ASK: (YES, NO, NO, NO, NO, NO, NO),
    Action.PAUSE: (NO, YES, YES, NO, NO, NO, NO),
    Action.RHYTHM_SEE: (YES, YES, YES, YES, NO, NO, NO),
    Action.PLACEMENT_CHANGE: (NO, YES, YES, NO, NO, NO, NO),
    Action.TIER_SET: (NO, YES, YES, NO, NO, NO, NO),
    Action.ALERT_SEE: (NO, YES, YES, YES, NO, NO, NO),
    Action.ALERT_ACKNOWLEDGE: (NO, YES, YES, NO, NO, NO, NO),
    Action.ALERT_CLOSE: (NO, YES, YES, NO, NO, NO, NO),
    Action.GLASS_END: (NO, NO, YES, NO, NO, NO, NO),
    Action.ALERT_EXPLAIN: (NO, YES, YES, NO, NO, NO, NO),
    Action.QUESTION_ANSWER: (NO, NO, NO, NO, YES, NO, NO),
    Action.EPISODE_OPEN: (NO, YES, YES, YES, YES, YES, NO),
    Action.ADVOCATE_INVITE: (NO, YES, YES, NO, NO, NO, NO),
    Action.ADVOCATE_KEEP: (YES, NO, NO, NO, NO, NO, NO),
    Action.ADVOCACY: (NO, NO, NO, NO, NO, YES, NO),
    Action.INVITE: (NO, YES, NO, NO, NO, NO, NO),
    Action.TIES_CHANGE: (NO, NO, YES, NO, NO, NO, NO),
    Action.LOOKS_SEE: (YES, YES, YES, YES, NO, NO, NO),
    Action.DEVICES_SEE: (YES, YES, YES, NO, NO, NO, NO),
    Action.DEVICES_SHUT_OUT: (YES, YES, YES, NO, NO, NO, NO),
}


@pytest.mark.parametrize("action", TABLE)
def test_the_rights_are_those_of_the_contract(action: Action) -> None:
    for column, allowed in zip(COLUMNS, TABLE[action], strict=True):
        assert may(frozenset({Role(column)}), action) is allowed, column


def test_an_administrator_has_no_right_at_any_child() -> None:
    assert ALLOWED[Role.ADMINISTRATOR] == frozenset()


def test_every_role_has_a_column() -> None:
    # An emergency has seats of its own: tests/alerts/test_called_access.py and test_glass.py.
    # People of an area have no right at any child, like administrators.
    assert ALLOWED[Role.OVERSIGHT] == frozenset()
    assert set(ALLOWED) - IN_NEED - {Role.OVERSIGHT} == {Role(column) for column in COLUMNS}
    assert set(ALLOWED) == set(Role)


def test_people_and_ties_are_the_administrators_and_policies_are_not() -> None:
    for role in Role:
        is_administrator = role is Role.ADMINISTRATOR
        assert may_agency(role, AgencyAction.PEOPLE_CHANGE) is is_administrator
        assert may_agency(role, AgencyAction.TIES_CHANGE) is is_administrator
        assert may_agency(role, AgencyAction.POLICY_CHANGE) is (role is Role.SUPERVISOR)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("  Noor   Haddadin ", "Noor Haddadin"),
        ("نور", "نور"),
        (JOINED, JOINED),
        ("turned\u202eround", None),
        ("", None),
        (" \t", None),
        ("x" * 121, None),
        ("bell\u0007", None),
    ],
)
def test_what_can_be_a_name(typed: str, name: str | None) -> None:
    assert clean_name(typed) == name
