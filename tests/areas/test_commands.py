"""`waymark area …` and `waymark person add --area`, as an operator types them."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest

from server.areas import commands as areas
from server.auth import commands as people
from server.errors import WaymarkError
from server.people.models import Agency, Person
from server.people.rules import Role
from tests.cast import Cast

Run = Callable[..., Awaitable[list[str]]]


@pytest.fixture
def run(cast: Cast) -> Run:
    """The command with these words, in the open database; the lines it prints."""
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers()
    work: list[Callable[[Any, datetime], Awaitable[list[str]]]] = []

    def add(name: str, run: Callable[[argparse.Namespace], Any], says: str) -> Any:
        command = commands.add_parser(name, help=says)
        command.set_defaults(run=run)
        return command

    def within(later: Callable[[Any, datetime], Awaitable[list[str]]]) -> list[str]:
        work.append(later)
        return []

    areas.add_commands(add, within)
    people.add_commands(add, within)

    async def typed(*words: str) -> list[str]:
        args = parser.parse_args(words)
        args.run(args)
        return await work.pop()(cast.settings, cast.clock())

    return typed


async def test_an_operator_makes_a_region_and_puts_an_agency_into_it(cast: Cast, run: Run) -> None:
    assert await run("area", "list") == ["There is no area yet."]
    [made] = await run("area", "add", "Land", "--zone", "Europe/Paris", "--language", "fr")
    await run("area", "add", "North", "--within", "Land")
    assert await run("area", "add", "Land") == [made]
    await run("area", "put", cast.agency.name, "--within", "North")
    lines = {line.split("\t")[2]: line.split("\t")[1:] for line in await run("area", "list")}
    assert lines == {
        "Land": ["-", "Land", "North"],
        "North": ["Land", "North", cast.agency.name],
    }
    await run("area", "put", str(cast.agency.id), "--nowhere")
    assert (await Agency.get(id=cast.agency.id)).within_id is None


async def test_areas_are_no_agencies_in_the_list_of_agencies(cast: Cast, run: Run) -> None:
    await run("area", "add", "Land")
    assert not any("Land" in line for line in await run("agency", "list"))


async def test_a_person_of_an_area_is_added_with_a_password(cast: Cast, run: Run) -> None:
    await run("area", "add", "Land")
    words = ("person", "add", "Vera L", "--sign-in", "vera", "--role", "oversight")
    lines = await run(*words, "--area", "Land")
    assert lines[1].startswith("password, shown this once: ")
    vera = [row for row in await Person.all() if row.name == "Vera L"]
    assert [row.role for row in vera] == [Role.OVERSIGHT]
    assert (await Agency.get(id=vera[0].agency_id)).is_area


@pytest.mark.parametrize(
    "words",
    [
        "person add V --sign-in v --role oversight --area Nowhere",
        "person add V --sign-in v --role oversight --agency Land",
        "person add V --sign-in v --role caseworker --area Land",
        "area put Nobody --within Land",
        "area put Land --within Nowhere",
        "area put Land --within Land",
    ],
)
async def test_what_does_not_fit_is_refused(cast: Cast, run: Run, words: str) -> None:
    await run("area", "add", "Land")
    before = await Person.all().count()
    with pytest.raises((ValueError, WaymarkError)):
        await run(*words.split())
    assert await Person.all().count() == before
