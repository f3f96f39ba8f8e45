"""What a phone asks at every start: which person, what next, and in which language."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.audit.epochs import EpochOut, epoch_out
from server.auth.api import ChildOut, PersonOut, person_out
from server.auth.cookies import renew_cookie, token_of
from server.checkin.shared_question import to_ask
from server.errors import Refused
from server.i18n import N_
from server.i18n.languages import Language
from server.inbound.reading import help_text_of
from server.missing.search.clocks.actions import lines_of
from server.notify.contact_routes import wishes_of
from server.notify.devices import health_of
from server.notify.preferences import set_lock_text
from server.notify.push_health import Health
from server.people.access import Visitor, now_of, own_child, visitor_of
from server.people.actions import set_language
from server.people.models import Agency, Person, Tie
from server.people.rules import Action, Role, may
from server.questions.reading import last_answered
from server.watch.actions import app_opened, note_app_seen
from server.watch.forgotten import forgot, offered
from server.watch.machine.standing import State, as_the_child_sees
from server.watch.models import Watch
from server.watch.reminders import snoozes
from server.watch.reminders.school_hours import waiting_now
from server.web.openapi import api
from server.web.requests import json_body
from server.web.responses import json_answer


class LateOut(msgspec.Struct):
    """A check-in that was answered after its time."""

    id: UUID
    due_at: datetime


class ForgotOut(msgspec.Struct):
    """The child has said that they forgot this check-in. It stays late."""

    id: UUID
    due_at: datetime
    forgot_at: datetime


class HelperOut(msgspec.Struct):
    """An adult who is there for the child."""

    id: UUID
    name: str


class HelpTextOut(msgspec.Struct):
    """How help is called by text message: where to, and the word that was agreed in person."""

    number: str
    word: str


class LinesOut(msgspec.Struct):
    """Numbers to call: to talk to a person, and for missing children. Empty if there is none."""

    talk: str
    away: str


class QuestionOut(msgspec.Struct):
    """A question that the child and their caseworker share, for the phone to ask now."""

    id: UUID
    text: str


class WaitOut(msgspec.Struct):
    """Reminders wait until then; `why`: `quiet_hours` or `school_hours`."""

    until: datetime
    why: str


class OpenOut(msgspec.Struct):
    """The check-in that is open now: an answer by `answer_by` is in time. `until`: when the child
    is reminded again, if they asked for it."""

    id: UUID
    answer_by: datetime
    until: datetime | None


class MeOut(msgspec.Struct, omit_defaults=True):
    """The signed-in person. The fields of a watch are null for adults, who are not watched.
    `standing`: `well` means that nothing is late. `heard_at`: when an answer of the child's own
    came last; null: never. `answered_late`: the last check-in of a day that came late, if the
    child has not said why. `reminders`: how well pushes reach the phone that asks; null if no
    phone asks. `helpers`: the adults a child can wish for in a call for help. `door`: we are
    looking for the child, and `lines` are the numbers they can call. `help_text`: where a text
    message calls for help, if that was agreed. `question`: what the phone should ask, if
    anything. `answered_at`: when the latest answer to a question of the child about the record
    came. `epoch`: null until the database was restored from a backup. `waits`: until when the
    child's reminders wait. `open_round`: the check-in whose reminder can be put off.
    `lock_text`: the code of the text that the lock screen shows; empty for the one that ships."""

    person: PersonOut
    next_due_at: datetime | None
    opens_at: datetime | None
    standing: State | None
    heard_at: datetime | None
    answered_late: LateOut | None
    language: str
    display_name: str
    help_phone: str | None
    vapid_public_key: str
    server_time: datetime
    reminders: Health | None
    epoch: EpochOut | None
    child: ChildOut | msgspec.UnsetType = msgspec.UNSET
    helpers: list[HelperOut] | msgspec.UnsetType = msgspec.UNSET
    help_text: HelpTextOut | msgspec.UnsetType = msgspec.UNSET
    question: QuestionOut | msgspec.UnsetType = msgspec.UNSET
    answered_at: datetime | msgspec.UnsetType = msgspec.UNSET
    door: bool = False
    lines: LinesOut | msgspec.UnsetType = msgspec.UNSET
    waits: WaitOut | msgspec.UnsetType = msgspec.UNSET
    open_round: OpenOut | msgspec.UnsetType = msgspec.UNSET
    lock_text: str = ""


class MeChange(msgspec.Struct):
    """What a person may change about themselves; the text on the lock screen only a child."""

    language: Language | msgspec.UnsetType = msgspec.UNSET
    lock_text: Annotated[str, msgspec.Meta(max_length=12)] | msgspec.UnsetType = msgspec.UNSET


class Nothing(msgspec.Struct):
    """An empty object."""


async def me(request: Request) -> Response:
    """Who I am and what comes next."""
    visitor = await visitor_of(request)
    answer = json_answer(await _me(request, visitor))
    token, by_cookie = token_of(request)
    if by_cookie and token and visitor.device_id is not None:
        renew_cookie(request, answer, token)
    return answer


async def change_me(request: Request) -> Response:
    """Another language for me, on every device and in messages; another text for my lock
    screen."""
    visitor = await visitor_of(request)
    payload = await json_body(request, MeChange)
    if isinstance(payload.language, str):
        await set_language(visitor, visitor.person_id, payload.language, now_of(request))
    if isinstance(payload.lock_text, str):
        if not visitor.is_child:
            raise Refused(N_("Only a child chooses this text."), field="lock_text")
        await set_lock_text(visitor, visitor.person_id, payload.lock_text, now_of(request))
    return json_answer(await _me(request, visitor))


async def seen(request: Request) -> Response:
    """The app is open: a sign of life, never an answer. It settles nothing."""
    visitor = await visitor_of(request)
    await json_body(request, Nothing)
    if visitor.is_child:
        await note_app_seen(visitor.person_id, now_of(request))
        await app_opened(visitor.person_id, now_of(request))
    return Response(status_code=204)


async def say_forgot(request: Request) -> Response:
    """I forgot: optional, and it changes nothing but what adults can read."""
    child, _ = await own_child(request, Action.CHECK_IN)
    visitor, round_id = await visitor_of(request), request.path_params["round_id"]
    forgotten = await forgot(visitor, child.id, round_id, now_of(request))
    assert forgotten.forgot_at is not None
    return json_answer(ForgotOut(forgotten.id, forgotten.due_at, forgotten.forgot_at))


async def _me(request: Request, visitor: Visitor) -> MeOut:
    person = await Person.get(id=visitor.person_id)
    agency = await Agency.get(id=person.agency_id)
    watch = await Watch.get_or_none(child_id=person.id) if visitor.is_child else None
    late = await offered(person.id, now_of(request)) if visitor.is_child else None
    settings = request.app.state.settings
    me_out = MeOut(
        person=person_out(person),
        next_due_at=watch.due_at if watch else None,
        opens_at=watch.opens_at if watch else None,
        standing=as_the_child_sees(State(watch.standing)) if watch else None,
        heard_at=watch.answered_at if watch else None,
        answered_late=LateOut(late.id, late.due_at) if late else None,
        language=person.language,
        display_name=agency.display_name or settings.display_name,
        help_phone=agency.help_phone,
        vapid_public_key=request.app.state.vapid_public_key,
        server_time=now_of(request),
        reminders=await _reminders(visitor, now_of(request)),
        epoch=await epoch_out(),
    )
    if visitor.is_child:
        me_out.child = ChildOut(person.id, person.name)
        wish = (await wishes_of({person.id})).get(person.id)
        me_out.lock_text = (wish.lock_text if wish is not None else None) or ""
        if watch is not None and not watch.is_over:
            await _add_reminders(me_out, watch, now_of(request))
        if watch is not None and watch.is_missing:
            me_out.door = True
            me_out.lines = LinesOut(*await lines_of(agency.id))
        me_out.helpers = await _helpers(person.id, now_of(request))
        text = await help_text_of(settings.inbound_numbers, person.id)
        if text is not None:
            me_out.help_text = HelpTextOut(*text)
        asked = await to_ask(person.id)
        if asked is not None:
            me_out.question = QuestionOut(*asked)
        if (answered_at := await last_answered(person.id)) is not None:
            me_out.answered_at = answered_at
    return me_out


async def _add_reminders(me_out: MeOut, watch: Watch, now: datetime) -> None:
    waits = await waiting_now(watch, now)
    if waits is not None:
        me_out.waits = WaitOut(waits.end, waits.why)
    current = await snoozes.current(watch, now)
    if current is not None:
        me_out.open_round = OpenOut(current.round_id, current.answer_by, current.until)


async def _helpers(child_id: UUID, now: datetime) -> list[HelperOut]:
    """The adults who are tied to this child and may act on a call for help, by name."""
    held = Tie.filter(
        Tie.standing_at(now),
        child_id=child_id,
        role__in=[role for role in Role if may(frozenset({role}), Action.ALERT_ACKNOWLEDGE)],
        person__disabled_at__isnull=True,
    ).prefetch_related("person")
    people = {tie.person_id: tie.person for tie in await held}
    helpers = [HelperOut(id_, person.name) for id_, person in people.items()]
    return sorted(helpers, key=lambda helper: helper.name)


async def _reminders(visitor: Visitor, now: datetime) -> Health | None:
    return None if visitor.device_id is None else await health_of(visitor.device_id, now)


routes = [
    api("GET", "/api/v1/me", me, "Who I am, and what comes next", gives={200: MeOut}),
    api(
        "PATCH",
        "/api/v1/me",
        change_me,
        "Change my language, or the text on my lock screen",
        takes=MeChange,
        gives={200: MeOut},
        problems=(Refused,),
    ),
    api(
        "POST",
        "/api/v1/me/rounds/{round_id:uuid}/forgot",
        say_forgot,
        "Say that I forgot a check-in",
        gives={200: ForgotOut},
    ),
    api(
        "POST",
        "/api/v1/me/seen",
        seen,
        "The app was open: a sign of life, not an answer",
        takes=Nothing,
        gives={204: None},
    ),
]
