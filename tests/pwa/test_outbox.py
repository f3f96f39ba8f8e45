"""The outbox by itself: each kind of message goes out as it always did, and none is lost.

The app's own files run under Node, without a browser, over its store in memory.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.pwa.test_merge import node

AT = "2026-11-27T09:00:00Z"
EPOCH = {"id": "an epoch", "from_at": "2026-01-01T00:00:00Z"}
OK = {"id": "c", "said_at": AT, "mood": 1, "note": "x", "want": "nothing", "mark": "b"}
HELP = OK | {"id": "h", "want": "help", "how": "quiet"}
WISH = {"rhythm": {"at": ["18:00"]}, "first": None, "words": "Later, please."}
NAMING = {"name": "Rosa", "reach": "+33600000000", "also_help": True}
AWAY = {"from_at": AT, "until_at": AT, "place": "At my cousin's", "words": None}
ABOUT = {"kind": "look", "id": "7", "at": AT, "shown": "Your page"}
ASKING = {"about": ABOUT, "words": "Why?", "to": "supervisor"}
OWN = {"said_at": AT, "child": "m", "base": 3, "fields": {"a": "new"}, "seen": [{"a": "old"}]}
CHANGE = {"id": "g", "entity": "goal", "entity_id": "1", "field": "*", "base": None, "value": {}}

# What each kind is stored as, under which id it is put in, and how it goes out.
KINDS: dict[str, tuple[dict[str, Any], str | None, str, Any]] = {
    "check_in": (OK, "c", "POST /check-ins", OK),
    "language": ({"language": "ar"}, "language-mia", "PATCH /me", {"language": "ar"}),
    "rhythm": ({"said_at": AT} | WISH, None, "POST /rhythm/proposals", WISH),
    "take-back": (
        {"said_at": AT, "proposal": "p"},
        "take-back-p",
        "DELETE /rhythm/proposals/p",
        None,
    ),
    "away": ({"said_at": AT} | AWAY, None, "POST /absences", {"said_at": AT} | AWAY),
    "back": ({"said_at": AT, "absence": "b"}, "back-b", "DELETE /absences/b", None),
    "forgot": ({"said_at": AT, "round": "r"}, "forgot-r", "POST /me/rounds/r/forgot", None),
    "shared": (
        {"said_at": AT, "question": "q", "words": "Rex"},
        None,
        "POST /me/questions/q",
        {"words": "Rex"},
    ),
    "trusted": ({"said_at": AT} | NAMING, None, "POST /trusted", NAMING),
    "ask": ({"said_at": AT} | ASKING, None, "POST /record-questions", ASKING),
    "advocate-wish": (
        {"said_at": AT, "is_wanted": True},
        None,
        "POST /advocate-wish",
        None,
    ),
    "advocate-share": (
        {"said_at": AT, "advocate": "a", "tells_alerts": False},
        None,
        "PATCH /advocates/a",
        {"tells_alerts": False},
    ),
    "advocate-end": (
        {"said_at": AT, "advocate": "a"},
        "advocate-end-a",
        "DELETE /advocates/a",
        None,
    ),
    "own": (OWN, None, "PUT /children/m/pack", {"base": 3, "fields": {"a": "new"}}),
}
NAMED = {"rhythm", "away", "shared", "trusted", "ask"}
REPLACED = {"advocate-wish", "advocate-share"}
EXPLAINED = {"rhythm", "take-back", "away", "back", "trusted", "ask", "own"}
ALONE = pytest.mark.parametrize("kind", KINDS)


def _content(kind: str) -> dict[str, Any]:
    return {"kind": kind, "body": KINDS[kind][0]}


Outbox = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def outbox() -> Iterator[Outbox]:
    """A phone with nothing on it but what it is given; see outbox.mjs."""
    pipe = subprocess.PIPE
    with subprocess.Popen(node("outbox.mjs"), stdin=pipe, stdout=pipe, text=True) as process:

        def ask(**phone: Any) -> dict[str, Any]:
            assert process.stdin is not None
            assert process.stdout is not None
            print(json.dumps(phone), file=process.stdin, flush=True)
            answer = json.loads(process.stdout.readline())
            assert isinstance(answer, dict)
            return answer

        yield ask
        process.kill()


@ALONE
def test_what_an_earlier_version_stored_goes_out_as_it_always_did(
    outbox: Outbox, kind: str
) -> None:
    _body, _id, request, sent = KINDS[kind]
    phone = outbox(rows=[["c", _content(kind)]])
    if kind == "check_in":  # And the phone's own clock, whenever it goes out.
        sent = sent | {"sent_at": phone["requests"][0][1]["sent_at"]}
        age = datetime.now(UTC) - datetime.fromisoformat(sent["sent_at"])
        assert abs(age) < timedelta(minutes=1)
    assert phone["requests"] == [[request, sent | {"id": "c"} if kind in NAMED else sent]]
    assert (phone["waiting"], phone["halt"]) == ([], None)
    assert phone["receipts"] == (["c"] if kind == "check_in" else [])


@ALONE
def test_a_kind_is_put_in_under_its_own_id_and_twice_is_once(outbox: Outbox, kind: str) -> None:
    id_ = KINDS[kind][1]
    offline = {KINDS[kind][2]: [0, None]}
    phone = outbox(put=[_content(kind)] * 2, answers=offline)
    ids = [waiting[0] for waiting in phone["waiting"]]
    assert (ids == [id_]) if id_ else (len(set(ids)) == (1 if kind in REPLACED else 2))
    assert phone["halt"] == "network"


@ALONE
def test_what_is_refused_for_good_stays_and_what_comes_after_it_goes_on(
    outbox: Outbox, kind: str
) -> None:
    refusal = [422, {"code": "invalid", "detail": "Too late."}]
    rows = [["c", _content(kind)], ["language-x", _content("language")]]
    answers = {"c": refusal, KINDS[kind][2]: refusal}
    if kind == "language":
        rows = rows[:1]
    phone = outbox(rows=rows, answers=answers)
    sentence = "Too late." if kind in EXPLAINED else None
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
def test_what_could_not_be_sent_waits_as_it_is(
    outbox: Outbox, kind: str, answer: list[Any], halt: str
) -> None:
    phone = outbox(rows=[["c", _content(kind)]], answers={KINDS[kind][2]: answer})
    assert phone["halt"] == halt
    assert phone["stored"] == [["c", _content(kind)]]


def test_a_fault_of_ours_is_not_said_to_be_the_network_and_holds_nothing_up(
    outbox: Outbox,
) -> None:
    rows = [["c", {"kind": "trusted", "body": None}], ["language-x", _content("language")]]
    phone = outbox(rows=rows)
    assert phone["halt"] == "fault"
    assert phone["waiting"] == [["c", None, None]]
    assert [request for request, _ in phone["requests"]] == ["PATCH /me"]


def test_help_goes_first_and_the_rest_in_its_order(outbox: Outbox) -> None:
    rows = [[f"{n}", _content(kind)] for n, kind in enumerate(("forgot", "trusted", "rhythm"))]
    phone = outbox(rows=[*rows, ["h", {"kind": "check_in", "body": HELP}]])
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
def test_what_another_version_stored_is_shown_never_sent_and_holds_nothing_up(
    outbox: Outbox, value: Any
) -> None:
    phone = outbox(rows=[["p", value], ["c", _content("check_in")]])
    assert [request for request, _ in phone["requests"]] == ["POST /check-ins"]
    assert phone["waiting"] == [["p", "unreadable", None]]
    # The row is untouched, for the version that knows it.
    assert phone["stored"] == [["p", value]]


@pytest.mark.parametrize("answer", [{"id": "another", "received_at": AT}, {"id": "c"}, {}])
def test_only_an_answer_about_this_very_check_in_is_a_confirmation(
    outbox: Outbox, answer: Any
) -> None:
    phone = outbox(rows=[["c", _content("check_in")]], answers={"c": [200, answer]})
    assert (phone["halt"], phone["receipts"]) == ("network", [])
    assert phone["stored"] == [["c", _content("check_in")]]


def test_the_day_that_is_kept_has_neither_the_mark_nor_how_help_is_wanted(outbox: Outbox) -> None:
    phone = outbox(rows=[["h", {"kind": "check_in", "body": HELP}]])
    assert phone["days"] == [["id", "mood", "note", "received_at", "said_at", "want"]]


def test_what_is_taken_back_before_the_server_knew_it_may_go(outbox: Outbox) -> None:
    for kind in ("take-back", "back", "advocate-share", "advocate-end"):
        answers = {KINDS[kind][2]: [404, {"code": "not_found", "detail": ""}]}
        assert outbox(rows=[["t", _content(kind)]], answers=answers)["waiting"] == []


def test_after_a_backup_everything_but_languages_and_shared_answers_is_handed_in_again(
    outbox: Outbox,
) -> None:
    rows = [["c" if kind == "check_in" else kind, _content(kind)] for kind in KINDS]
    phone = outbox(rows=rows, epoch=EPOCH)
    kept = {*KINDS} - {"check_in", "language", "shared"}
    assert {*phone["sent"]} == kept
    assert {id_ for id_, _, _ in phone["waiting"]} == kept | {"c"}


def _choice(kind: str, *, is_yes: bool, at: str = AT) -> dict[str, Any]:
    """Of two choices about the same thing, one."""
    if kind == "advocate-wish":
        return {"kind": kind, "body": {"said_at": at, "is_wanted": is_yes}}
    return {"kind": kind, "body": {"said_at": at, "advocate": "a", "tells_alerts": is_yes}}


CHOICES = pytest.mark.parametrize("kind", sorted(REPLACED))


@CHOICES
def test_an_earlier_choice_about_an_advocate_never_goes_out_after_the_later(
    outbox: Outbox, kind: str
) -> None:
    other = {"kind": "advocate-share", "body": {"said_at": AT, "advocate": "b"}}
    put = [_choice(kind, is_yes=True), other, _choice(kind, is_yes=False)]
    # The first that comes gets no answer of ours; then all is well.
    paths = ["POST /advocate-wish", "DELETE /advocate-wish", "PATCH /advocates/a"]
    phone = outbox(put=put, answers={path: [[502, {}]] for path in paths}, times=2)
    assert phone["waiting"] == []
    sent = [request for request in phone["requests"] if request[0] in paths]
    last = (
        ["DELETE /advocate-wish", None]
        if kind == "advocate-wish"
        else ["PATCH /advocates/a", {"tells_alerts": False}]
    )
    assert sent == [last, last]
    # What an advocate may know is a thing of its own for each of them.
    assert ["PATCH /advocates/b", {}] in phone["requests"]


@CHOICES
def test_after_a_backup_the_last_choice_alone_is_handed_in_unless_a_later_one_waits(
    outbox: Outbox, kind: str
) -> None:
    rows = [["1", _choice(kind, is_yes=True)], ["2", _choice(kind, is_yes=False)]]
    assert [id_ for id_, _, _ in outbox(rows=rows, epoch=EPOCH)["waiting"]] == ["2"]
    later = ["3", _choice(kind, is_yes=True)]
    phone = outbox(rows=rows, late=[later], epoch=EPOCH)
    assert phone["stored"] == [later]


@pytest.mark.parametrize(("from_at", "is_sent"), [("2020-01-01", True), ("2100-01-01", False)])
def test_after_a_backup_a_wish_is_made_again_unless_an_advocate_has_come_since(
    outbox: Outbox, from_at: str, *, is_sent: bool
) -> None:
    ruth = {"from_at": f"{from_at}T00:00:00Z"}
    answers = {"GET /advocates": [200, {"advocates": [ruth]}]}
    phone = outbox(
        rows=[["1", _choice("advocate-wish", is_yes=True)]],
        epoch=EPOCH,
        answers=answers,
        then=True,
    )
    requests = [request for request, _ in phone["requests"]]
    again = ["POST /advocate-wish"] if is_sent else []
    assert requests == ["POST /advocate-wish", "GET /advocates", *again]
    assert phone["waiting"] == []


def test_own_words_go_on_from_what_the_child_had_seen_and_from_nothing_else(outbox: Outbox) -> None:
    path, changed = "/children/m/pack", [409, {"code": "changed", "detail": "Other words."}]
    for stands, left in (({"a": "old"}, []), ({"a": "x"}, [["o", "changed", "Other words."]])):
        answers = {
            f"GET {path}": [200, {"version": 5, "fields": stands}],
            f"PUT {path}": [changed, [200, {}]],
        }
        phone = outbox(rows=[["o", _content("own")]], answers=answers)
        assert phone["waiting"] == left
        bases = [sent["base"] for request, sent in phone["requests"] if request == f"PUT {path}"]
        assert bases == ([3, 5] if not left else [3])


def test_a_word_of_their_own_that_the_child_took_out_is_sent_as_empty(outbox: Outbox) -> None:
    seen = [{"a": "old", "b": "my uncle"}, {"a": "older", "c": "x"}]
    rows = [["o", {**_content("own"), "body": {**_content("own")["body"], "seen": seen}}]]
    phone = outbox(rows=rows, answers={"PUT /children/m/pack": [200, {}]})
    [[_, sent]] = phone["requests"]
    # The server leaves as it is what a phone leaves out.
    assert sent == {"base": 3, "fields": {"a": "new", "b": "", "c": ""}}


PLACE = {"child": "mia", "path": "/children/m/project"}
SYNC = "POST /children/m/project/sync"


def _change(id_: str, text: str = "x") -> list[Any]:
    body = CHANGE | {"id": id_, "entity_id": id_, "value": {"text": text}, "said_at": AT}
    as_ = {"id": "mia", "role": "child"}
    return [id_, {"kind": "change", "place": PLACE, "as": as_, "body": body}]


def _batches(phone: dict[str, Any]) -> list[list[str]]:
    sent = [body["changes"] for request, body in phone["requests"] if request == SYNC]
    return [[change["id"] for change in changes] for changes in sent if changes]


def _answer(*results: dict[str, Any], **more: Any) -> list[Any]:
    return [200, {"results": [*results], "changes": [], "cursor": "1"} | more]


def test_changes_of_a_project_go_out_together_after_all_else(outbox: Outbox) -> None:
    phone = outbox(rows=[_change("g"), _change("k"), ["c", _content("check_in")]])
    assert [request for request, _ in phone["requests"]] == ["POST /check-ins", SYNC, SYNC]
    assert _batches(phone) == [["g", "k"]]
    assert phone["waiting"] == []


def test_more_than_a_thousand_changes_go_out_in_three_requests_in_their_order(
    outbox: Outbox,
) -> None:
    phone = outbox(rows=[_change(f"{n}", f"word {n}") for n in range(1_200)])
    assert [len(batch) for batch in _batches(phone)] == [500, 500, 200]
    assert [id_ for batch in _batches(phone) for id_ in batch] == [f"{n}" for n in range(1_200)]
    assert phone["waiting"] == []


def test_a_request_that_is_too_large_shows_which_change_is_at_fault(outbox: Outbox) -> None:
    too_large = [413, {"code": "too_large", "detail": "Too much."}]
    rows = [_change(id_) for id_ in "abc"]
    answers = {SYNC: [too_large, too_large, too_large, _answer({"id": "b", "status": "applied"})]}
    phone = outbox(rows=rows, answers=answers)
    assert _batches(phone) == [["a", "b", "c"], ["a", "b"], ["a"], ["b"], ["c"]]
    assert phone["waiting"] == [["a", "too_large", "Too much."]]


def test_a_change_that_is_refused_or_held_back_stays_with_its_reason_and_an_early_one_waits(
    outbox: Outbox,
) -> None:
    answer = _answer(
        {"id": "a", "status": "refused", "problem": {"code": "no_right", "detail": "Not yours."}},
        {"id": "b", "status": "quarantined"},
        {"id": "c", "status": "refused", "problem": {"code": "not_there"}},
        {"id": "d", "status": "known"},
    )
    phone = outbox(rows=[_change(id_) for id_ in "abcd"], answers={SYNC: [answer]})
    early = ["c", None, None]
    assert phone["waiting"] == [["a", "no_right", "Not yours."], ["b", "quarantined", None], early]
    assert phone["halt"] == "busy"


@pytest.mark.parametrize(("since", "again"), [("2026-01-01", [["a"]]), ("2100-01-01", [])])
def test_after_a_backup_own_changes_go_out_again_that_it_does_not_have(
    outbox: Outbox, since: str, again: list[list[str]]
) -> None:
    epoch = {"id": "an epoch", "from_at": f"{since}T00:00:00Z"}
    first = [_answer({"id": "a", "status": "applied", "received_at": AT}), _answer()]
    phone = outbox(
        rows=[_change("a")],
        answers={SYNC: [*first, _answer(epoch=epoch)]},
        times=2,
    )
    assert _batches(phone) == [["a"], *again]
    assert phone["waiting"] == []


def test_what_was_confirmed_before_the_backup_is_not_handed_in_again(outbox: Outbox) -> None:
    rows = [["c" if kind == "check_in" else kind, _content(kind)] for kind in KINDS]
    assert outbox(rows=rows, epoch=EPOCH | {"from_at": "2100-01-01T00:00:00Z"})["waiting"] == []
