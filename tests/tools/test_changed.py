"""`make test-changed` runs what a change can affect, and everything where it cannot tell."""

from __future__ import annotations

import pytest

from tools.changed import chosen

SOURCES = {
    "server/app.py": "from server.people import pages",
    "server/people/rules.py": "",
    "server/people/pages.py": "from server.people.rules import may",
    "server/watch/actions.py": "from server.people import rules",
    "tests/cast.py": "from server.app import create_app",
    "tests/people/test_rules.py": "from server.people.rules import may",
    "tests/watch/watches.py": "from server.watch import actions",
    "tests/watch/test_actions.py": "from tests.watch import watches",
    "tests/desk/test_board.py": "from tests.cast import Cast",
    "tests/test_layers.py": "",
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ([], set()),
        (["tests/desk/test_board.py"], {"tests/desk/test_board.py"}),
        (["tests/watch/watches.py"], {"tests/watch/test_actions.py"}),
        (["server/watch/actions.py"], {"tests/watch", "tests/watch/test_actions.py"}),
        (
            ["server/people/rules.py"],
            {"tests/people", "tests/people/test_rules.py", "tests/watch/test_actions.py"},
        ),
        # Pages are beside what they show; nobody imports them but the application.
        (["server/people/templates/page.html"], {"tests/people", "tests/people/test_rules.py"}),
        (["README.md"], {"tests/test_docs.py"}),
        (["migrations/0002_more.py"], {"tests/storage", "tests/records"}),
        (["server/app.py"], {"tests"}),
        (["tests/fixtures_cast.py"], {"tests"}),
        (["pyproject.toml"], {"tests"}),
    ],
)
def test_what_imports_a_change_or_shares_its_room_is_run(
    changed: list[str], expected: set[str]
) -> None:
    assert expected <= chosen(changed, SOURCES)
    assert "tests/desk/test_board.py" not in chosen(changed, SOURCES) - expected


def test_a_module_that_is_gone_is_still_looked_for() -> None:
    left = {path: text for path, text in SOURCES.items() if path != "server/people/rules.py"}
    assert "tests/people/test_rules.py" in chosen(["server/people/rules.py"], left)


def test_nothing_is_run_where_nothing_changed() -> None:
    assert chosen([], SOURCES) == set()
