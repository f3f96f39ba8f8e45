"""What a provider's words mean: the small rules, without a provider."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.auth.oidc.claims import (
    LEEWAY,
    FlowSecrets,
    Said,
    Untrue,
    authorization_url,
    challenge_of,
    check_binding,
    choose_role,
    is_proof,
    pick_key,
    read_claims,
    read_places,
    roles_of,
)
from server.people.rules import Role

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DOCUMENT = {
    "issuer": "https://login.example.org",
    "authorization_endpoint": "https://login.example.org/a?tenant=1",
    "token_endpoint": "https://login.example.org/t",
    "jwks_uri": "https://login.example.org/k",
}


def said(**more: Any) -> Said:
    given: dict[str, Any] = {
        "subject": "s",
        "name": "",
        "values": frozenset(),
        "is_strong": False,
        "proved_at": None,
    }
    return Said(**{**given, **more})


def test_the_challenge_is_that_of_the_standard() -> None:
    # RFC 7636, appendix B.
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_an_address_that_has_a_query_keeps_it() -> None:
    places = read_places(DOCUMENT, "https://login.example.org")
    there = authorization_url(
        places.authorize,
        client_id="c",
        back="https://here/back",
        secrets=FlowSecrets("s", "n", "v"),
        is_again=False,
    )
    assert there.startswith("https://login.example.org/a?tenant=1&response_type=code&")
    assert "prompt" not in there
    # Where a provider does not say, the header is the way (OpenID Connect Discovery 3).
    assert places.is_basic


@pytest.mark.parametrize("issuer", ["https://login.example.org/", "https://LOGIN.example.org"])
def test_an_issuer_is_itself_to_the_letter(issuer: str) -> None:
    with pytest.raises(Untrue):
        read_places(DOCUMENT, issuer)


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_no_endpoint_may_be_missing(name: str) -> None:
    for wrong in (None, "", 7):
        with pytest.raises(Untrue):
            read_places({**DOCUMENT, name: wrong}, DOCUMENT["issuer"])


def test_a_key_is_of_the_kind_of_its_algorithm() -> None:
    rsa, curve = {"kty": "RSA", "kid": "1"}, {"kty": "EC", "kid": "1"}
    assert pick_key({"alg": "RS256", "kid": "1"}, [curve, rsa]) == rsa
    assert pick_key({"alg": "ES256"}, [curve, rsa]) == curve
    assert pick_key({"alg": "RS256"}, [rsa, {"kty": "RSA", "kid": "2"}]) is None
    assert pick_key({"alg": "RS256", "kid": "1"}, [{**rsa, "alg": "PS256"}]) is None
    # A key of a kind that is new to us takes no other one with it.
    assert pick_key({"alg": "RS256"}, [{"kty": "EC", "crv": "new", "use": "tls"}, rsa]) == rsa
    for algorithm in ("none", "None", "HS256", "", None, 7, ["RS256"]):
        with pytest.raises(Untrue):
            pick_key({"alg": algorithm}, [rsa])


def test_the_hash_of_an_access_token_counts_only_with_that_token() -> None:
    for access_token in (None, 7, "another"):
        with pytest.raises(Untrue):
            check_binding(
                {"nonce": "n", "at_hash": "ungWv48Bz-pBQUDeXa4iIw"},
                nonce="n",
                client_id="c",
                access_token=access_token,
                algorithm="RS256",
            )


def test_roles_may_lie_further_in_and_be_one_or_many() -> None:
    inside = {"sub": "s", "realm_access": {"roles": ["a", 7, "b"]}}
    read = read_claims(inside, claim="realm_access.roles", strong=[])
    assert read.values == {"a", "b"}
    plain = {"sub": "s", "https://example.org/roles": "a"}
    assert read_claims(plain, claim="https://example.org/roles", strong=[]).values == {"a"}
    for claim in ("nothing", "sub.deeper", "a.b.c", ""):
        assert read_claims(plain, claim=claim, strong=[]).values == frozenset()


def test_a_second_key_counts_by_amr_or_acr_and_by_what_was_named_alone() -> None:
    for claims, is_strong in (
        ({"amr": ["pwd", "mfa"]}, True),
        ({"acr": "mfa"}, True),
        ({"amr": "mfa"}, True),
        ({"amr": ["pwd"]}, False),
        ({"amr": {"mfa": True}}, False),
        ({}, False),
    ):
        assert read_claims({"sub": "s", **claims}, claim="", strong=["mfa"]).is_strong is is_strong
    assert not read_claims({"sub": "s", "amr": ["mfa"]}, claim="", strong=[]).is_strong


def test_a_time_that_is_none_is_none() -> None:
    for wrong in (True, "now", 10**20, float("nan"), None):
        read = read_claims({"sub": "s", "auth_time": wrong}, claim="", strong=[])
        assert read.proved_at is None
        assert not is_proof(read, NOW, NOW)


def test_a_proof_is_younger_than_the_question() -> None:
    for offset, counts in ((-61, False), (-60, True), (0, True), (59, True)):
        shown = said(proved_at=NOW + timedelta(seconds=offset))
        assert is_proof(shown, NOW, NOW) is counts
    assert not is_proof(said(proved_at=NOW + LEEWAY + timedelta(seconds=1)), NOW, NOW)


def test_a_role_is_told_from_values_and_never_that_of_a_child() -> None:
    mapping = {"caseworker": ["w"], "supervisor": ["l"], "child": ["w"]}
    assert roles_of(frozenset({"w", "x"}), mapping) == [Role.CASEWORKER]
    assert roles_of(frozenset({"x"}), mapping) == []
    both = roles_of(frozenset({"w", "l"}), mapping)
    assert both == [Role.CASEWORKER, Role.SUPERVISOR]
    assert choose_role(both, None) is None
    assert choose_role(both, Role.CARER) is None
    assert choose_role(both, Role.SUPERVISOR) == Role.SUPERVISOR
    assert choose_role([Role.CARER], Role.SUPERVISOR) == Role.CARER
