"""No child is watched over by a public server before it has a last resort."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from server import checking
from server.notify.channels.configured import lacks_last_resort
from server.people.models import Child
from server.settings import SettingFault
from server.watch import ticking
from tests.cast import Cast
from tests.ports import free_port

PUBLIC = {
    "WAYMARK_PUBLIC_URL": "https://plan.example.org",
    "WAYMARK_SECRET_KEYS": "a secret of the tests and of nothing else",
}


@pytest.mark.parametrize("words", [("serve",), ("serve", "--no-ticker"), ("tick",)])
def test_the_first_start_is_refused_with_one_line_that_names_the_setting(
    run: Any, migrated_var: Any, tmp_path: Any, words: tuple[str, ...]
) -> None:
    key = tmp_path / "vapid.pem"
    assert run("keys", "--vapid", str(key))[0] == 0
    settings = {**PUBLIC, "WAYMARK_VAPID_PRIVATE_KEY_FILE": str(key), "PORT": str(free_port())}
    for also in ({}, {"WAYMARK_LAST_RESORT": "email:night@example.org"}):
        # Without a mail server, an address of mail calls nobody.
        code, _, err = run(*words, **settings, **also)
        assert code == 1
        [line] = err
        assert line.startswith("WAYMARK_LAST_RESORT must ")
        assert "email:oncall@example.org" in line


def test_other_commands_need_none(run: Any, tmp_path: Any) -> None:
    key = tmp_path / "vapid.pem"
    assert run("keys", "--vapid", str(key))[0] == 0
    settings = {**PUBLIC, "WAYMARK_VAPID_PRIVATE_KEY_FILE": str(key)}
    assert run("migrate", **settings)[0] == 0
    code, _, err = run("check", **settings)
    assert code == 1
    assert [line for line in err if line.startswith("WAYMARK_LAST_RESORT is not set")]


async def test_it_is_the_first_start_until_there_is_a_child(cast: Cast) -> None:
    public = replace(cast.settings, public_url="https://plan.example.org")
    await checking.first_start(public)
    await Child.all().update(left_at=cast.clock())
    await checking.first_start(public)


async def test_without_a_child_only_a_public_server_is_refused(db: Any, settings: Any) -> None:
    public = replace(settings, public_url="https://plan.example.org")
    with pytest.raises(SettingFault):
        await asyncio.gather(*(checking.first_start(public) for _ in range(3)))
    await checking.first_start(settings)
    ready = replace(public, smtp_url="smtp://relay", last_resort=(("email", "n@example.org"),))
    await checking.first_start(ready)


async def test_a_later_start_goes_on_and_health_says_why_it_is_not_well(cast: Cast) -> None:
    await ticking.beat("tick", cast.clock())
    for url, resort, status, says in (
        ("http://localhost:8000", (), 200, "missing"),
        ("https://plan.example.org", (), 503, "missing"),
        ("https://plan.example.org", (("email", "n@example.org"),), 200, "ok"),
    ):
        settings = replace(
            cast.settings, public_url=url, last_resort=resort, smtp_url="smtp://relay"
        )
        cast.app.state.settings = settings
        answer = await cast.client().get("/health")
        assert (answer.status_code, answer.json()["last_resort"]) == (status, says)
        assert "example.org" not in answer.text
        assert lacks_last_resort(settings) is (status == 503)
