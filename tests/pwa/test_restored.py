"""The server came back from a backup: the phone hands in again what only it still has."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.pwa.conftest import Phone
from tests.pwa.double import Double
from tests.pwa.test_project import eventually

pytestmark = pytest.mark.browser
EPOCH = "0198a000-0000-7000-8000-0000deadbeef"


def _say_something(phone: Phone, double: Double) -> None:
    """Words with a check-in, by the other of the two ways, and words in the thread."""
    phone.write("Football today.")
    phone.tick()
    phone.is_thanked()
    phone.project()
    phone.page.get_by_role("button", name="Messages").first.click()
    phone.page.locator("#message").fill("A word for Tom.")
    phone.page.get_by_role("button", name="Send", exact=True).click()
    phone.page.locator(".thread").get_by_text("A word for Tom.").wait_for()
    # The thread shows it before the server has it.
    eventually(phone, lambda: any("A word" in str(row) for _, row in double.book.rows))


def _put_back(double: Double, from_at: str) -> None:
    """Everything since then is gone, and the phone's cursor is ahead of the server."""
    double.check_ins.clear()
    double.book.__init__()  # type: ignore[misc]
    double.epoch = {"id": EPOCH, "from_at": from_at}


def _is_back(phone: Phone, double: Double) -> bool:
    for _ in range(100):
        texts = [row["value"].get("text") for _, row in double.book.rows if row["field"] == "*"]
        if double.check_ins and "A word for Tom." in texts:
            return True
        phone.page.wait_for_timeout(100)
    return False


def test_what_was_confirmed_since_the_backup_is_handed_in_again_once(
    phone: Phone, double: Double
) -> None:
    before = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    phone.pair()
    _say_something(phone, double)
    (said,) = [dict(one) for one in double.check_ins]
    words = [row["id"] for _, row in double.book.rows if "A word" in str(row["value"])]
    _put_back(double, before)
    phone.open()
    assert _is_back(phone, double)
    (again,) = double.check_ins
    assert (again["id"], again["note"], again["confirmed_at"]) == (
        said["id"],
        "Football today.",
        said["received_at"],
    )
    # Which of the two ways it was, the phone has forgotten on purpose.
    assert (said["mark"], again["mark"]) == ("b", "a")
    assert [row["id"] for _, row in double.book.rows if "A word" in str(row["value"])] == words
    # A phone that is closed before it hears the answer sends the same once more.
    phone.page.wait_for_load_state("networkidle")
    phone.open()
    phone.page.wait_for_timeout(1_000)
    posts = [one for one in double.requests if one[:2] == ("POST", "/api/v1/check-ins")]
    assert len(posts) == 2


def test_an_app_that_lies_open_through_a_restore_hands_in_without_a_touch(
    phone: Phone, double: Double
) -> None:
    before = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    phone.pair()
    phone.page.clock.install(time=datetime.now(UTC))
    phone.open()
    _say_something(phone, double)
    _put_back(double, before)
    phone.page.clock.fast_forward("11:00")
    assert _is_back(phone, double)
