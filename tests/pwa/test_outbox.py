"""The outbox by itself: each kind of message goes out as it always did, and none is lost.

The app's own files run under Node, without a browser, over its store in memory.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.pwa.test_merge import run_node

AT = "2026-11-27T09:00:00Z"
EPOCH = {"id": "an epoch", "from_at": "2026-01-01T00:00:00Z"}
OK = {"id": "c", "said_at": AT, "mood": 1, "note": "x", "want": "nothing", "mark": "b"}
HELP = OK | {"id": "h", "want": "help", "how": "quiet"}
WISH = {"rhythm": {"at": ["18:00"]}, "first": None, "words": "Later, please."}
NAMING = {"name": "Rosa", "reach": "+33600000000", "also_help": True}
OWN = {"said_at": AT, "child": "m", "base": 3, "fields": {"a": "new"}, "seen": [{"a": "old"}]}
CHANGE = {"id": "g", "entity": "goal", "entity_id": "1", "field": "*", "base": None, "value": {}}

# What each kind is stored as, under which id it is put in, and how it goes out.
KINDS: dict[str, tuple[dict[str, Any], str | None, str, Any]] = {
    "check_in": (OK, "c", "POST /check-ins", OK),
    "language": ({"language": "ar"}, "language-child-0", "PATCH /me", {"language": "ar"}),
    "rhythm": ({"said_at": AT} | WISH, None, "POST /rhythm/proposals", WISH),
    "take-back": (
        {"said_at": AT, "proposal": "p"},
        "take-back-p",
        "POST /rhythm/proposals/p/take-back",
        None,
    ),
    "forgot": ({"said_at": AT, "round": "r"}, "forgot-r", "POST /me/rounds/r/forgot", None),
    "shared": (
        {"said_at": AT, "question": "q", "words": "Rex"},
        None,
        "POST /me/questions/q",
        {"words": "Rex"},
    ),
    "trusted": ({"said_at": AT} | NAMING, None, "POST /trusted", NAMING),
    "own": (OWN, None, "PUT /children/m/pack", {"base": 3, "fields": {"a": "new"}}),
}
NAMED = {"rhythm", "shared", "trusted"}
ALONE = pytest.mark.parametrize("kind", KINDS)


def _content(kind: str) -> dict[str, Any]:
    return {"kind": kind, "body": KINDS[kind][0]}


def _phone(**phone: Any) -> dict[str, Any]:
    (result,) = run_node("outbox.mjs", [phone])
    assert isinstance(result, dict)
    return result


@ALONE
def test_what_an_earlier_version_stored_goes_out_as_it_always_did(kind: str) -> None:
    _body, _id, request, sent = KINDS[kind]
    phone = _phone(rows=[["c", _content(kind)]])
    assert phone["requests"] == [[request, sent | {"id": "c"} if kind in NAMED else sent]]
    assert (phone["waiting"], phone["halt"]) == ([], None)
    assert phone["receipts"] == (["c"] if kind == "check_in" else [])


@ALONE
def test_a_kind_is_put_in_under_its_own_id_and_twice_is_once(kind: str) -> None:
    id_ = KINDS[kind][1]
    offline = {KINDS[kind][2]: [0, None]}
    phone = _phone(put=[_content(kind)] * 2, answers=offline)
    ids = [waiting[0] for waiting in phone["waiting"]]
    assert (ids == [id_]) if id_ else (len(set(ids)) == 2)
    assert phone["halt"] == "network"


@ALONE
def test_what_is_refused_for_good_stays_and_what_comes_after_it_goes_on(kind: str) -> None:
    refusal = [422, {"code": "invalid", "detail": "Too late."}]
    rows = [["c", _content(kind)], ["language-x", _content("language")]]
    answers = {"c": refusal, KINDS[kind][2]: refusal}
    if kind == "language":
        rows = rows[:1]
    phone = _phone(rows=rows, answers=answers)
    sentence = "Too late." if kind in {"rhythm", "take-back", "trusted", "own"} else None
    assert phone["waiting"] == ([] if kind == "forgot" else [["c", "invalid", sentence]])
    assert phone["requests"][-1][0] == "PATCH /me"


@ALONE
@pytest.mark.parametrize(
    ("answer", "halt"),
    [
        ([401, {"code": "unauthenticated"}], "unauthenticated"),
        ([503, {"code": "unavailable"}], "busy"),
        ([0, None], "network"),
    ],
)
def test_what_could_not_be_sent_waits_as_it_is(kind: str, answer: list[Any], halt: str) -> None:
    phone = _phone(rows=[["c", _content(kind)]], answers={KINDS[kind][2]: answer})
    assert phone["halt"] == halt
    assert phone["stored"] == [["c", _content(kind)]]


def test_help_goes_first_and_the_rest_in_its_order() -> None:
    rows = [[f"{n}", _content(kind)] for n, kind in enumerate(("forgot", "trusted", "rhythm"))]
    phone = _phone(rows=[*rows, ["h", {"kind": "check_in", "body": HELP}]])
    assert [request.split()[1] for request, _ in phone["requests"]] == [
        "/check-ins",
        "/me/rounds/r/forgot",
        "/trusted",
        "/rhythm/proposals",
    ]


@pytest.mark.parametrize(
    "value",
    [{"kind": "poem", "body": {"said_at": AT, "words": "x"}}, {"kind": "toString"}, {}, None, "x"],
    ids=str,
)
def test_what_another_version_stored_is_shown_never_sent_and_holds_nothing_up(value: Any) -> None:
    phone = _phone(rows=[["p", value], ["c", _content("check_in")]])
    assert [request for request, _ in phone["requests"]] == ["POST /check-ins"]
    assert phone["waiting"] == [["p", "unreadable", None]]
    # The row is untouched, for the version that knows it.
    assert phone["stored"] == [["p", value]]


@pytest.mark.parametrize("answer", [{"id": "another", "received_at": AT}, {"id": "c"}, {}])
def test_only_an_answer_about_this_very_check_in_is_a_confirmation(answer: Any) -> None:
    phone = _phone(rows=[["c", _content("check_in")]], answers={"c": [200, answer]})
    assert (phone["halt"], phone["receipts"]) == ("network", [])
    assert phone["stored"] == [["c", _content("check_in")]]


def test_the_day_that_is_kept_has_neither_the_mark_nor_how_help_is_wanted() -> None:
    phone = _phone(rows=[["h", {"kind": "check_in", "body": HELP}]])
    assert phone["days"] == [["id", "mood", "note", "received_at", "said_at", "want"]]


def test_what_is_taken_back_before_the_server_knew_it_may_go() -> None:
    answers = {KINDS["take-back"][2]: [404, {"code": "not_found", "detail": ""}]}
    assert _phone(rows=[["t", _content("take-back")]], answers=answers)["waiting"] == []


def test_after_a_backup_everything_but_languages_and_shared_answers_is_handed_in_again() -> None:
    rows = [["c" if kind == "check_in" else kind, _content(kind)] for kind in KINDS]
    phone = _phone(rows=rows, epoch=EPOCH)
    kept = {"rhythm", "take-back", "forgot", "trusted", "own"}
    assert {*phone["sent"]} == kept
    assert {id_ for id_, _, _ in phone["waiting"]} == kept | {"c"}


def test_own_words_go_on_from_what_the_child_had_seen_and_from_nothing_else() -> None:
    path, changed = "/children/m/pack", [409, {"code": "changed", "detail": "Other words."}]
    for stands, left in (({"a": "old"}, []), ({"a": "x"}, [["o", "changed", "Other words."]])):
        answers = {
            f"GET {path}": [200, {"version": 5, "fields": stands}],
            f"PUT {path}": [changed, [200, {}]],
        }
        phone = _phone(rows=[["o", _content("own")]], answers=answers)
        assert phone["waiting"] == left
        bases = [sent["base"] for request, sent in phone["requests"] if request == f"PUT {path}"]
        assert bases == ([3, 5] if not left else [3])


def test_changes_of_a_project_go_out_together_after_all_else() -> None:
    place = {"child": "m", "path": "/children/m/project"}
    change = {"kind": "change", "place": place, "as": {"id": "m", "role": "child"}}
    rows = [[id_, change | {"body": CHANGE | {"id": id_}}] for id_ in ("g", "k")]
    result = {"status": "applied", "received_at": AT}
    answer = {
        "results": [{"id": id_} | result for id_ in ("g", "k")],
        "changes": [],
        "cursor": "1",
    }
    sync = "POST /children/m/project/sync"
    answers = {sync: [[200, answer], [200, {"results": [], "changes": [], "cursor": "1"}]]}
    phone = _phone(rows=[*rows, ["c", _content("check_in")]], answers=answers)
    assert [request for request, _ in phone["requests"]] == ["POST /check-ins", sync, sync]
    assert [change["id"] for change in phone["requests"][1][1]["changes"]] == ["g", "k"]
    assert phone["waiting"] == []
