"""What was said in talks after returns, as the server tells it: to adults, and to the child."""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_OID, uuid5

STOP = {
    "en": "Somebody I can call at night.",
    "fr": "Quelqu'un que je peux appeler la nuit, même si tout le monde dort.",
    "ar": "شخص أستطيع أن أتصل به في الليل.",
}
OWN = {
    "en": "I was at a friend's. https://example.org/" + "a" * 60,
    "fr": "J'étais chez une amie.",
    "ar": "كنت عند صديقة.",
}


def reason_id(number: int, kind: str, code: str = "") -> str:
    """The id of a reason of that return."""
    return str(uuid5(NAMESPACE_OID, f"{number} {kind} {code}"))


def talk(
    number: int = 1,
    *,
    push: tuple[str, ...] = (),
    pull: tuple[str, ...] = (),
    stop: str = "",
    own: str = "",
    may_be_used: bool = True,
    found_at: str = "2026-01-02T10:00:00Z",
) -> dict[str, Any]:
    """One talk."""
    said = [*(("push", code) for code in push), *(("pull", code) for code in pull)]
    said += [("stop", "")] if stop else []
    return {
        "episode_id": str(uuid5(NAMESPACE_OID, str(number))),
        "opened_at": "2026-01-01T20:00:00Z",
        "found_at": found_at,
        "push": list(push),
        "pull": list(pull),
        "stop": stop,
        "each": [
            {"id": reason_id(number, kind, code), "kind": kind, "code": code} for kind, code in said
        ],
        "may_be_used": may_be_used,
        "own": own,
    }


def talks(language: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Two returns with much said: what adults read, and what the child reads."""
    adults = [
        talk(
            1,
            push=("conflict", "alone", "waiting", "not_heard"),
            pull=("promised", "newer than this phone"),
            stop=STOP[language] + " " + "a" * 60,
        ),
        talk(2, push=("rules",), stop=STOP[language], found_at="2025-12-01T10:00:00Z"),
    ]
    own = [talk(1, own=OWN[language]), talk(2, may_be_used=False)]
    return adults, own
