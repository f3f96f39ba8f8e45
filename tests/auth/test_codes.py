"""Codes and browsers, by example and by property: pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.auth.codes import STEP_S, address, in_groups, matching_step
from server.auth.rules import PROOF_LASTS, is_alert, is_fresh, is_here, is_open_without_key
from server.auth.user_agents import agent_of

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECRET = pyotp.random_base32()
HERE = int(NOW.timestamp()) // STEP_S
MOZILLA, WEBKIT = "Mozilla/5.0", "AppleWebKit/537.36 (KHTML, like Gecko)"
CHROME = f"{MOZILLA} (X11; Linux x86_64) {WEBKIT} Chrome/156.0 Safari/537.36"
IPHONE = f"{MOZILLA} (iPhone; CPU iPhone OS 19_1 like Mac OS X) {WEBKIT} Version/19.1 Safari/604.1"
EDGE = f"{MOZILLA} (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/156.0 Safari/537.36 Edg/156.0"


def test_the_codes_are_those_of_rfc_6238() -> None:
    # Appendix B, SHA-1, the last six digits of its eight.
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    for seconds, code in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        now = datetime.fromtimestamp(seconds, UTC)
        assert matching_step(secret, code, now, 0) == seconds // 30


@given(off=st.integers(-5, 5), last=st.integers(-5, 5))
def test_a_code_counts_within_a_step_and_only_after_the_last_one(off: int, last: int) -> None:
    code = pyotp.TOTP(SECRET).generate_otp(HERE + off)
    found = matching_step(SECRET, code, NOW, HERE + last)
    assert (found is not None) == (abs(off) <= 1 and off > last)
    assert found in (None, HERE + off)


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "12345é"])
def test_what_is_no_code_counts_never(code: str) -> None:
    assert matching_step(SECRET, code, NOW, 0) is None


def test_the_address_names_the_app_neutrally_and_the_secret_reads_in_groups() -> None:
    assert address(SECRET, "tom", "Planner").startswith("otpauth://totp/Planner:tom?secret=")
    assert in_groups("JBSWY3DPEH") == "JBSW Y3DP EH"


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (CHROME, ("Chrome", "Linux")),
        (IPHONE, ("Safari", "iPhone")),
        (EDGE, ("Edge", "Windows")),
        ("curl/8.14", (None, None)),
        ("", (None, None)),
    ],
)
def test_of_a_browser_two_words_are_kept(header: str, words: tuple[str | None, str | None]) -> None:
    assert agent_of(header) == words


def test_a_proof_holds_for_ten_minutes() -> None:
    assert is_fresh(NOW, NOW + PROOF_LASTS - timedelta(seconds=1))
    assert not is_fresh(NOW, NOW + PROOF_LASTS)


ID = "018f3a52-7f0e-7c58-9c1e-2f6d7f6f2f10"


@pytest.mark.parametrize(
    ("path", "is_open"),
    [
        ("/", True),
        ("/app/", True),
        ("/sign-out", True),
        (f"/desk/alerts/{ID}", True),
        (f"/desk/alerts/{ID}/close", True),
        ("/desk/settings/second-key", True),
        ("/desk/settings/second-key/app", True),
        ("/desk/again", True),
        ("/desk/help", True),
        ("/desk/help/carer", True),
        ("/desk/helped", False),
        (f"/desk/children/{ID}/missing", True),
        (f"/api/v1/children/{ID}/sightings", True),
        ("/api/v1/alerts", True),
        ("/desk/", False),
        ("/desk/alerts/", False),
        (f"/desk/children/{ID}", False),
        (f"/desk/children/{ID}/missing/more", False),
        ("/desk/settings/second-keys", False),
        ("/api/v1/me/devices", False),
        (f"/api/v1/children/{ID}/project", False),
        ("/sign-in/second", True),
        ("/a-page-of-tomorrow", False),
        ("/desk", False),
        ("/api/v2/children", False),
    ],
)
def test_without_a_key_only_alerts_and_its_set_up_are_open(path: str, is_open: bool) -> None:
    assert is_open_without_key(path) is is_open


@pytest.mark.parametrize(
    ("path", "leads"),
    [
        (f"/desk/alerts/{ID}", True),
        (f"/desk/alerts/{ID}/together", True),
        (f"/desk/alerts/{ID}?done=taken", True),
        (f"/desk/alerts/{ID}/close", False),
        ("/desk/", False),
        ("", False),
    ],
)
def test_only_the_page_of_an_alert_opens_with_one_tap(path: str, leads: bool) -> None:
    assert is_alert(path) is leads


@pytest.mark.parametrize(
    ("path", "here"),
    [
        ("/desk/alerts/1?x=2", True),
        ("", False),
        ("desk/", False),
        ("//evil.example/", False),
        ("/\\evil.example", False),
        ("https://evil.example/", False),
        ("/desk/\r\nx: y", False),
        ("//[", False),
    ],
)
def test_only_paths_of_ours_are_followed(path: str, here: bool) -> None:
    assert is_here(path) is here
