"""Every page of the desk, with something on it, and who looks at it."""

from __future__ import annotations

from uuid import uuid4

from server.alerts import actions as alerts
from server.alerts.attempt_rules import Result, Target, Tried, Way
from server.alerts.ladder import Cause
from server.alerts.models import Alert
from server.checkin import actions as checkin
from server.checkin.rules import Answer, Want
from server.inbound import cards, links
from server.missing.profile import actions
from server.missing.profile.photos import actions as photos
from server.missing.profile.photos.actions import NewPhoto
from server.missing.profile.rules import Shows
from server.notify.addresses import AddAddress, add_address
from server.people.models import Child
from server.people.rules import Role
from server.plan.goal_templates import actions as template_actions
from server.plan.goal_templates.rules import Offer, Step
from server.security import encryption
from server.storage.db import write
from server.watch import watch_alerts
from server.watch.carer.models import Question
from server.watch.models import Watch
from server.watch.signals import observations
from server.watch.ticking import beat
from tests.browser import further, rest
from tests.browser.further import Pages
from tests.cast import Cast
from tests.desk import scenes
from tests.desk.walking import at, run_until
from tests.missing.pictures import as_bytes, drawn


async def tried_often(cast: Cast, alert: Alert) -> None:
    """More attempts than the page shows at once, the last of which reached the child."""
    for _ in range(8):
        nothing = Tried(
            uuid4(), Way.CALL, Target.HOME, Result.NO_ANSWER, "They do not answer. " * 9
        )
        await watch_alerts.log_attempt(cast.actor("tom"), alert.id, nothing, cast.clock())
    voice = Tried(uuid4(), Way.CALL, Target.CHILD, Result.REACHED, "With a friend.")
    await watch_alerts.log_attempt(cast.actor("ines"), alert.id, voice, cast.clock())


async def first(cast: Cast) -> Pages:
    """Something in every standing; each page by its name, and who looks at it."""
    mia = f"/desk/children/{cast.mia.id}"
    await run_until(cast, at(19, 50))
    said = Answer(uuid4(), cast.clock(), mood=2, note="Tired.", want=Want.TALK)
    await checkin.record(cast.actor("noor"), Role.CHILD, cast.noor.id, said, cast.clock())
    await scenes.crowd(cast, 24)
    await add_address(
        cast.actor("tom"),
        cast.tom.id,
        AddAddress(channel="email", value="tom@example.org"),
        cast.clock(),
    )
    alert = await Alert.get(child_id=cast.mia.id)
    closed = await Alert.get(child_id=cast.noor.id, cause="silence")
    await watch_alerts.close_alert(
        cast.actor("ines"), closed.id, alerts.Outcome.SEEN, "At school.", cast.clock()
    )
    watch = await Watch.get(child_id=cast.noor.id)
    async with write():
        wish = watch_alerts.Wish(cast.actor("noor"), watch, Cause.HELP, uuid4())
        [reached] = await watch_alerts.call_adults([wish], cast.clock())
    await tried_often(cast, reached)
    await beat("tick", at(19, 30))
    tom, kid = cast.actor("tom"), cast.children["mia"]
    link = await links.make(tom, kid, 7, uuid4(), cast.clock())
    await cards.make(tom, kid, "4829", cast.clock())
    steps = (Step("Find a place " * 9, "agency", 30),)
    offer = Offer("education", "en", 12, 17, "I want to learn. " * 9, None, None, steps)
    ours, now = cast.agency.id, cast.clock()
    for template_id in (template := uuid4(), retired := uuid4()):
        await template_actions.add(cast.actor("ines"), ours, template_id, offer, now)
    await template_actions.retire(cast.actor("ines"), ours, retired, now)
    for sign in ("packed_bag", "unexplained_things"):
        await observations.note(
            cast.actor("tom"),
            cast.children["noor"],
            Role.CASEWORKER,
            observations.ObservationRequest(uuid4(), sign, words="Under the bed. " * 9),
            now,
        )
    question = await Question.get(child_id=cast.mia.id)
    token = encryption.sign(str(question.id), "question", until=question.expires_at)
    alerted = f"/desk/children/{alert.child_id}"
    called = await Child.get(id=alert.child_id)
    long = {
        "handles": "a_name_that_does_not_break_" * 9,
        "frightens": "حتى الصباح",
        "hair": "red",
    }
    await actions.put(
        cast.actor("tom"), called, [Role.CASEWORKER], base=0, given=long, now=cast.clock()
    )
    await photos.add(
        cast.actor("tom"), called, as_bytes(drawn()), NewPhoto(uuid4(), Shows.FACE), cast.clock()
    )
    return {
        "board": ("tom", "/desk/"),
        "filtered": ("tom", "/desk/?level=high&whose=mine"),
        "opened": ("tom", "/desk/?open=none&more=well:100"),
        "filter": ("ines", "/desk/filter"),
        "load": ("ines", "/desk/load"),
        "load of one": ("ines", f"/desk/load/{cast.tom.id}"),
        "rounds": ("tom", "/desk/rounds"),
        "away": ("tom", "/desk/away"),
        "alert": ("tom", f"/desk/alerts/{alert.id}"),
        "numbers": ("tom", f"/desk/alerts/{alert.id}/numbers"),
        "contacted": ("tom", f"/desk/alerts/{reached.id}/numbers?done=contacted"),
        "together": ("tom", f"/desk/alerts/{alert.id}/together"),
        "closed": ("tom", f"/desk/alerts/{closed.id}"),
        "child": ("tom", f"/desk/children/{cast.noor.id}"),
        "rhythm": ("tom", f"{mia}/rhythm"),
        "tier": ("tom", f"{mia}/tier"),
        "pauses": ("tom", f"{mia}/pauses"),
        "sighting": ("tom", f"{mia}/sighting"),
        "observation": ("tom", f"/desk/children/{cast.noor.id}/observation"),
        "missing": ("tom", f"{mia}/missing"),
        "check-in": ("tom", f"{mia}/check-in"),
        "new": ("tom", "/desk/children/new"),
        "test": ("tom", "/desk/test"),
        "settings": ("tom", "/desk/settings"),
        "second key": ("tom", "/desk/settings/second-key"),
        "again": ("tom", "/desk/again"),
        "sessions": ("tom", "/desk/settings/sessions"),
        "second keys": ("root", "/desk/people/second-keys"),
        "ties": ("tom", f"{mia}/ties"),
        "devices": ("tom", f"{mia}/devices"),
        "invite": ("tom", f"{mia}/invite"),
        "carer": ("sam", "/desk/"),
        "without app": ("tom", f"{mia}/without-app"),
        "link": ("tom", f"{mia}/without-app/links/{link.id}"),
        "card": ("tom", f"{mia}/without-app/card"),
        "front desks": ("sam", "/desk/front"),
        "any phone": ("tom", f"/c/{links.token_of(link)}"),
        "any phone, after a tap": ("tom", f"/c/{links.token_of(link)}?done=1"),
        "no front desk": ("tom", "/front"),
        "question": ("sam", f"/q/{token}"),
        "empty": ("eve", "/desk/"),
        "people": ("root", "/desk/people"),
        "templates": ("root", "/desk/templates"),
        "template": ("ines", f"/desk/templates/{template}"),
        "new template": ("root", "/desk/templates/new"),
        "policies": ("ines", "/desk/policies"),
        "policy": ("ines", "/desk/policies/new"),
        "replay": ("ines", "/desk/policies/replay"),
        "quality": ("ines", "/desk/quality"),
        "pack": ("tom", f"{alerted}/pack"),
        "group of the pack": ("tom", f"{alerted}/pack/group/own"),
        "at the time": ("tom", f"{alerted}/pack/group/now"),
        "photos of the pack": ("tom", f"{alerted}/pack/photos"),
        "versions of the pack": ("tom", f"{alerted}/pack/versions"),
        "what the home knows": ("sam", f"{alerted}/pack"),
        "what the home knows, to fill in": ("sam", f"{alerted}/pack/group/home"),
        "last resort": ("root", "/desk/people/last-resort"),
        "last resort, to read": ("ines", "/desk/people/last-resort"),
        "texts without a place": ("ines", "/desk/texts"),
        "own tasks": ("tom", "/desk/tasks"),
        "fault": ("tom", "/desk/nowhere"),
    }


async def whole_stage(cast: Cast) -> Pages:
    """Every page that there is."""
    return await first(cast) | await further.pages(cast) | await rest.pages(cast)
