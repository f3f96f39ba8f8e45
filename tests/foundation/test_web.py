"""Bodies in, problem documents and pages out, behind the whole stack of middleware."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from server.errors import Conflict, Refused, TooMany, Unauthenticated, WaymarkError
from server.security import encryption
from server.settings import Settings, load
from server.web import middleware, rendering, requests, responses
from server.web.routing import Application

SECRET_WORDS = "Quintanar"


class Part(msgspec.Struct):
    mood: Annotated[int, msgspec.Meta(ge=1, le=5)]


class Body(msgspec.Struct, forbid_unknown_fields=True):
    a: int
    note: str | None = None
    parts: list[Part] = []
    extra: Any = None


async def take(request: Request) -> Response:
    return responses.json_answer(await requests.json_body(request, Body), status=201)


async def fill(request: Request) -> Response:
    form = await requests.form_body(request)
    return responses.json_answer({name: str(value) for name, value in form.items()})


async def refuse(request: Request) -> Response:
    fault = {
        "conflict": Conflict("Another person has taken this alert.", holder="x"),
        "slow": TooMany("Wait {n} minutes.", retry_after_s=60, n=1),
        "who": Unauthenticated("Sign in first."),
        "field": Refused("“{field}” is missing.", field="note"),
    }[request.path_params["what"]]
    raise fault


async def break_down(_: Request) -> Response:
    raise ValueError(SECRET_WORDS)


async def shown(request: Request) -> Response:
    request.state.language = request.query_params.get("language")
    context = {"title": "<b>", "detail": "d", "status": 200, "request_id": None, "see": None}
    return rendering.page(request, "error.html", context)


async def who(request: Request) -> Response:
    assert request.client is not None
    return PlainTextResponse(f"{request.client.host} {request.url.scheme}")


def an_app(settings: Settings) -> Application:
    return Application(
        routes=[
            Route("/api/take/{id}", take, methods=["POST"]),
            Route("/form", fill, methods=["POST"]),
            Route("/api/refuse/{what}", refuse),
            Route("/refuse/{what}", refuse),
            Route("/break", break_down),
            Route("/page", shown),
            Route("/who", who),
            Mount("/mounted", routes=[Route("/who", who)]),
        ],
        middleware=middleware.stack(
            settings,
            {WaymarkError: responses.answer_fault, HTTPException: responses.answer_fault},
        ),
    )


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load({}, tmp_path_factory.mktemp("here"))


@pytest.fixture(scope="module")
def phone(here: Settings) -> Iterator[TestClient]:
    with TestClient(
        an_app(here), base_url=here.public_url, raise_server_exceptions=False
    ) as client:
        yield client


def post(phone: TestClient, body: bytes, **headers: str) -> Any:
    sent = {"content-type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return phone.post("/api/take/1", content=body, headers=sent)


def test_a_body_that_fits_is_taken(phone: TestClient) -> None:
    answer = post(phone, b'{"a":1,"note":"\\u00fc \\\\u0000"}')
    assert answer.status_code == 201
    assert answer.json()["note"] == "ü \\u0000"
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        (b"", 400, "malformed", None),
        (b"{", 400, "malformed", None),
        (b"\xff", 400, "malformed", None),
        (b'{"a":1,"note":"\xff"}', 400, "malformed", None),
        ('{"a":1}'.encode("utf-16"), 400, "malformed", None),
        (b'{"a":1,"extra":' + b"[" * 200_000, 400, "malformed", None),
        (b'{"a":1,"note":"\\u0000"}', 400, "malformed", None),
        (b'{"a":1,"note":"\\ud800"}', 400, "malformed", None),
        (b'{"a":1,"extra":{"deep":["\\u0000"]}}', 400, "malformed", None),
        (b'{"a":1,"extra":{"\\u0000":1}}', 400, "malformed", None),
        (b"[]", 422, "invalid", None),
        (b"{}", 422, "invalid", "a"),
        (b'{"a":"1"}', 422, "invalid", "a"),
        (b'{"a":1,"b":2}', 422, "invalid", "b"),
        (b'{"a":1,"parts":[{"mood":1},{"mood":6}]}', 422, "invalid", "parts[1].mood"),
        (b'{"a":1,"parts":[{}]}', 422, "invalid", "parts[0].mood"),
    ],
)
def test_a_body_that_does_not_fit_gets_a_precise_problem(
    phone: TestClient, body: bytes, status: int, code: str, field: str | None
) -> None:
    answer = post(phone, body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["code"] == code
    assert document["status"] == status
    assert document.get("field") == field
    assert document["type"] == "about:blank"
    assert document["title"]
    assert "{" not in document["detail"]
    if field:
        assert f"“{field}”" in document["detail"]


def test_a_sealed_text_is_not_accepted_as_a_persons_words(phone: TestClient) -> None:
    stolen = encryption.Keyring(["k" * 32]).seal("words of another child")
    for text in (stolen, f" {stolen} ", stolen.replace("w", "\\u0077", 1)):
        assert post(phone, f'{{"a":1,"note":"{text}"}}'.encode()).status_code == 400
    assert phone.post("/form", data={"note": stolen}).status_code == 400
    assert post(phone, b'{"a":1,"note":"wm1. is the name of a street"}').status_code == 201


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 201),
        ("Application/JSON; charset=UTF-8", 201),
        ("application/vnd.waymark+json", 201),
        ("application/json; charset=latin-1", 400),
        ("text/plain", 415),
        ("", 415),
    ],
)
def test_only_json_in_utf_8_is_taken(phone: TestClient, content_type: str, status: int) -> None:
    assert post(phone, b'{"a":1}', content_type=content_type).status_code == status


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_get_an_answer_that_is_not_our_fault(phone: TestClient, body: bytes) -> None:
    assert post(phone, body).status_code in (201, 400, 422)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_no_text_that_a_database_refuses_passes(value: Any) -> None:
    def is_storable(part: Any) -> bool:
        if isinstance(part, str):
            return "\x00" not in part and not any("\ud800" <= c <= "\udfff" for c in part)
        if isinstance(part, list):
            return all(is_storable(item) for item in part)
        if isinstance(part, dict):
            return all(is_storable(k) and is_storable(v) for k, v in part.items())
        return True

    if is_storable(value):
        requests._check_texts(value)
    else:
        with pytest.raises(WaymarkError):
            requests._check_texts(value)


def test_a_form_is_taken_and_checked(phone: TestClient) -> None:
    assert phone.post("/form", data={"name": "Zoë"}).json() == {"name": "Zoë"}
    assert phone.post("/form", data={"name": "a\x00"}).status_code == 400
    assert phone.post("/form", json={"name": "x"}).status_code == 415
    assert phone.post("/form", files={"name": b"x"}).status_code == 400
    many = {f"field{n}": "x" for n in range(1_100)}
    assert phone.post("/form", data=many).status_code == 400


@pytest.mark.parametrize("path", ["/api/take/1", "/form"])
def test_more_than_one_request_may_carry_is_refused(phone: TestClient, path: str) -> None:
    kinds = {"/form": "application/x-www-form-urlencoded"}
    headers = {"content-type": kinds.get(path, "application/json")}

    def chunks() -> Iterator[bytes]:
        for _ in range(11):
            yield b"x" * 100_000

    for body in (b"x" * 1_000_001, chunks()):
        answer = phone.post(path, content=body, headers=headers)
        assert answer.status_code == 413
        assert answer.json()["code"] == "too_large"
        assert answer.json()["limit_bytes"] == 1_000_000


def test_exactly_the_limit_is_taken(phone: TestClient) -> None:
    body = b'{"a":1,"note":"' + b"x" * (1_000_000 - 17) + b'"}'
    assert len(body) == 1_000_000
    assert post(phone, body).status_code == 201


def test_a_problem_speaks_the_readers_language_and_keeps_its_extras(phone: TestClient) -> None:
    answer = phone.get("/api/refuse/slow", headers={"accept-language": "fr"})
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "60"
    assert answer.headers["content-language"] == "fr"
    assert answer.json()["retry_after_s"] == 60
    assert answer.json()["detail"] == "Wait 1 minutes."
    assert phone.get("/api/refuse/who").headers["www-authenticate"] == "Bearer"
    assert phone.get("/api/refuse/conflict").json()["holder"] == "x"
    assert phone.get("/api/refuse/field").json()["detail"] == "“note” is missing."


def test_what_the_framework_refuses_is_a_problem_too(phone: TestClient) -> None:
    assert phone.get("/api/nothing").json()["code"] == "not_found"
    wrong = phone.get("/api/take/1")
    assert wrong.status_code == 405
    assert wrong.json()["code"] == "method_not_allowed"
    assert wrong.headers["allow"] == "POST"


def test_a_person_gets_a_page(phone: TestClient) -> None:
    answer = phone.get("/nothing", headers={"accept": "text/html", "accept-language": "ar"})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert '<html lang="ar" dir="rtl">' in answer.text
    api = phone.get("/api/nothing", headers={"accept": "text/html"})
    assert api.headers["content-type"] == "application/problem+json"


def test_what_nobody_caught_is_told_without_its_words(phone: TestClient) -> None:
    for accept in ("text/html", "*/*"):
        answer = phone.get("/break", headers={"accept": accept})
        assert answer.status_code == 500
        assert SECRET_WORDS not in answer.text
        assert answer.headers["x-request-id"]
        assert answer.headers["content-security-policy"]
    assert (
        phone.get("/break", headers={"accept": "text/html"}).headers["x-request-id"]
        != (answer.headers["x-request-id"])
    )


def test_the_language_of_the_session_goes_before_that_of_the_browser(phone: TestClient) -> None:
    answer = phone.get("/page?language=fr", headers={"accept-language": "ar"})
    assert '<html lang="fr" dir="ltr">' in answer.text
    assert "&lt;b&gt;" in answer.text


@pytest.mark.parametrize("path", ["/nothing", "/break", "/api/refuse/who"])
def test_data_is_never_a_page(phone: TestClient, path: str) -> None:
    headers = phone.get(path).headers
    assert headers["content-type"] == "application/problem+json"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "strict-transport-security" not in headers


@pytest.mark.parametrize("path", ["/page", "/nothing", "/break"])
def test_every_page_has_the_headers_that_protect(phone: TestClient, path: str) -> None:
    headers = phone.get(path, headers={"accept": "text/html"}).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert "base-uri 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"
    assert "geolocation=()" in headers["permissions-policy"]
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "strict-transport-security" not in headers


def test_https_is_kept_for_a_year(tmp_path: Path, here: Settings) -> None:
    settings = load(
        {
            "WAYMARK_PUBLIC_URL": "https://planner.example.org",
            "WAYMARK_SECRET_KEYS": "s" * 32,
            "WAYMARK_VAPID_PRIVATE_KEY_FILE": str(here.vapid_private_key_file),
        },
        tmp_path,
    )
    client = TestClient(an_app(settings), base_url="https://planner.example.org")
    for path in ("/who", "/page", "/nowhere"):
        told = client.get(path).headers["strict-transport-security"]
        assert told == "max-age=31536000; includeSubDomains"


@pytest.mark.parametrize(
    ("headers", "is_taken"),
    [
        ({}, True),
        ({"cookie": "session=x"}, True),
        ({"cookie": "session=x", "origin": "http://127.0.0.1:8000"}, True),
        ({"cookie": "session=x", "origin": "http://evil.example"}, False),
        ({"cookie": "session=x", "origin": "http://127.0.0.1:8001"}, False),
        ({"cookie": "session=x", "origin": "null"}, False),
        ({"cookie": "session=x", "origin": "http://other", "host": "other"}, True),
        ({"cookie": "session=x", "sec-fetch-site": "same-origin"}, True),
        ({"cookie": "session=x", "sec-fetch-site": "none"}, True),
        ({"cookie": "session=x", "sec-fetch-site": "same-site"}, False),
        ({"cookie": "session=x", "sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"origin": "http://evil.example"}, False),
        ({"authorization": "Bearer x", "origin": "capacitor://localhost"}, True),
        ({"authorization": "Bearer x", "cookie": "a=b", "sec-fetch-site": "cross-site"}, False),
        (
            {
                "cookie": "session=x",
                "origin": "http://127.0.0.1:8000",
                "sec-fetch-site": "cross-site",
            },
            False,
        ),
    ],
)
def test_another_site_can_make_a_browser_do_nothing_here(
    phone: TestClient, headers: dict[str, str], is_taken: bool
) -> None:
    answer = phone.post("/form", data={"a": "b"}, headers=headers)
    assert answer.status_code == (200 if is_taken else 403)
    if not is_taken:
        assert answer.json()["code"] == "cross_origin"
        assert "another site" in answer.json()["detail"]
    assert phone.get("/who", headers=headers).status_code == 200


def test_only_trusted_proxies_say_who_asks(tmp_path: Path) -> None:
    forwarded = {"x-forwarded-for": "6.6.6.6, 203.0.113.9", "x-forwarded-proto": "https"}

    def asked_by(proxy: str, trusted: str) -> str:
        settings = load({"WAYMARK_TRUSTED_PROXIES": trusted}, tmp_path)
        client = TestClient(an_app(settings), client=(proxy, 1))
        return client.get("/who", headers=forwarded).text

    assert asked_by("10.0.0.1", "10.0.0.0/8") == "203.0.113.9 https"
    assert asked_by("10.0.0.1", "") == "10.0.0.1 http"
    assert asked_by("127.0.0.1", "") == "127.0.0.1 http"
    assert asked_by("192.168.0.1", "10.0.0.0/8") == "192.168.0.1 http"


def test_rooms_keep_their_own_templates() -> None:
    env = rendering.environment()
    assert env.get_template("error.html").filename == str(
        rendering.SERVER / "web" / "templates" / "error.html"
    )
    for outside in ("../settings.py", "room/../../x", "nowhere.html", "/etc/hostname"):
        with pytest.raises(rendering.TemplateNotFound):
            env.get_template(outside)


def test_markup_in_a_sentence_is_the_only_thing_that_is_not_escaped() -> None:
    template = rendering.environment().from_string(
        '{{ _("{name} & {link}", name="<i>", link=link) }} {{ _("<b> {name}", name="<i>") }}'
    )
    shown = template.render(language="en", link=Markup('<a href="/">x</a>'))
    assert shown == '&lt;i&gt; &amp; <a href="/">x</a> &lt;b&gt; &lt;i&gt;'
