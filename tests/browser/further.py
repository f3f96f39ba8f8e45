"""More pages to look at, with something on each: of those who are called, of those who work here,
and of children that are missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from server.alerts.drills.models import Drill, DrillCall
from server.checkin import shared_question
from server.checkin.duress import agreed_sign, rules
from server.imports import bulk_import
from server.missing.profile import actions, mail
from server.missing.profile.mail import Mailing
from server.missing.profile.reading import Reader
from server.missing.profile.rules import Copy
from server.missing.returns import interview_actions
from server.missing.returns.child_found import Found, record_found
from server.missing.search import actions as searching
from server.missing.search import opening
from server.missing.search.actions import EntryRequest
from server.missing.search.entry_kinds import Act
from server.missing.search.handover import actions as handovers
from server.missing.search.handover.ends import IN, OUT
from server.missing.search.models import Episode, SearchHandover
from server.missing.search.opening import Saying
from server.missing.search.rules import Flag
from server.missing.search.together import actions as together_actions
from server.notify.addresses import AddAddress, add_address
from server.people.models import Child
from server.people.rules import Role
from server.rota import planning
from server.rota.models import DutyShift
from server.tasks.models import Task
from tests import test_access
from tests.cast import Cast
from tests.desk import scenes
from tests.imports.test_bulk_import import PATH, handed_in, listed
from tests.records import made

Pages = dict[str, tuple[str, str]]

LONG = "a_word_that_does_not_break_" * 6
ARABIC = "حتى الصباح عند أصدقاء لا يعرف أحد أسماءهم"


async def of_those_who_are_called(cast: Cast) -> Pages:
    """The rota with shifts, a leave and a gap; whoever is on duty; drills; ways to be reached."""
    ines, now = cast.actor("ines"), cast.clock()
    await _planned(cast)
    await DutyShift.create(
        id=uuid4(),
        agency_id=cast.agency.id,
        person_id=cast.ines.id,
        begins_at=now + timedelta(hours=2),
        until_at=now + timedelta(hours=10),
        asked_at=now,
    )
    for channel, value in (("email", "ines@example.org"), ("sms", "+33698765432")):
        await add_address(ines, cast.ines.id, AddAddress(channel=channel, value=value), now)
    mia = f"/desk/children/{cast.mia.id}"
    await agreed_sign.agree(
        cast.actor("tom"), cast.children["mia"], rules.agreed("b", "lantern"), now
    )
    await agreed_sign.practise(cast.actor("tom"), cast.children["mia"], now)
    await shared_question.agree(cast.actor("tom"), cast.children["mia"], "The dog?", "Rex", now)
    links = {
        name: await test_access.MAKERS[name](cast, "ines", "")
        for name in ("arrival", "proof", "ready_token", "tap", "asked", "subject_id", "absence_id")
    }
    concern = await test_access.concern(cast)
    over, runs = await _drill(cast, "done"), await _drill(cast, None)
    glass = await test_access.a_glass(cast, cast.eve.id, f"{ARABIC} {LONG}")
    return {
        "rota": ("ines", "/desk/rota"),
        "rota of who plans nothing": ("tom", "/desk/rota"),
        "weekly shifts": ("ines", "/desk/rota/duties"),
        "handover": ("ines", "/desk/rota/handover"),
        "leave": ("tom", "/desk/rota/leave"),
        "duty": ("ines", "/desk/duty"),
        "ready": ("ines", f"/ready/{links['ready_token']}"),
        "drills": ("ines", "/desk/drills"),
        "drill, running": ("ines", f"/desk/drills/{runs}"),
        "drill, over": ("ines", f"/desk/drills/{over}"),
        "tap of a drill": ("ines", f"/drill/{links['tap']}"),
        "test alarm": ("ines", f"/desk/test/{links['subject_id']}"),
        "settings of many ways": ("ines", "/desk/settings"),
        "own messages": ("ines", "/desk/settings/messages"),
        "own password": ("tom", "/desk/settings/password"),
        "arrived": ("ines", f"/arrived/{links['arrival']}"),
        "reach": ("ines", f"/reach/{links['proof']}"),
        "channels": ("root", "/desk/people/channels"),
        "glass": ("eve", "/desk/glass"),
        "glass, told": ("ines", f"/desk/glass/{glass.id}"),
        "emergency": ("eve", f"{mia}/emergency"),
        "sign": ("tom", f"{mia}/sign"),
        "sealed": ("tom", f"/desk/alerts/{concern.id}/sealed"),
        "absence": ("tom", f"{mia}/absences/{links['absence_id']}"),
        "trusted": ("tom", f"{mia}/trusted"),
        "asked first": ("ines", f"/ask/{links['asked']}"),
    }


async def _drill(cast: Cast, why: str | None) -> UUID:
    """As it would be written down: while somebody is called for real, none begins."""
    now = cast.clock()
    rungs = (
        ("caseworker", [cast.eve.id]),
        ("deputy", []),
        ("on_duty", [cast.ines.id, cast.tom.id]),
    )
    drill = await Drill.create(
        id=uuid4(),
        agency_id=cast.agency.id,
        worker_id=cast.eve.id,
        begun_at=now,
        each_s=180,
        places=[{"rung": rung, "people": [str(one) for one in ids]} for rung, ids in rungs],
        place=2,
        next_action_at=None if why else now + timedelta(minutes=3),
        ended_at=now if why else None,
        why=why,
    )
    answered = {"answered_at": now + timedelta(seconds=40), "answered_by": cast.eve.id}
    await DrillCall.create(drill_id=drill.id, place=0, called_at=now, **answered)
    await DrillCall.create(drill_id=drill.id, place=2, called_at=now)
    return drill.id


async def _planned(cast: Cast) -> None:
    ines, ours, now = cast.actor("ines"), cast.agency.id, cast.clock()
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    new = planning.DutyRequest(
        id=uuid4(),
        days=list(range(6)),
        begins="18:00",
        ends="08:00",
        zone="Europe/Paris",
        people=[cast.ines.id, cast.eve.id],
        first_on=today.date(),
    )
    await planning.add_duty(ines, ours, new, now)
    for who, to, day in (("ines", "tom", 3), (None, "eve", 9)):
        begin = today + timedelta(days=day, hours=18)
        new = planning.HandoverRequest(
            id=uuid4(),
            who_id=cast.persons[who].id if who else None,
            to_id=cast.persons[to].id,
            from_at=begin,
            until_at=begin + timedelta(hours=5),
        )
        await planning.hand_over(ines, ours, new, now)
    new = planning.LeaveRequest(
        id=uuid4(),
        person_id=cast.tom.id,
        cover_id=cast.eve.id,
        from_at=today + timedelta(days=10),
        until_at=today + timedelta(days=17),
    )
    await planning.add_leave(ines, ours, new, now)


async def of_those_who_work_here(cast: Cast) -> Pages:
    """The people, one of them, their leaving, homes, and children who come by a list."""
    await cast.new_token("root")
    ready = await handed_in(cast, listed("Amal A.,tom,R1", f"{LONG[:90]},tom,R2"))
    faulty = await handed_in(cast, listed("Amal B.,nobody,R3", ",tom,R4"))
    while await bulk_import.LISTS.tick(cast.clock()):
        pass
    return {
        "children of the agency": ("root", "/desk/people/children"),
        "new person": ("root", "/desk/people/new"),
        "person": ("root", f"/desk/people/{cast.tom.id}"),
        "their password": ("root", f"/desk/people/{cast.tom.id}/password"),
        "lost key": ("root", f"/desk/people/{cast.tom.id}/second-key"),
        "leaving": ("root", f"/desk/people/{cast.tom.id}/leaving"),
        "agency": ("root", "/desk/people/agency"),
        "homes": ("root", "/desk/people/homes"),
        "intake": ("root", PATH),
        "intake, ready": ("root", f"{PATH}/{ready.id}"),
        "intake, with faults": ("root", f"{PATH}/{faulty.id}"),
    }


async def of_finding(cast: Cast) -> Pages:
    """A search with children, with none and with similar names: what is behind "#" is typed there,
    as no address has it. All children; a child's name."""
    return {
        "find": ("tom", "/desk/find#mia"),
        "find, none": ("tom", "/desk/find#qqqq"),
        "find, similar": ("tom", "/desk/find#miaa"),
        "find, of a carer": ("sam", "/desk/find#mia"),
        "all children": ("tom", "/desk/children"),
        "all children, none": ("eve", "/desk/children"),
        "name and reference": ("tom", f"/desk/children/{cast.mia.id}/names"),
    }


async def of_the_missing(cast: Cast) -> Pages:
    """A search with much in it, a return with a talk, and what lies around both."""
    away, back, friend, home = await scenes.crowd(cast, 4)
    search, talk = await _search(cast, away), await _talk(cast, back)
    on, after = f"/desk/episodes/{search}", f"/desk/episodes/{talk}"
    return {
        "search": ("tom", on),
        "search, of a supervisor": ("ines", on),
        "entry: attempt": ("tom", f"{on}/enter/attempt"),
        "entry: room": ("tom", f"{on}/enter/room"),
        "entry: report": ("tom", f"{on}/enter/report"),
        "entry: note": ("tom", f"{on}/enter/note"),
        "found": ("tom", f"{on}/found"),
        "search policy": ("ines", "/desk/policies/search"),
        "return": ("tom", after),
        "account": ("tom", f"/desk/children/{away}/account"),
        "why": ("ines", f"/desk/children/{away}/why"),
        "child that is missing": ("tom", f"/desk/children/{away}"),
        "talk": ("tom", f"{after}/interview"),
        "talk: held": ("tom", f"{after}/interview/held"),
        "talk: during": ("tom", f"{after}/interview/during"),
        "talk: actions": ("tom", f"{after}/interview/actions"),
        "talk: sharing": ("tom", f"{after}/interview/sharing"),
        "entry: phone check": ("tom", f"{after}/enter/phone_check"),
        "entry: safe and well": ("tom", f"{after}/enter/safe_and_well"),
        "entry: not possible": ("tom", f"{after}/enter/not_possible?task=medical"),
        "summary of a return": ("tom", f"/desk/episodes/{await _complete(cast, home)}/summary"),
        "searches": ("tom", "/desk/searches"),
        "searches, none": ("root", "/desk/searches"),
        **await _together(cast, search, friend),
        **await _passed_on(cast, search),
        **await _mailed(cast, search),
        **await _seen_from_afar(cast, away, friend),
    }


async def _together(cast: Cast, search: UUID, friend: UUID) -> Pages:
    """A child of the same home that is missing with the first one, and one that may be."""
    tom, now, id_, maybe = cast.actor("tom"), cast.clock(), uuid4(), uuid4()
    await opening.open_episode(tom, friend, id_, Saying(now, LONG), now)
    await together_actions.link(tom, search, id_, now)
    [third] = await scenes.crowd(cast, 1)
    await opening.open_episode(tom, third, maybe, Saying(now), now)
    return {
        "search, together": ("tom", f"/desk/episodes/{id_}"),
        "search, together perhaps": ("tom", f"/desk/episodes/{maybe}"),
        "entry: report for both": ("tom", f"/desk/episodes/{id_}/enter/report"),
    }


async def _passed_on(cast: Cast, search: UUID) -> Pages:
    """Who leaves is asked for a note, one has been written, and who comes reads it."""
    now, pages = cast.clock(), {}
    for name, part, words in (("tom", OUT, None), ("ines", OUT, LONG), ("ines", IN, None)):
        row = await SearchHandover.create(
            id=uuid4(),
            agency_id=cast.agency.id,
            episode_id=search,
            person_id=cast.persons[name].id,
            part=part,
            at=now,
            made_at=now,
        )
        if words is not None:
            await handovers.write_note(cast.actor(name), row.id, uuid4(), words, now)
        what = f"handover: {part} of {name}"
        pages[what] = (name, f"/desk/handovers/{row.id}")
    return pages


async def _mailed(cast: Cast, search: UUID) -> Pages:
    """The form, and the page from which a passphrase is read out."""
    settings = cast.app.state.settings
    cast.app.state.settings = replace(
        settings, smtp_url="smtp://127.0.0.1:1", mail_from="planner@example.org"
    )
    address = f"{'missing-' * 7}@{'police.' * 8}example.org"
    wanted = Mailing("police", address, Copy.POLICE, "fr")
    episode, reader = await Episode.get(id=search), Reader("fr", ZoneInfo("Europe/Paris"))
    paper = await mail.send(cast.actor("tom"), episode, uuid4(), wanted, reader, cast.clock())
    path = f"/desk/episodes/{search}/mail"
    return {"mail": ("tom", path), "mail, on its way": ("tom", f"{path}/{paper.id}")}


async def _seen_from_afar(cast: Cast, away: UUID, friend: UUID) -> Pages:
    """What may belong together, and a quarter in figures."""
    now, last_quarter = cast.clock(), datetime(2025, 11, 3, 22, tzinfo=UTC)
    said = {"persons_of_concern": f"{LONG}, +33 6 11 22 33 44", "places_found": ARABIC}
    for child_id in (away, friend):
        child, tom = await Child.get(id=child_id), cast.actor("tom")
        await actions.put(tom, child, {Role.CASEWORKER}, base=0, given=said, now=now)
    children = [away, friend, *await scenes.crowd(cast, 4)]
    for number, child_id in enumerate(children * 2):
        at = last_quarter + timedelta(days=number)
        await _once(cast, child_id, at)
    for days in range(3):
        await _once(cast, away, now - timedelta(days=days + 2))
    return {
        "patterns": ("ines", "/desk/patterns"),
        "patterns, of one who sees nothing": ("eve", "/desk/patterns"),
        "indicators": ("ines", "/desk/indicators?quarter=2025-4"),
        "indicators, too few": ("root", "/desk/indicators?quarter=2025-3"),
    }


async def _once(cast: Cast, child_id: UUID, at: datetime) -> None:
    """A time in which a child was missing, over since long."""
    await Episode.create(
        id=uuid4(),
        agency_id=cast.agency.id,
        child_id=child_id,
        home_id=cast.home.id,
        opened_at=at,
        said_at=at,
        opened_role="caseworker",
        tier="mid",
        reported_at=at + timedelta(hours=1),
        found_at=at + timedelta(hours=9),
        stage="followed_up",
    )


async def _search(cast: Cast, child: UUID) -> UUID:
    tom, now, id_ = cast.actor("tom"), cast.clock() - timedelta(minutes=9), uuid4()
    saying = Saying(now, LONG, None, (Flag.THREAT, Flag.BELONGINGS))
    await opening.open_episode(tom, child, id_, saying, now)
    entries: tuple[tuple[Act, str | None, Mapping[str, str]], ...] = (
        (Act.ATTEMPT, ARABIC, {"how": "friend", "whom": LONG, "result": "heard"}),
        (Act.ROOM, None, {"phone": "gone", "documents": "here", "bag": "unknown"}),
        (Act.NOTE, LONG, {}),
    )
    for act, words, details in entries:
        await searching.enter(
            tom, id_, EntryRequest(uuid4(), act, at=now, words=words, details=details), now
        )
    return id_


async def _talk(cast: Cast, child: UUID) -> UUID:
    tom, now, id_ = cast.actor("tom"), cast.clock(), uuid4()
    await opening.open_episode(tom, child, id_, Saying(now), now)
    await record_found(tom, id_, uuid4(), Found(now, "At the station", "Sam", "Tired."), now)
    await interview_actions.save(tom, id_, 0, _answers(now), now)
    return id_


async def _complete(cast: Cast, child: UUID) -> UUID:
    """A return of which everything is done."""
    id_, tom, now = await _talk(cast, child), cast.actor("tom"), cast.clock()
    details = {"who": LONG, "hurt": "unknown", "afraid": "yes"}
    entry = EntryRequest(uuid4(), Act.SAFE_AND_WELL, words=ARABIC, details=details)
    await searching.enter(tom, id_, entry, now)
    await Task.filter(subject_id=id_).update(state="done", settled_at=now, next_action_at=None)
    await Episode.filter(id=id_).update(stage="followed_up", followed_up_at=now)
    cast.clock.advance(seconds=1)
    note = EntryRequest(uuid4(), Act.NOTE, words=LONG)
    await searching.enter(tom, id_, note, cast.clock())
    return id_


def _answers(now: datetime) -> dict[str, Any]:
    return {
        "answer": "accepted",
        "at": now.isoformat(),
        "interviewer": LONG,
        "independent": "yes",
        "push": ["alone", "waiting"],
        "own": ARABIC,
        "before": LONG,
    }


def of_finding_ones_way(cast: Cast) -> Pages:
    """The four pages of a child, the pages that only lead on, and one's own."""
    noor = f"/desk/children/{cast.noor.id}"
    tabs = {f"tab{tab}": ("tom", f"{noor}{tab}") for tab in ("", "/plan", "/people", "/safety")}
    hubs = {
        f"{hub} of {name}": (name, f"/desk/{hub}")
        for name in ("tom", "ines", "root")
        for hub in ("reports", "admin")
    }
    own = {f"me, {name}": (name, "/desk/me") for name in ("tom", "ada", "sam", "root")}
    boards = {f"board of {name}": (name, "/desk/") for name in ("ada", "root")}
    return tabs | hubs | own | boards


async def pages(cast: Cast) -> Pages:
    """All of them. A drill ends where somebody is called for real: so whoever is called is last."""
    pages = await of_the_missing(cast) | await of_those_who_work_here(cast)
    pages |= await made.pages(cast) | await of_finding(cast) | of_finding_ones_way(cast)
    return pages | await of_those_who_are_called(cast)
