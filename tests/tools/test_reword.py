"""A message is reworded where it is one, in every kind of file, and nowhere else."""

import ast
from collections.abc import Callable

import pytest

from tools import reword
from tools.catalogs import Kept, Used
from tools.reword import Change, Edit, Plan

CHANGES = (
    Change("Look", "Open", texts={"fr": "Ouvrir", "ar": "فتح"}),
    Change("Open", "Show", texts={"fr": "Montrer", "ar": "إظهار"}),
    Change("Somebody waits.", "It's “waiting”.", texts={"fr": "On attend.", "ar": "انتظار."}),
    Change("{n} thing", "{n} item", "{n} things", "{n} items", {"fr": ["a", "b"], "ar": ["c"] * 6}),
    Change("{name} has it until {time}", "With {name} until {time}", texts={"fr": "x", "ar": "y"}),
)
LONG = "This is a sentence that is much too long for one line of a file and goes on: it ends here."


def plan() -> Plan:
    return Plan({change.old: change for change in CHANGES})


def edited(text: str, edits: list[Edit]) -> str:
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


@pytest.mark.parametrize(
    ("reader", "before", "after"),
    [
        (reword.in_python, 'é = N_("Look")', 'é = N_("Open")'),
        (reword.in_python, 'N_("Lo" "ok"); N_("Open")', 'N_("Open"); N_("Show")'),
        (reword.in_python, 'gettext(language, "Open")', 'gettext(language, "Show")'),
        (
            reword.in_python,
            'ngettext(language, "{n} thing", "{n} things", n)',
            'ngettext(language, "{n} item", "{n} items", n)',
        ),
        (reword.in_python, "raise Refused('Open')", 'raise Refused("Show")'),
        # A whole sentence is a message wherever it stands; a word may be anything.
        (reword.in_python, 'say("Somebody waits.")', 'say("It\'s “waiting”.")'),
        (reword.in_python, 'mode = "Open"', 'mode = "Open"'),
        (reword.in_template, "<a href=\"{{ _('Open') }}\">", "<a href=\"{{ _('Show') }}\">"),
        (reword.in_template, "{{ _('Somebody waits.') }}", '{{ _("It\'s “waiting”.") }}'),
        (reword.in_template, "{% set mode = 'Open' %}", "{% set mode = 'Open' %}"),
        (
            reword.in_template,
            '{{ ngettext("{n} thing", "{n} things", n) }}',
            '{{ ngettext("{n} item", "{n} items", n) }}',
        ),
        (reword.in_typescript, 't("Lo" +\n  "ok")', 't("Open")'),
        (reword.in_typescript, 'about("Open")', 'about("Open")'),
        (
            reword.in_typescript,
            'tn("{n} thing", "{n} things", n)',
            'tn("{n} item", "{n} items", n)',
        ),
    ],
)
def test_a_message_is_reworded_where_it_is_marked(
    reader: Callable[[str, str, Plan], list[Edit]], before: str, after: str
) -> None:
    assert edited(before, reader(before, "a", plan())) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('assert "Somebody waits." in page', 'assert "It\'s “waiting”." in page'),
        ('click("Open")', 'click("Show")'),
        ('press("Open")', 'press("Open")'),
        ('x = "Tom has it until 18:00"', 'x = "With Tom until 18:00"'),
        ('f"{name} has it until {at}"', 'f"With {name} until {at}"'),
        ('x = "what is, has it until now"', 'x = "what is, has it until now"'),
        ('"""Somebody waits."""', '"""Somebody waits."""'),
    ],
)
def test_a_test_expects_the_new_words(before: str, after: str) -> None:
    kept = {language: Kept() for language in ("fr", "ar")}
    texts = reword.pairs(plan(), kept)
    assert edited(before, reword.in_test(before, "a", texts, plan())) == after


def test_what_is_left_alone_is_named() -> None:
    seen = plan()
    assert reword.in_python('x = "Open"', "server/x.py", seen) == []
    assert seen.left == ["server/x.py:1: 'Open'"]


def test_a_long_message_is_written_in_parts_that_are_the_message() -> None:
    literal = reword._python_literal(LONG, 40)
    assert max(len(line) for line in literal.split("\n")) <= 42
    assert ast.literal_eval(f"({literal})") == LONG


def test_translations_move_with_their_message_and_are_fuzzy_where_nobody_gave_them() -> None:
    kept = Kept(texts={"Look": "Regarder", "Open": "Ouvrir", "Close": "Fermer"}, fuzzy={"Close"})
    changes = {"Look": Change("Look", "Open"), "Open": CHANGES[1]}
    moved = reword._moved(kept, Plan(changes), "fr")
    assert moved.texts == {"Open": "Regarder", "Show": "Montrer", "Close": "Fermer"}
    assert moved.fuzzy == {"Open", "Close"}


def test_a_change_that_cannot_be_right_is_refused() -> None:
    used = {"Look": Used("Look"), "{n} thing": Used("{n} thing", "{n} things")}
    twice = Change("Look", "Open", texts={"fr": "Voir"})
    wrong = reword.faults([*CHANGES[:1], twice, Change("Gone", "Here"), CHANGES[3]], used)
    assert list(wrong) == [
        "“Look” is given twice",
        "“Open” has two translations",
        "“Gone” is no message",
    ]
