"""Who reaches what: every route by every role by another agency.

The walk goes over `app.routes`, so a new route fails here until somebody declares who may use it.
A call counts as let in unless the answer is 401, 403 or 404. Bodies that are sent are none that
anything could accept: rights are looked at first, so nothing is changed by the walk but what the
routes without a body change.
"""

from __future__ import annotations

import dis
import os
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache, partial
from itertools import count
from typing import Any
from uuid import UUID, uuid4
from zlib import crc32
from zoneinfo import ZoneInfo

import httpx2
import msgspec
import pytest
from starlette.routing import BaseRoute, Route
from tortoise.expressions import Subquery

from server.advocates.actions import new_link
from server.advocates.joining import token_of
from server.advocates.models import Advocacy
from server.alerts.drills.actions import TAP
from server.alerts.drills.models import Drill, DrillCall
from server.alerts.glass.models import Glass
from server.alerts.ladder import Cause, Outcome
from server.alerts.models import Alert
from server.alerts.opening import Opening, open_alerts
from server.alerts.recipients import policy_of
from server.app import routes as all_routes
from server.approvals.models import Approval
from server.approvals.rules import What
from server.audit.actions import SYSTEM
from server.auth import credentials
from server.auth.models import Device, Passkey
from server.auth.sessions import open_session
from server.checkin import shared_question
from server.flags import actions as flags
from server.flags.actions import AddFlag
from server.imports.models import Intake
from server.inbound import links
from server.inbound.models import ChildLink, FrontDesk
from server.missing.profile.mail import Mailing, send
from server.missing.profile.models import PackPhoto
from server.missing.profile.reading import Reader
from server.missing.profile.rules import Copy
from server.missing.returns import interview_actions
from server.missing.returns.child_found import Found, record_found
from server.missing.search.models import Episode, SearchHandover
from server.missing.search.opening import Saying, open_episode
from server.notify.address_verification import PROOF
from server.notify.arrivals import ARRIVED, send_test
from server.notify.models import Address, Message
from server.people import actions as people
from server.people.models import Child, Person, Tie
from server.people.rules import Action, Role, may
from server.people.ties import AddTie, add_tie
from server.plan.models import Quarantined, Template
from server.policy.model import Tier
from server.roll_calls.actions import add_worker
from server.roll_calls.models import RollCall
from server.rota.duty_shifts import REACHED
from server.rota.models import Duty, DutyShift, FixedShift, Handover, Leave
from server.security import encryption
from server.settings import Provider
from server.storage.db import dialect, write
from server.tasks.actions import set_task
from server.tasks.models import Task
from server.tasks.rules import Kind, Setting
from server.watch.absence.models import AbsenceRequest
from server.watch.calendar.models import Milestone
from server.watch.carer.models import Question
from server.watch.models import Pause, RollCallWord, Round
from server.watch.rhythm.agreements import PauseRequest
from server.watch.rhythm.models import Proposal, Season
from server.watch.signals.models import Observation
from server.watch.trusted.contacts import LINK
from server.watch.trusted.models import Trusted, TrustedAsk
from server.watch.watch_alerts import close_alert, open_missing
from server.witnesses import lists
from server.witnesses.actions import Arranged, arrange, new_register
from server.witnesses.models import Witness
from server.witnesses.rules import Kind as WitnessKind
from tests.advocates.made import advocate
from tests.alerts.calls import queue_call
from tests.areas.made import oversight
from tests.cast import ADULTS, CHILDREN, Cast
from tests.questions.made import a_question
from tests.records.made import a_transfer

SIGN_IN, DENIED, HIDDEN, IN = 401, 403, 404, 200
TIED = {
    "mia": "child",
    "tom": "caseworker",
    "ines": "supervisor",
    "ada": "guardian",
    "sam": "carer",
    "ruth": "advocate",
}
STRANGERS = ("eve", "root", "lia", "uwe")
ROLE_IN_AGENCY = {name: role.value for name, (_, role, _, _) in ADULTS.items()} | {
    "uwe": "caseworker",
    "ruth": "advocate",
}
ON_DUTY = "eve on duty"
CALLED = "eve called"  # By an open alert about Mia, without a tie and without a duty.
GLASS = "eve with a broken glass"  # For Mia, while an alert about Mia is open.
WHO = (None, *TIED, *STRANGERS, ON_DUTY)
# As in tests/outside/test_nasty.py: everybody asks for everything on PostgreSQL too.
EVERY_TURN = os.environ.get("WAYMARK_TEST_TURNS") == "1"

Expected = Callable[[str | None], int]


def anyone(_: str | None) -> int:
    """No session is needed."""
    return IN


def signed_in(who: str | None) -> int:
    """Any session."""
    return SIGN_IN if who is None else IN


def staff(who: str | None) -> int:
    """Any adult's session; to a child's there is nothing."""
    if who is None:
        return SIGN_IN
    return HIDDEN if who in CHILDREN else IN


def own_staff(who: str | None) -> int:
    """Any adult of the agency; to those of another one there is nothing."""
    return HIDDEN if who == "uwe" else staff(who)


def children_alone(who: str | None) -> int:
    """The child whose session it is, of either agency."""
    if who is None:
        return SIGN_IN
    return IN if who in CHILDREN else HIDDEN


def paired(who: str | None) -> int:
    """A paired phone."""
    if who is None:
        return SIGN_IN
    return IN if who in CHILDREN else DENIED


@dataclass(frozen=True)
class child:
    """These roles towards Mia; whoever is on duty counts as her supervisor."""

    roles: str
    but: str = ""  # Roles in the agency that get in without a tie.
    is_for_staff: bool = False  # To the child itself it is not there.

    def __call__(self, who: str | None) -> int:
        if who is None:
            return SIGN_IN
        if who in ROLE_IN_AGENCY and who != "uwe" and ROLE_IN_AGENCY[who] in self.but.split():
            return IN
        role = "supervisor" if who == ON_DUTY else TIED.get(who)
        if role is None or (role == "child" and self.is_for_staff):
            return HIDDEN
        return IN if role in self.roles.split() else DENIED


desk_child = partial(child, is_for_staff=True)


def whose_part(who: str | None) -> int:
    """Tom's part in passing a search on: nobody does it in his place."""
    answer = desk_child("caseworker supervisor")(who)
    return HIDDEN if answer == IN and who != "tom" else answer


def whose_part_is_it(who: str | None) -> int:
    """The same over the wire, where a child is told that it may not."""
    answer = child("caseworker supervisor")(who)
    return HIDDEN if answer == IN and who != "tom" else answer


def these(*names: str) -> Expected:
    """Nobody else: to every other person it is not there."""
    return lambda who: SIGN_IN if who is None else IN if who in names else HIDDEN


def due_seen(who: str | None) -> int:
    """Whoever may see the page of the child; to everybody else it is not there, tie or not."""
    got = desk_child("caseworker supervisor guardian advocate")(who)
    return HIDDEN if got == DENIED else got


def nobody(who: str | None) -> int:
    """To everyone without a broken glass it is not there."""
    return SIGN_IN if who is None else HIDDEN


def front_desk(who: str | None) -> int:
    """Who checks in for a child of the home, and supervisors and administrators of its agency; to
    everybody else it is not there."""
    if who is None:
        return SIGN_IN
    if who not in CHILDREN and ROLE_IN_AGENCY["eve" if who == ON_DUTY else who] in (
        "supervisor",
        "administrator",
    ):
        return IN
    return IN if TIED.get(who) in ("caseworker", "carer", "supervisor") else HIDDEN


def supervisor_or_on_duty(who: str | None) -> int:
    """A supervisor of an agency, and who is on duty there."""
    return IN if who == ON_DUTY else agency("supervisor")(who)


def front_desk_keeper(who: str | None) -> int:
    """Supervisors of its agency; to everybody else it is not there."""
    if who is None:
        return SIGN_IN
    role = "" if who in CHILDREN else ROLE_IN_AGENCY["eve" if who == ON_DUTY else who]
    return IN if role == "supervisor" else HIDDEN


@dataclass(frozen=True)
class agency:
    """These roles in one's own agency; to a child there is nothing."""

    roles: str

    def __call__(self, who: str | None) -> int:
        if who is None:
            return SIGN_IN
        if who in CHILDREN:
            return HIDDEN
        role = ROLE_IN_AGENCY["eve" if who == ON_DUTY else who]
        return IN if role in self.roles.split() else DENIED


_ROTA_SEEN = agency("caseworker supervisor administrator")
_ROTA_PLANNED = agency("supervisor administrator")
_ALERT_SEEN = desk_child("caseworker supervisor guardian")
_ALERT_TAKEN = desk_child("caseworker supervisor")
CHILD = "/api/v1/children/{child_id}"
DESK = "/desk/children/{child_id}"

EXPECTED: Mapping[str, Expected] = {
    # The doors.
    "GET /": anyone,
    "POST /sign-in": anyone,
    "POST /sign-out": anyone,
    # Whoever has no cookie of the first half is sent back, or has to sign in.
    "GET /sign-in/second": anyone,
    "POST /sign-in/second": anyone,
    "POST /sign-in/second/options": lambda _: SIGN_IN,
    # Asking for a link tells nobody anything, and a link that nobody was sent opens nothing.
    "POST /sign-in/link": anyone,
    "GET /sign-in/link/{token}": lambda _: HIDDEN,
    "POST /sign-in/link/{token}": lambda _: HIDDEN,
    "POST /sign-in/passkey/options": anyone,
    "POST /sign-in/passkey": anyone,
    "GET /desk/again": staff,
    "POST /desk/again/options": staff,
    "POST /desk/again": staff,
    "GET /desk/settings/second-key": staff,
    "POST /desk/settings/second-key/app/begin": staff,
    "GET /desk/settings/second-key/app": staff,
    "POST /desk/settings/second-key/app": staff,
    "POST /desk/settings/second-key/app/remove": staff,
    "POST /desk/settings/second-key/codes": staff,
    "POST /desk/settings/second-key/passkeys/options": staff,
    "POST /desk/settings/second-key/passkeys": staff,
    "POST /desk/settings/second-key/passkeys/{passkey_id}/remove": staff,
    "GET /desk/settings/sessions": staff,
    "POST /desk/settings/sessions/{session_id}/end": staff,
    "POST /desk/settings/sessions/end-others": staff,
    "GET /desk/people/second-keys": agency("administrator"),
    "POST /desk/people/second-keys": agency("administrator"),
    "GET /desk/people/{person_id}/second-key": agency("administrator"),
    "POST /desk/people/{person_id}/second-key": agency("administrator"),
    # A provider of sign-in that does not answer: nobody is let in by it, and everybody may ask.
    "GET /sign-in/with/{provider}": anyone,
    "GET /sign-in/with/{provider}/back": anyone,
    "GET /sign-in/with/{provider}/code": anyone,
    "POST /sign-in/with/{provider}/code": anyone,
    "GET /desk/again/with/{provider}": own_staff,
    "GET /desk/settings/accounts": staff,
    "GET /desk/settings/accounts/{provider}": own_staff,
    "GET /desk/people/accounts": agency("administrator"),
    "POST /desk/people/accounts/{provider}": agency("administrator"),
    "POST /desk/people/accounts/{provider}/people/{person_id}/code": agency("administrator"),
    "POST /desk/people/accounts/{provider}/people/{person_id}/untie": agency("administrator"),
    "GET /app/manifest.webmanifest": anyone,
    "GET /api/v1/openapi.json": anyone,
    "POST /api/v1/pair": anyone,
    "POST /api/v1/sessions": anyone,
    "DELETE /api/v1/sessions": signed_in,
    "POST /api/v1/me/codes": paired,
    "GET /api/v1/me/devices": children_alone,
    "DELETE /api/v1/me/devices/{device_id}": children_alone,
    f"GET {CHILD}/devices": child("child caseworker supervisor"),
    f"DELETE {CHILD}/devices/{{device_id}}": child("child caseworker supervisor"),
    f"GET {DESK}/devices": desk_child("caseworker supervisor"),
    f"POST {DESK}/devices/{{device_id}}/shut-out": desk_child("caseworker supervisor"),
    f"GET {DESK}/invite": desk_child("caseworker"),
    f"POST {DESK}/invite": desk_child("caseworker"),
    "GET /desk/people/new": agency("administrator"),
    "POST /desk/people": agency("administrator"),
    "GET /desk/people/{person_id}/password": agency("administrator"),
    "POST /desk/people/{person_id}/password": agency("administrator"),
    "GET /desk/people/children": agency("administrator"),
    "POST /desk/people/children": agency("administrator"),
    "POST /desk/people/find": agency("administrator"),
    "GET /desk/people/{person_id}": agency("administrator"),
    "POST /desk/people/{person_id}": agency("administrator"),
    "GET /desk/people/agency": agency("administrator"),
    "POST /desk/people/agency": agency("administrator"),
    "GET /desk/people/last-resort": agency("supervisor administrator"),
    "POST /desk/people/last-resort": agency("administrator"),
    "POST /desk/people/last-resort/{resort_id}/code": agency("administrator"),
    "POST /desk/people/last-resort/{resort_id}/again": agency("administrator"),
    "POST /desk/people/last-resort/{resort_id}/drop": agency("administrator"),
    "GET /desk/people/homes": agency("administrator"),
    "POST /desk/people/homes": agency("administrator"),
    "POST /desk/people/homes/{home_id}": agency("administrator"),
    "GET /desk/people/homes/{home_id}/roll-call": agency("supervisor administrator"),
    "POST /desk/people/homes/{home_id}/roll-call/times": agency("supervisor administrator"),
    "POST /desk/people/homes/{home_id}/roll-call/kind": agency("supervisor administrator"),
    "POST /desk/people/homes/{home_id}/roll-call/find": agency("supervisor administrator"),
    "POST /desk/people/homes/{home_id}/roll-call/workers": agency("supervisor administrator"),
    "POST /desk/people/homes/{home_id}/roll-call/workers/{person_id}/end": agency(
        "supervisor administrator"
    ),
    "GET /desk/roll-calls": agency("supervisor"),
    "GET /desk/texts": supervisor_or_on_duty,
    # Sam works in the home, and Mia lives there: others read about the children they answer for.
    "GET /desk/homes/{home_id}/roll-call": these("sam", "tom", "ines", ON_DUTY),
    "POST /desk/homes/{home_id}/roll-call": these("sam"),
    "GET /desk/homes/{home_id}/roll-call/list": these("sam"),
    "POST /desk/homes/{home_id}/shift": these("sam"),
    "GET /desk/homes/{home_id}/roll-call/{child_id}/missing": these("sam"),
    "POST /desk/homes/{home_id}/roll-call/{child_id}/missing": these("sam"),
    "POST /desk/homes/{home_id}/visit": these("sam"),
    "GET /desk/homes/{home_id}/pin": these("sam"),
    "POST /desk/homes/{home_id}/pin": these("sam"),
    "POST /desk/homes/{home_id}/shift/{person_id}/end": these("sam"),
    "GET /desk/people/children/import": agency("administrator"),
    "POST /desk/people/children/import": agency("administrator"),
    "GET /desk/people/children/import/template.csv": agency("administrator"),
    "GET /desk/people/children/import/{intake_id}": agency("administrator"),
    "POST /desk/people/children/import/{intake_id}": agency("administrator"),
    "GET /desk/people/{person_id}/leaving": agency("administrator"),
    "POST /desk/people/{person_id}/leaving": agency("administrator"),
    "GET /desk/settings/password": staff,
    "POST /desk/settings/password": staff,
    # The people.
    "GET /desk/people": agency("administrator"),
    f"GET {CHILD}/ties": child("caseworker supervisor", but="administrator"),
    f"POST {CHILD}/ties": child("supervisor", but="administrator"),
    f"DELETE {CHILD}/ties/{{tie_id}}": child("supervisor", but="administrator"),
    f"GET {DESK}/ties": desk_child("caseworker supervisor", but="administrator"),
    f"POST {DESK}/ties": desk_child("supervisor", but="administrator"),
    f"POST {DESK}/ties/{{tie_id}}/end": desk_child("supervisor", but="administrator"),
    "GET /api/v1/looks": children_alone,
    f"GET {CHILD}/looks": child("child caseworker supervisor guardian"),
    f"GET {DESK}/looks": desk_child("caseworker supervisor guardian"),
    "GET /desk/people/children/{child_id}/looks": agency("administrator"),
    # Breaking the glass.
    "GET /desk/glass": agency("caseworker supervisor"),
    "POST /desk/glass": agency("caseworker supervisor"),
    "POST /api/v1/glass": agency("caseworker supervisor"),
    "GET /desk/glass/{glass_id}": desk_child("caseworker supervisor guardian"),
    "POST /desk/glass/{glass_id}/end": desk_child("supervisor"),
    f"GET {DESK}/emergency": nobody,
    "GET /desk/settings": staff,
    "POST /desk/settings/language": staff,
    "POST /desk/settings/phone": staff,
    "POST /desk/settings/addresses": staff,
    "POST /desk/settings/addresses/{address_id}/drop": staff,
    "POST /desk/settings/addresses/{address_id}/code": staff,
    "POST /desk/settings/addresses/{address_id}/again": staff,
    "POST /desk/settings/order": staff,
    "POST /desk/settings/quiet": staff,
    "POST /desk/settings/digest": staff,
    "GET /desk/tasks": staff,
    "GET /reach/{proof}": anyone,
    "POST /reach/{proof}": anyone,
    "GET /api/v1/me/reaching": staff,
    "PUT /api/v1/me/reaching": staff,
    # Oneself.
    "GET /api/v1/me": signed_in,
    "PATCH /api/v1/me": signed_in,
    "POST /api/v1/me/seen": signed_in,
    "GET /api/v1/me/help": children_alone,
    "POST /api/v1/me/rounds/{round_id}/forgot": children_alone,
    "POST /api/v1/me/questions/{question_id}": children_alone,
    "GET /api/v1/push-subscriptions": signed_in,
    "POST /api/v1/push-subscriptions": signed_in,
    "DELETE /api/v1/push-subscriptions/{subscription_id}": signed_in,
    "POST /api/v1/push-subscriptions/{subscription_id}/test": signed_in,
    "POST /api/v1/push-receipts": signed_in,
    "POST /api/v1/receipts": anyone,
    # The watch.
    "GET /api/v1/children": signed_in,
    f"GET {CHILD}/watch": child("child caseworker supervisor guardian"),
    f"PUT {CHILD}/rhythm": child("caseworker supervisor"),
    "GET /api/v1/absences": children_alone,
    "POST /api/v1/absences": children_alone,
    "DELETE /api/v1/absences/{absence_id}": children_alone,
    f"GET {CHILD}/absences": child("child caseworker supervisor guardian"),
    f"POST {CHILD}/absences/{{absence_id}}/agree": child("caseworker supervisor"),
    f"POST {CHILD}/absences/{{absence_id}}/decline": child("caseworker supervisor"),
    f"GET {DESK}/absences/{{absence_id}}": desk_child("caseworker supervisor"),
    f"POST {DESK}/absences/{{absence_id}}/agree": desk_child("caseworker supervisor"),
    f"POST {DESK}/absences/{{absence_id}}/decline": desk_child("caseworker supervisor"),
    "GET /api/v1/rhythm/proposals": children_alone,
    "POST /api/v1/rhythm/proposals": children_alone,
    "POST /api/v1/rhythm/preview": children_alone,
    f"GET {CHILD}/rhythm/proposals": child("child caseworker supervisor guardian"),
    f"POST {CHILD}/rhythm/proposals": child("child caseworker supervisor"),
    f"POST {CHILD}/rhythm/preview": child("child caseworker supervisor"),
    f"POST {CHILD}/rhythm/proposals/{{proposal_id}}/agree": child("caseworker supervisor"),
    f"POST {CHILD}/rhythm/proposals/{{proposal_id}}/decline": child("caseworker supervisor"),
    f"PUT {CHILD}/tier": child("caseworker supervisor"),
    "DELETE /api/v1/rhythm/proposals/{proposal_id}": children_alone,
    f"DELETE {CHILD}/rhythm/proposals/{{proposal_id}}": child("child caseworker supervisor"),
    "GET /api/v1/milestones": children_alone,
    f"GET {CHILD}/milestones": child("child caseworker supervisor guardian"),
    f"POST {CHILD}/milestones": child("caseworker supervisor"),
    f"PATCH {CHILD}/milestones/{{milestone_id}}": child("caseworker supervisor"),
    f"DELETE {CHILD}/milestones/{{milestone_id}}": child("caseworker supervisor"),
    "GET /api/v1/me/hours": children_alone,
    "PUT /api/v1/me/hours": children_alone,
    "POST /api/v1/me/hours/preview": children_alone,
    f"GET {CHILD}/hours": child("child caseworker supervisor guardian"),
    f"PUT {CHILD}/hours": child("child caseworker supervisor"),
    f"POST {CHILD}/hours/preview": child("child caseworker supervisor"),
    # A round and a token that nobody has (tests/watch/test_snoozes.py has those that are known).
    "POST /api/v1/snoozes": lambda who: SIGN_IN if who is None else HIDDEN,
    "POST /api/v1/push-snoozes": lambda _: HIDDEN,
    f"POST {CHILD}/seasons": child("caseworker supervisor"),
    f"DELETE {CHILD}/seasons/{{season_id}}": child("caseworker supervisor"),
    f"POST {CHILD}/pauses": child("caseworker supervisor"),
    f"DELETE {CHILD}/pauses/{{pause_id}}": child("caseworker supervisor"),
    f"POST {CHILD}/pauses/{{pause_id}}/keep": child("caseworker supervisor"),
    f"POST {CHILD}/pauses/{{pause_id}}/end": child("caseworker supervisor"),
    f"POST {CHILD}/sightings": child("caseworker supervisor guardian carer advocate"),
    f"GET {CHILD}/flags": child("caseworker supervisor"),
    f"POST {CHILD}/flags": child("caseworker supervisor"),
    f"POST {CHILD}/flags/{{flag_id}}": child("caseworker supervisor"),
    f"POST {CHILD}/flags/{{flag_id}}/done": child("caseworker supervisor"),
    f"GET {DESK}/flags": desk_child("caseworker supervisor"),
    f"POST {DESK}/flags": desk_child("caseworker supervisor"),
    f"GET {DESK}/flags/{{flag_id}}": desk_child("caseworker supervisor"),
    f"POST {DESK}/flags/{{flag_id}}": desk_child("caseworker supervisor"),
    f"POST {DESK}/flags/{{flag_id}}/done": desk_child("caseworker supervisor"),
    # Of a person who is none of these; only the person who asked takes it back.
    "GET /api/v1/approvals/{approval_id}": desk_child("caseworker supervisor"),
    "POST /api/v1/approvals/{approval_id}/answer": desk_child("caseworker supervisor"),
    "DELETE /api/v1/approvals/{approval_id}": desk_child(""),
    "GET /desk/approvals/{approval_id}": desk_child("caseworker supervisor"),
    "POST /desk/approvals/{approval_id}/answer": desk_child("caseworker supervisor"),
    "POST /desk/approvals/{approval_id}/back": own_staff,
    f"GET {CHILD}/observations": child("caseworker supervisor guardian"),
    f"POST {CHILD}/observations": child("caseworker supervisor guardian carer"),
    f"DELETE {CHILD}/observations/{{observation_id}}": child(
        "caseworker supervisor guardian carer"
    ),
    f"POST {CHILD}/placement/end": child("caseworker supervisor"),
    f"POST {CHILD}/placement/begin": child("caseworker supervisor"),
    f"POST {CHILD}/missing": child("caseworker supervisor guardian carer advocate"),
    f"POST {CHILD}/episodes": child("caseworker supervisor guardian carer advocate"),
    f"GET {CHILD}/episodes": child("child caseworker supervisor guardian"),
    f"GET {CHILD}/episodes/{{episode_id}}": child("child caseworker supervisor guardian"),
    f"POST {CHILD}/episodes/{{episode_id}}/entries": child("caseworker supervisor"),
    f"GET {CHILD}/episodes/{{episode_id}}/handovers": child("caseworker supervisor"),
    f"POST {CHILD}/episodes/{{episode_id}}/handovers/{{passing_id}}": whose_part_is_it,
    "GET /api/v1/patterns": staff,
    f"POST {CHILD}/episodes/{{episode_id}}/together": child("caseworker supervisor"),
    f"DELETE {CHILD}/episodes/{{episode_id}}/together/{{other_id}}": child("caseworker supervisor"),
    f"GET {CHILD}/episodes/{{episode_id}}/interview": child("child caseworker supervisor guardian"),
    f"PUT {CHILD}/episodes/{{episode_id}}/interview": child("caseworker supervisor"),
    f"GET {CHILD}/return-reasons": child("child caseworker supervisor guardian"),
    f"POST {CHILD}/episodes/{{episode_id}}/found": child("caseworker supervisor guardian carer"),
    # The life project.
    "GET /api/v1/project": children_alone,
    "POST /api/v1/sync": children_alone,
    "GET /api/v1/project/history": children_alone,
    "GET /api/v1/project/live": children_alone,
    "GET /api/v1/project.pdf": children_alone,
    "GET /api/v1/project/wall": children_alone,
    "PUT /api/v1/project/wall": children_alone,
    "GET /api/v1/project/whole": children_alone,
    "GET /api/v1/project/templates": children_alone,
    f"GET {CHILD}/project/templates": child("child caseworker guardian"),
    "GET /desk/filter": staff,
    "GET /desk/load": agency("supervisor"),
    "GET /desk/load/{person_id}": agency("supervisor"),
    "POST /desk/load/{person_id}": agency("supervisor"),
    "GET /desk/policies": agency("caseworker supervisor"),
    "POST /desk/policies": agency("supervisor"),
    "GET /desk/policies/budget": agency("supervisor"),
    "POST /desk/policies/budget": agency("supervisor"),
    "GET /desk/policies/new": agency("supervisor"),
    "GET /desk/policies/second-person": agency("caseworker supervisor"),
    "POST /desk/policies/second-person": agency("supervisor"),
    "GET /desk/policies/search": agency("caseworker supervisor"),
    "POST /desk/policies/search": agency("supervisor"),
    "GET /desk/policies/definitions": agency("caseworker supervisor"),
    "POST /desk/policies/definitions": agency("supervisor"),
    "POST /desk/policies/look": agency("supervisor"),
    "GET /desk/policies/replay": agency("caseworker supervisor"),
    "POST /desk/policies/replay": agency("caseworker supervisor"),
    "GET /desk/indicators": agency("supervisor administrator"),
    "GET /desk/indicators.csv": agency("supervisor administrator"),
    "GET /api/v1/indicators": agency("supervisor administrator"),
    # Nobody of an agency: `OF_OVERSIGHT` below.
    "GET /desk/areas": agency(""),
    "GET /desk/areas.csv": agency(""),
    "GET /api/v1/areas": agency(""),
    "GET /desk/quality": agency("caseworker supervisor"),
    "GET /desk/quality.csv": agency("caseworker supervisor"),
    "GET /desk/templates": agency("supervisor administrator"),
    "GET /desk/templates/new": agency("supervisor administrator"),
    "POST /desk/templates/new": agency("supervisor administrator"),
    "GET /desk/templates/{template_id}": agency("supervisor administrator"),
    "POST /desk/templates/{template_id}": agency("supervisor administrator"),
    "POST /desk/templates/{template_id}/retire": agency("supervisor administrator"),
    "POST /desk/templates/{template_id}/again": agency("supervisor administrator"),
    f"GET {CHILD}/project/whole": child("child caseworker supervisor guardian advocate"),
    f"GET {CHILD}/project.pdf": child("child caseworker supervisor guardian advocate"),
    f"GET {CHILD}/project/wall": child("child caseworker supervisor guardian advocate"),
    f"PUT {CHILD}/project/wall": child("child caseworker guardian"),
    # The grab pack. A guardian whom its caseworker has not let reads nothing.
    f"GET {CHILD}/pack": child("child caseworker supervisor carer"),
    f"PUT {CHILD}/pack": child("child caseworker supervisor carer"),
    f"PUT {CHILD}/pack/now": child("caseworker supervisor"),
    f"POST {CHILD}/pack/check": child("caseworker supervisor"),
    f"POST {CHILD}/pack/open": child("caseworker supervisor"),
    f"GET {CHILD}/pack.pdf": child("caseworker supervisor carer"),
    f"GET {CHILD}/pack.txt": child("caseworker supervisor carer"),
    "GET /api/v1/packs": staff,
    f"POST {CHILD}/pack/checkouts": child("caseworker supervisor"),
    f"DELETE {CHILD}/pack/checkouts": child("caseworker supervisor"),
    f"GET {CHILD}/pack/photos": child("caseworker supervisor"),
    f"GET {CHILD}/pack/photos/{{photo_id}}": child("caseworker supervisor"),
    f"PUT {CHILD}/pack/photos/{{photo_id}}": child("caseworker supervisor"),
    f"DELETE {CHILD}/pack/photos/{{photo_id}}": child("caseworker supervisor"),
    f"GET {DESK}/pack": desk_child("caseworker supervisor carer"),
    f"POST {DESK}/pack/open": desk_child("caseworker supervisor"),
    f"POST {DESK}/pack/check": desk_child("caseworker supervisor"),
    f"GET {DESK}/pack/versions": desk_child("caseworker supervisor"),
    f"GET {DESK}/pack/group/{{group}}": desk_child("caseworker supervisor"),
    f"POST {DESK}/pack/group/{{group}}": desk_child("caseworker supervisor"),
    f"GET {DESK}/pack/photos": desk_child("caseworker supervisor"),
    f"POST {DESK}/pack/photos": desk_child("caseworker supervisor"),
    f"POST {DESK}/pack/photos/{{photo_id}}/remove": desk_child("caseworker supervisor"),
    f"GET {CHILD}/project": child("child caseworker supervisor guardian carer advocate"),
    f"POST {CHILD}/sync": child("child caseworker supervisor guardian carer advocate"),
    f"GET {CHILD}/project/history": child("child caseworker supervisor guardian carer advocate"),
    f"GET {CHILD}/project/live": child("child caseworker supervisor guardian carer advocate"),
    "GET /api/v1/dues": signed_in,
    f"GET {CHILD}/dues": child("child caseworker supervisor guardian carer advocate"),
    f"GET {CHILD}/quarantine": child("caseworker supervisor"),
    f"POST {CHILD}/quarantine/{{change_id}}": child("caseworker supervisor"),
    "GET /api/v1/alerts": signed_in,
    "GET /api/v1/alerts/{alert_id}": _ALERT_SEEN,
    "POST /api/v1/alerts/{alert_id}/acknowledge": _ALERT_TAKEN,
    "POST /api/v1/alerts/{alert_id}/close": _ALERT_TAKEN,
    "POST /api/v1/alerts/{alert_id}/attempts": _ALERT_TAKEN,
    # The desk.
    "GET /desk/": staff,
    "GET /desk/live": staff,
    "GET /desk/me": staff,
    "GET /desk/reports": agency("caseworker supervisor administrator"),
    "GET /desk/admin": agency("caseworker supervisor administrator"),
    "GET /desk/help": staff,
    "GET /desk/help/{guide}": staff,
    "GET /desk/away": staff,
    "GET /desk/rounds": staff,
    "GET /desk/alerts/{alert_id}": _ALERT_SEEN,
    "POST /desk/alerts/{alert_id}/acknowledge": _ALERT_TAKEN,
    "POST /desk/alerts/{alert_id}/close": _ALERT_TAKEN,
    "POST /desk/alerts/{alert_id}/attempts": _ALERT_TAKEN,
    "GET /desk/alerts/{alert_id}/numbers": _ALERT_TAKEN,
    "GET /desk/alerts/{alert_id}/sealed": _ALERT_TAKEN,
    "GET /desk/alerts/{alert_id}/together": _ALERT_SEEN,
    "POST /desk/alerts/{alert_id}/together": _ALERT_TAKEN,
    f"GET {DESK}": desk_child("caseworker supervisor guardian"),
    f"GET {DESK}/plan": desk_child("caseworker supervisor guardian"),
    f"GET {DESK}/people": desk_child("caseworker supervisor guardian"),
    f"GET {DESK}/safety": desk_child("caseworker supervisor guardian"),
    f"GET {DESK}/turns": desk_child("caseworker supervisor guardian"),
    f"GET {DESK}/home": desk_child("caseworker supervisor"),
    f"POST {DESK}/home": desk_child("caseworker supervisor"),
    "GET /desk/find": staff,
    "POST /desk/find": staff,
    "GET /desk/children": staff,
    f"GET {DESK}/names": desk_child("caseworker supervisor"),
    f"POST {DESK}/names": desk_child("caseworker supervisor"),
    f"GET {DESK}/birthday": desk_child("caseworker supervisor"),
    f"POST {DESK}/birthday": desk_child("caseworker supervisor"),
    f"GET {DESK}/quarantine": desk_child("caseworker supervisor"),
    f"POST {DESK}/quarantine/{{change_id}}": desk_child("caseworker supervisor"),
    # It leads on to the child; it has a page of its own for a deputy alone, who is not among these.
    "GET /desk/dues/{due_id}": due_seen,
    f"GET {DESK}/check-in": desk_child("caseworker carer"),
    f"POST {DESK}/check-in": desk_child("caseworker carer"),
    f"GET {DESK}/rhythm": desk_child("caseworker supervisor"),
    f"POST {DESK}/rhythm": desk_child("caseworker supervisor"),
    f"POST {DESK}/rhythm/proposals/{{proposal_id}}/agree": desk_child("caseworker supervisor"),
    f"POST {DESK}/rhythm/proposals/{{proposal_id}}/decline": desk_child("caseworker supervisor"),
    f"GET {DESK}/tier": desk_child("caseworker supervisor"),
    f"POST {DESK}/tier": desk_child("caseworker supervisor"),
    f"GET {DESK}/paper": desk_child("caseworker supervisor guardian advocate"),
    f"POST {DESK}/paper": desk_child("caseworker guardian"),
    f"GET {DESK}/school": desk_child("caseworker supervisor"),
    f"POST {DESK}/school": desk_child("caseworker supervisor"),
    f"GET {DESK}/season": desk_child("caseworker supervisor"),
    f"POST {DESK}/season": desk_child("caseworker supervisor"),
    f"POST {DESK}/seasons/{{season_id}}/end": desk_child("caseworker supervisor"),
    f"GET {DESK}/calendar": desk_child("caseworker supervisor"),
    f"POST {DESK}/calendar": desk_child("caseworker supervisor"),
    f"POST {DESK}/calendar/{{milestone_id}}/back": desk_child("caseworker supervisor"),
    f"POST {DESK}/calendar/{{milestone_id}}/known": desk_child("caseworker supervisor"),
    f"GET {DESK}/pauses": desk_child("caseworker supervisor"),
    f"POST {DESK}/pauses": desk_child("caseworker supervisor"),
    f"POST {DESK}/pauses/{{pause_id}}/keep": desk_child("caseworker supervisor"),
    f"POST {DESK}/pauses/{{pause_id}}/end": desk_child("caseworker supervisor"),
    f"GET {DESK}/project": desk_child("caseworker supervisor guardian carer advocate"),
    f"GET {DESK}/sighting": desk_child("caseworker supervisor guardian carer advocate"),
    f"POST {DESK}/sighting": desk_child("caseworker supervisor guardian carer advocate"),
    f"GET {DESK}/observation": desk_child("caseworker supervisor guardian carer"),
    f"POST {DESK}/observation": desk_child("caseworker supervisor guardian carer"),
    f"POST {DESK}/observation/{{observation_id}}/back": desk_child(
        "caseworker supervisor guardian carer"
    ),
    f"GET {DESK}/sign": desk_child("caseworker supervisor"),
    f"POST {DESK}/sign": desk_child("caseworker supervisor"),
    f"POST {DESK}/sign/practise": desk_child("caseworker supervisor"),
    f"POST {DESK}/sign/call": desk_child("caseworker supervisor"),
    f"POST {DESK}/sign/end": desk_child("caseworker supervisor"),
    f"POST {DESK}/sign/question": desk_child("caseworker supervisor"),
    f"POST {DESK}/sign/ask": desk_child("caseworker supervisor"),
    f"GET {DESK}/placement": desk_child("caseworker supervisor"),
    f"POST {DESK}/placement/end": desk_child("caseworker supervisor"),
    f"POST {DESK}/placement/begin": desk_child("caseworker supervisor"),
    f"GET {DESK}/missing": desk_child("caseworker supervisor guardian carer advocate"),
    f"POST {DESK}/missing": desk_child("caseworker supervisor guardian carer advocate"),
    f"GET {DESK}/account": desk_child("caseworker supervisor"),
    f"GET {DESK}/why": desk_child("caseworker supervisor"),
    f"GET {DESK}/found": desk_child("caseworker supervisor guardian carer"),
    "GET /desk/episodes/{episode_id}": desk_child("caseworker supervisor guardian"),
    "GET /desk/episodes/{episode_id}/enter/{act}": desk_child("caseworker supervisor"),
    "POST /desk/episodes/{episode_id}/enter/{act}": desk_child("caseworker supervisor"),
    "GET /desk/episodes/{episode_id}/summary": desk_child("caseworker supervisor guardian"),
    "POST /desk/episodes/{episode_id}/summary": desk_child("caseworker supervisor"),
    "GET /desk/episodes/{episode_id}/summary.pdf": desk_child("caseworker supervisor guardian"),
    "GET /desk/searches": staff,
    "GET /desk/patterns": staff,
    "GET /desk/handovers/{passing_id}": desk_child("caseworker supervisor"),
    "POST /desk/handovers/{passing_id}": whose_part,
    "GET /desk/episodes/{episode_id}/mail": desk_child("caseworker supervisor"),
    "POST /desk/episodes/{episode_id}/mail": desk_child("caseworker supervisor"),
    "GET /desk/episodes/{episode_id}/mail/{paper_id}": desk_child("caseworker supervisor"),
    "POST /desk/episodes/{episode_id}/together": desk_child("caseworker supervisor"),
    "POST /desk/episodes/{episode_id}/apart": desk_child("caseworker supervisor"),
    "GET /desk/episodes/{episode_id}/interview": desk_child("caseworker supervisor guardian"),
    "POST /desk/episodes/{episode_id}/interview": desk_child("caseworker supervisor"),
    "GET /desk/episodes/{episode_id}/interview/{group}": desk_child("caseworker supervisor"),
    "POST /desk/episodes/{episode_id}/interview/{group}": desk_child("caseworker supervisor"),
    "GET /desk/episodes/{episode_id}/found": desk_child("caseworker supervisor guardian carer"),
    "POST /desk/episodes/{episode_id}/found": desk_child("caseworker supervisor guardian carer"),
    "GET /desk/children/new": agency("caseworker supervisor administrator"),
    "POST /desk/children/new": agency("caseworker supervisor administrator"),
    "GET /desk/settings/messages": staff,
    "GET /desk/people/channels": agency("administrator"),
    "GET /arrived/{arrival}": anyone,
    "POST /arrived/{arrival}": anyone,
    "GET /api/v1/trusted": children_alone,
    "POST /api/v1/trusted": children_alone,
    "DELETE /api/v1/trusted/{trusted_id}": children_alone,
    # What happened, who has read, and questions about the record.
    "GET /api/v1/why": children_alone,
    "GET /api/v1/talk/read": children_alone,
    f"POST {CHILD}/talk/read": child("caseworker supervisor advocate"),
    "GET /api/v1/record-questions": children_alone,
    "POST /api/v1/record-questions": children_alone,
    f"GET {DESK}/questions": desk_child("caseworker supervisor"),
    f"GET {DESK}/questions/{{record_question_id}}": desk_child("caseworker supervisor"),
    f"POST {DESK}/questions/{{record_question_id}}": desk_child("caseworker supervisor"),
    f"GET {DESK}/trusted": desk_child("caseworker supervisor"),
    f"POST {DESK}/trusted/{{trusted_id}}": desk_child("caseworker supervisor"),
    "GET /ask/{asked}": anyone,
    "POST /ask/{asked}": anyone,
    "GET /api/v1/witnesses": children_alone,
    f"GET {DESK}/witnesses": desk_child("caseworker supervisor"),
    f"POST {DESK}/witnesses": desk_child("caseworker supervisor"),
    f"POST {DESK}/witnesses/{{witness_id}}/end": desk_child("caseworker supervisor"),
    # Of a witness who is asked about Mia alone.
    "GET /desk/witnesses/{witness_id}": these("tom", "ines", ON_DUTY),
    "GET /desk/witnesses/{witness_id}/days": these("tom", "ines", ON_DUTY),
    "POST /desk/witnesses/{witness_id}/days": these("tom", "ines", ON_DUTY),
    "POST /desk/witnesses/{witness_id}/register": these("tom", "ines", ON_DUTY),
    "POST /desk/witnesses/{witness_id}/pin": these("tom", "ines", ON_DUTY),
    "POST /desk/witnesses/{witness_id}/address": these("tom", "ines", ON_DUTY),
    "POST /desk/witnesses/{witness_id}/end": these("tom", "ines", ON_DUTY),
    # A school without an account: the link of a day, and the secret address of its register.
    "GET /list/{list_token}": anyone,
    "POST /list/{list_token}": anyone,
    "POST /inbound/register/{register}": anyone,
    "GET /api/v1/advocates": children_alone,
    "POST /api/v1/advocate-wish": children_alone,
    "DELETE /api/v1/advocate-wish": children_alone,
    "PATCH /api/v1/advocates/{advocacy_id}": children_alone,
    "DELETE /api/v1/advocates/{advocacy_id}": children_alone,
    f"GET {DESK}/advocate": desk_child("caseworker supervisor"),
    f"POST {DESK}/advocate": desk_child("caseworker supervisor"),
    f"POST {DESK}/advocate/none": desk_child("caseworker supervisor"),
    f"POST {DESK}/advocate/{{advocacy_id}}/longer": desk_child("caseworker supervisor"),
    f"POST {DESK}/advocate/{{advocacy_id}}/link": desk_child("caseworker supervisor"),
    f"GET {DESK}/advocacy": desk_child("advocate"),
    f"POST {DESK}/advocacy/end": desk_child("advocate"),
    # The person who holds the link chooses a password, once.
    "GET /join/{join_token}": anyone,
    "POST /join/{join_token}": anyone,
    "GET /desk/drills": agency("supervisor administrator"),
    "POST /desk/drills": agency("supervisor administrator"),
    "POST /desk/drills/plan": agency("supervisor administrator"),
    "POST /desk/drills/test": agency("supervisor administrator"),
    "GET /desk/drills/{drill_id}": agency("supervisor administrator"),
    "POST /desk/drills/{drill_id}/stop": agency("supervisor administrator"),
    "GET /drill/{tap}": anyone,
    "POST /drill/{tap}": anyone,
    "GET /desk/test": staff,
    "POST /desk/test": staff,
    "GET /desk/test/{subject_id}": staff,
    # Whoever holds the carer's signed link: that is what it is for.
    "GET /q/{token}": anyone,
    "POST /q/{token}": anyone,
    "GET /q/{token}/together": anyone,
    "POST /q/{token}/together": anyone,
    # Without the app. Nobody signs this walk's webhook, and it comes with no desk's cookie.
    "POST /hooks/{channel}": lambda _: SIGN_IN,
    "GET /c/{token}": anyone,
    "POST /c/{token}": anyone,
    "GET /front": lambda _: SIGN_IN,
    "POST /front": anyone,
    # Without the cookie of a device there is no front desk.
    "GET /front/roll-call": lambda _: SIGN_IN,
    "POST /front/roll-call": lambda _: SIGN_IN,
    "POST /front/roll-call/open": lambda _: SIGN_IN,
    "POST /front/roll-call/late": lambda _: SIGN_IN,
    "POST /front/roll-call/lock": lambda _: SIGN_IN,
    "GET /desk/front": staff,
    "POST /desk/front": staff,
    "POST /desk/front/{front_desk_id}/end": front_desk,
    "POST /desk/front/{front_desk_id}/keep": front_desk_keeper,
    f"GET {DESK}/without-app": desk_child("caseworker"),
    f"POST {DESK}/without-app/words": desk_child("caseworker"),
    f"POST {DESK}/without-app/words/end": desk_child("caseworker"),
    f"POST {DESK}/without-app/links": desk_child("caseworker"),
    f"GET {DESK}/without-app/links/{{link_id}}": desk_child("caseworker"),
    f"POST {DESK}/without-app/links/{{link_id}}/end": desk_child("caseworker"),
    f"GET {DESK}/without-app/card": desk_child("caseworker"),
    f"POST {DESK}/without-app/card": desk_child("caseworker"),
    f"POST {DESK}/without-app/card/end": desk_child("caseworker"),
    # The rota. Whose own something is may end it: the walk makes each for the one who asks.
    "GET /api/v1/rota": _ROTA_SEEN,
    "PUT /api/v1/rota/terms": _ROTA_PLANNED,
    "POST /api/v1/rota/duties": _ROTA_PLANNED,
    "DELETE /api/v1/rota/duties/{duty_id}": _ROTA_PLANNED,
    "DELETE /api/v1/rota/fixed/{shift_id}": _ROTA_PLANNED,
    "POST /api/v1/rota/handovers": _ROTA_SEEN,
    "DELETE /api/v1/rota/handovers/{handover_id}": _ROTA_SEEN,
    "POST /api/v1/rota/leaves": _ROTA_SEEN,
    "DELETE /api/v1/rota/leaves/{leave_id}": _ROTA_SEEN,
    "GET /api/v1/me/shifts": _ROTA_SEEN,
    "POST /api/v1/me/shifts/{spell_id}/reached": _ROTA_SEEN,
    "GET /desk/rota": _ROTA_SEEN,
    "GET /desk/rota/duties": _ROTA_PLANNED,
    "POST /desk/rota/duties": _ROTA_PLANNED,
    "POST /desk/rota/duties/{duty_id}/end": _ROTA_PLANNED,
    "POST /desk/rota/fixed/{shift_id}/end": _ROTA_PLANNED,
    "POST /desk/rota/terms": _ROTA_PLANNED,
    "GET /desk/rota/handover": _ROTA_SEEN,
    "POST /desk/rota/handover": _ROTA_SEEN,
    "POST /desk/rota/handovers/{handover_id}/back": _ROTA_SEEN,
    "GET /desk/rota/leave": _ROTA_SEEN,
    "POST /desk/rota/leave": _ROTA_SEEN,
    "POST /desk/rota/leaves/{leave_id}/end": _ROTA_SEEN,
    "GET /desk/duty": _ROTA_SEEN,
    "POST /desk/duty/{spell_id}/reached": _ROTA_SEEN,
    # Whoever holds the signed link of a test alarm: it says yes, and nothing else.
    "GET /ready/{ready_token}": anyone,
    "POST /ready/{ready_token}": anyone,
    # The check-in.
    "POST /api/v1/check-ins": children_alone,
    "GET /api/v1/check-ins": children_alone,
    f"POST {CHILD}/check-ins": child("caseworker carer"),
    f"GET {CHILD}/check-ins": child("child caseworker supervisor guardian"),
    # Between agencies: Tom is asked, Ines decides for the agency too; Uwe has offered the child.
    "POST /api/v1/receptions": agency("caseworker supervisor"),
    "GET /api/v1/transfers": agency("caseworker supervisor"),
    f"POST {CHILD}/transfers": child("caseworker supervisor"),
    "GET /api/v1/transfers/{transfer_id}": these("tom", "ines", "uwe"),
    "GET /api/v1/transfers/{transfer_id}/package": these("tom", "uwe"),
    "POST /api/v1/transfers/{transfer_id}/accept": these("tom", "ines"),
    "POST /api/v1/transfers/{transfer_id}/refuse": these("tom", "ines"),
    "POST /api/v1/transfers/{transfer_id}/take-back": these("uwe"),
    "GET /desk/transfers": agency("caseworker supervisor"),
    "POST /desk/transfers": agency("caseworker supervisor"),
    f"GET {DESK}/transfer": desk_child("caseworker supervisor"),
    f"POST {DESK}/transfer": desk_child("caseworker supervisor"),
    "GET /desk/transfers/{transfer_id}": these("tom", "ines", "uwe"),
    "POST /desk/transfers/{transfer_id}/accept": these("tom", "ines"),
    "POST /desk/transfers/{transfer_id}/refuse": these("tom", "ines"),
    "POST /desk/transfers/{transfer_id}/back": these("uwe"),
    "GET /desk/transfers/{transfer_id}/package": these("tom", "uwe"),
    "GET /desk/transfers/{transfer_id}/package.json": these("tom", "uwe"),
    # How the installation is: the walk comes from far away and has no token.
    "GET /health": anyone,
    "GET /metrics": lambda _: HIDDEN,
}

# Noor's, who is missing together with Mia.
OTHER_EPISODE = UUID("5b1f0a52-8a35-4f0e-9d0b-6d3f6f1c2a77")

# What a rule looks at before it looks at rights has to fit. `{now}` and `{id}` are filled in.
BODIES: Mapping[str, Mapping[str, Any]] = {
    f"PUT {CHILD}/rhythm": {"rhythm": {"at": ["18:00"]}, "zone": "Europe/Paris"},
    f"PUT {CHILD}/tier": {"tier": "mid"},
    f"POST {CHILD}/rhythm/proposals": {"id": "{id}", "rhythm": {"at": ["17:00"]}},
    "POST /api/v1/rhythm/proposals": {"id": "{id}", "rhythm": {"at": ["17:00"]}},
    f"POST {CHILD}/rhythm/preview": {"rhythm": {"at": ["17:00"]}},
    "POST /api/v1/rhythm/preview": {"rhythm": {"at": ["17:00"]}},
    f"POST {CHILD}/rhythm/proposals/{{proposal_id}}/agree": {"version": "1"},
    f"POST {CHILD}/rhythm/proposals/{{proposal_id}}/decline": {},
    f"POST {CHILD}/milestones": {"id": "{id}", "what": "hearing", "day": "2026-04-10"},
    f"PATCH {CHILD}/milestones/{{milestone_id}}": {"child_knows": True},
    f"POST {CHILD}/seasons": {
        "id": "{id}",
        "first": "2026-03-10",
        "last": "2026-03-12",
        "rhythm": {"at": ["17:00"]},
    },
    "PUT /api/v1/me/hours": {"days": []},
    "POST /api/v1/me/hours/preview": {"days": []},
    f"PUT {CHILD}/hours": {"days": []},
    f"POST {CHILD}/hours/preview": {"days": []},
    "POST /api/v1/snoozes": {"id": "{id}", "round": "{id}", "minutes": 30},
    "POST /api/v1/push-snoozes": {"receipt": "x", "minutes": 30},
    f"POST {CHILD}/pauses": {
        "id": "{id}",
        "from_at": "{now}",
        "until_at": "{tomorrow}",
        "reason": "family",
    },
    f"POST {CHILD}/pauses/{{pause_id}}/keep": {"id": "{id}"},
    "POST /api/v1/absences": {
        "id": "{id}",
        "said_at": "{now}",
        "from_at": "{now}",
        "until_at": "{tomorrow}",
        "place": "At my cousin's",
    },
    f"POST {CHILD}/absences/{{absence_id}}/agree": {},
    f"POST {CHILD}/absences/{{absence_id}}/decline": {"words": "Not yet."},
    f"POST {CHILD}/sightings": {"id": "{id}", "answer": "seen"},
    f"POST {CHILD}/observations": {"id": "{id}", "sign": "packed_bag"},
    f"POST {CHILD}/flags": {"id": "{id}", "words": "Ask her.", "until_at": "{tomorrow}"},
    f"POST {CHILD}/flags/{{flag_id}}": {"until_at": "{tomorrow}"},
    f"POST {CHILD}/flags/{{flag_id}}/done": {},
    "POST /api/v1/approvals/{approval_id}/answer": {"answer": "no"},
    f"POST {CHILD}/missing": {},
    f"POST {CHILD}/episodes": {"id": "{id}", "said_at": "{now}"},
    f"POST {CHILD}/episodes/{{episode_id}}/entries": {
        "id": "{id}",
        "what": "note",
        "words": "A white car.",
    },
    f"POST {CHILD}/episodes/{{episode_id}}/handovers/{{passing_id}}": {"id": "{id}"},
    f"POST {CHILD}/episodes/{{episode_id}}/together": {"episode_id": str(OTHER_EPISODE)},
    f"PUT {CHILD}/episodes/{{episode_id}}/interview": {"base": 0, "answers": {}},
    f"POST {CHILD}/episodes/{{episode_id}}/found": {
        "id": "{id}",
        "at": "{now}",
        "where": "Here",
        "by": "Sam",
        "condition": "Well.",
    },
    f"POST {CHILD}/check-ins": {"id": "{id}", "said_at": "{now}"},
    "POST /api/v1/check-ins": {"id": "{id}", "said_at": "{now}"},
    "POST /api/v1/push-receipts": {"message": "{id}"},
    "POST /api/v1/trusted": {"id": "{id}", "name": "Joy", "reach": "+33612345678"},
    "POST /api/v1/record-questions": {
        "id": "{id}",
        "about": {"kind": "look", "id": "7", "at": "2026-03-02T12:00:00Z", "shown": "Your page"},
        "words": "Why?",
    },
    f"POST {CHILD}/talk/read": {"messages": []},
    "PUT /api/v1/me/reaching": {"order": []},
    "POST /api/v1/receipts": {"receipt": "x"},
    "POST /api/v1/push-subscriptions": {
        "id": "{id}",
        "endpoint": "https://push.example/1",
        "keys": {"p256dh": "", "auth": ""},
    },
    "POST /api/v1/alerts/{alert_id}/acknowledge": {},
    "POST /api/v1/alerts/{alert_id}/close": {"outcome": "seen", "words": "Seen."},
    "POST /api/v1/alerts/{alert_id}/attempts": {
        "id": "{id}",
        "way": "call",
        "target": "home",
        "result": "no_answer",
    },
}


async def device_id(cast: Cast, who: str | None, path: str) -> UUID:
    """A phone to shut out that is not the one that asks."""
    owner = who if who in CHILDREN and "/me/" in path else "mia"
    device = await Device.create(
        id=uuid4(),
        agency_id=cast.persons[owner].agency_id,
        person_id=cast.persons[owner].id,
        paired_at=cast.clock(),
    )
    return device.id


async def tie_id(cast: Cast, who: str | None, path: str) -> UUID:
    """A tie that is to begin later, so that it gives nobody a right today."""
    later = cast.clock() + timedelta(days=30)
    tie = await add_tie(
        SYSTEM,
        cast.children["mia"],
        AddTie(person_id=cast.sam.id, role=Role.GUARDIAN, from_at=later),
        cast.clock(),
    )
    return tie.id


async def person_id(cast: Cast, who: str | None, path: str) -> UUID:
    """A new person of the first agency, who can sign in; of a shift, Sam, who works there."""
    if "/shift/" in path:
        return cast.sam.id
    person = await people.add_person(
        SYSTEM,
        cast.agency.id,
        people.AddPerson(role=Role.CARER, name="Somebody", language="en", zone="UTC"),
        cast.clock(),
    )
    await credentials.store_credential(SYSTEM, person, str(uuid4()), "none", cast.clock())
    return person.id


async def session_id(cast: Cast, who: str | None, path: str) -> UUID:
    """Another session of whoever asks."""
    _, made = await open_session(cast.persons[_name(who) or "mia"], now=cast.clock())
    return made.id


async def passkey_id(cast: Cast, who: str | None, path: str) -> UUID:
    """A passkey of whoever asks."""
    made = await Passkey.create(
        person_id=cast.persons[_name(who) or "mia"].id,
        name="Phone",
        credential_hash=str(uuid4()),
        credential_id="x",
        public_key="x",
        made_at=cast.clock(),
    )
    return made.id


async def address_id(cast: Cast, who: str | None, path: str) -> UUID:
    """An address of whoever asks."""
    person = cast.persons[_name(who) or "mia"]
    address = await Address.create(
        agency_id=person.agency_id,
        person_id=person.id,
        channel="push",
        value="x",
        value_index=str(uuid4()),
        made_at=cast.clock(),
        verified_at=cast.clock(),
    )
    return address.id


async def resort_id(cast: Cast, who: str | None, path: str) -> UUID:
    """An own last resort of the agency."""
    address = await Address.create(
        agency_id=cast.agency.id,
        channel="email",
        value="x",
        value_index=str(uuid4()),
        made_at=cast.clock(),
    )
    return address.id


async def proof(cast: Cast, who: str | None, path: str) -> str:
    """The link beside the code that goes to an address."""
    address = await Address.get(id=await address_id(cast, who, path))
    return encryption.sign(f"{address.id}.0", PROOF, until=cast.clock() + timedelta(minutes=30))


async def pause_id(cast: Cast, who: str | None, path: str) -> UUID:
    """An agreed absence that is to come."""
    begins = cast.clock() + timedelta(days=50)
    pause = await Pause.create(
        child_id=cast.mia.id,
        from_at=begins,
        until_at=begins + timedelta(days=1),
        made_by=cast.tom.id,
        made_at=cast.clock(),
    )
    return pause.id


async def round_id(cast: Cast, who: str | None, path: str) -> UUID:
    """A check-in that was answered late, of the child that asks."""
    due = cast.clock() - timedelta(hours=3, microseconds=next(_turns))
    made = await Round.create(
        id=uuid4(),
        child_id=cast.persons[who if who in CHILDREN else "mia"].id,
        opens_at=due - timedelta(hours=2),
        due_at=due,
        late_at=due + timedelta(hours=1),
        state="answered_late",
        settled_at=due + timedelta(hours=2),
    )
    return made.id


async def question_id(cast: Cast, who: str | None, path: str) -> UUID:
    """What the child that asks shares with its caseworker."""
    name = who if who in CHILDREN else "mia"
    child, now = cast.children[name], cast.clock()
    actor = cast.actor("uwe" if name == "lia" else "tom")
    return (await shared_question.agree(actor, child, "The dog?", "Rex", now)).id


async def season_id(cast: Cast, who: str | None, path: str) -> UUID:
    """Other times that are to come."""
    begins = cast.clock() + timedelta(days=60)
    made = await Season.create(
        id=uuid4(),
        child_id=cast.mia.id,
        from_at=begins,
        until_at=begins + timedelta(days=1),
        rhythm={"at": ["17:00"]},
        zone="Europe/Paris",
        made_by=cast.tom.id,
        made_at=cast.clock(),
    )
    return made.id


async def milestone_id(cast: Cast, who: str | None, path: str) -> UUID:
    """A day that is to come."""
    made = await Milestone.create(
        id=uuid4(),
        child_id=cast.mia.id,
        what="hearing",
        on_day=cast.clock().date() + timedelta(days=60),
        next_action_at=cast.clock() + timedelta(days=59),
        until_at=cast.clock() + timedelta(days=64),
        made_by=cast.tom.id,
        made_at=cast.clock(),
    )
    return made.id


async def proposal_id(cast: Cast, who: str | None, path: str) -> UUID:
    """Another rhythm that was proposed for Mia: by herself, or by whoever takes it back; one that a
    child takes back is its own."""
    by = cast.persons[(_name(who) if path.endswith("/{proposal_id}") else None) or "mia"]
    is_own = path.startswith("/api/v1/rhythm/") and who in CHILDREN
    made = await Proposal.create(
        id=uuid4(),
        child_id=by.id if is_own else cast.mia.id,
        by_id=by.id,
        by_role=Role.CHILD.value,
        rhythm={"at": ["09:00", "17:00"]},
        zone="Europe/Paris",
        made_at=cast.clock(),
    )
    return made.id


async def absence_id(cast: Cast, who: str | None, path: str) -> UUID:
    """What Mia asked for; one that a child takes back is their own."""
    is_own = path.startswith("/api/v1/absences/") and who in CHILDREN
    now = cast.clock()
    made = await AbsenceRequest.create(
        id=uuid4(),
        child_id=cast.persons[who].id if is_own and who else cast.mia.id,
        from_at=now + timedelta(days=60),
        until_at=now + timedelta(days=61),
        place="At my cousin's",
        said_at=now,
        made_at=now,
    )
    return made.id


async def observation_id(cast: Cast, who: str | None, path: str) -> UUID:
    """Something that whoever asks has noticed about Mia."""
    made = await Observation.create(
        id=uuid4(),
        child_id=cast.mia.id,
        sign="packed_bag",
        by_id=cast.persons[_name(who) or "mia"].id,
        by_role="carer",
        at=cast.clock(),
    )
    return made.id


async def flag_id(cast: Cast, who: str | None, path: str) -> UUID:
    """A flag about Mia."""
    asked = AddFlag(uuid4(), "Ask her.", cast.clock() + timedelta(days=7))
    actor, mia = cast.actor("tom"), cast.children["mia"]
    mia = await Child.get(id=mia.id)
    return (await flags.add(actor, mia, Role.CASEWORKER, asked, cast.clock())).flag.id


async def approval_id(cast: Cast, who: str | None, path: str) -> UUID:
    """A request about a pass of Mia's, by the person who takes it back; else by a stranger."""
    asker = (_name(who) if path.endswith("/back") else None) or "noor"
    begin = cast.clock() + timedelta(days=100, microseconds=next(_turns))
    asked = PauseRequest(uuid4(), begin, begin + timedelta(days=20))
    made = await Approval.create(
        agency_id=cast.agency.id,
        child_id=cast.mia.id,
        what=What.ABSENCE.value,
        subject_id=asked.id,
        content=msgspec.to_builtins(asked),
        asked_by=cast.persons[asker].id,
        asked_role="caseworker",
        asked_at=cast.clock(),
    )
    return made.id


async def concern(cast: Cast) -> Alert:
    """Mia gave a sign that was agreed, and was seen: what is open is in the way of other things."""
    alert = await Alert.get(id=(await open_concern(cast)).id)
    how = (Outcome.SEEN, "At home.", cast.clock(), alert.misses)
    return await close_alert(cast.actor("tom"), alert.id, *how)


async def open_concern(cast: Cast) -> Alert:
    """Mia gave a sign that was agreed."""
    opening = Opening(
        child_id=cast.mia.id,
        agency_id=cast.agency.id,
        cause=Cause.CONCERN,
        tier=Tier.HIGH,
        reason="sealed",
        opened_at=cast.clock(),
    )
    policy, _ = await policy_of(cast.agency.id)
    async with write():
        [alert] = await open_alerts([opening], {cast.agency.id: policy}, cast.clock())
    return alert


async def the_call(cast: Cast, cause: Cause = Cause.SILENCE) -> Alert:
    """An open alert about Mia that has called Eve: the one that there is, or a new one."""
    called = Subquery(
        Message.filter(subject_kind="alert", person_id=cast.eve.id).values("subject_id")
    )
    open_now = Alert.filter(child_id=cast.mia.id, cause=cause, closed_at__isnull=True)
    if standing := await open_now.filter(id__in=called).first():
        return standing
    opening = Opening(
        child_id=cast.mia.id,
        agency_id=cast.agency.id,
        cause=cause,
        tier=Tier.MID,
        reason="carer_silent",
        opened_at=cast.clock(),
    )
    policy, _ = await policy_of(cast.agency.id)
    async with write():
        [alert] = await open_alerts([opening], {cast.agency.id: policy}, cast.clock())
        await queue_call(alert, cast.eve.id, cast.clock())
    return alert


async def alert_id(cast: Cast, who: str | None, path: str) -> UUID:
    """Mia's alert, the same for everyone; one whose reason is sealed for the page about that."""
    if who == CALLED:
        cause = Cause.CONCERN if path.endswith("/sealed") else Cause.SILENCE
        return (await the_call(cast, cause)).id
    if path.endswith("/sealed"):
        return (await (open_concern if who == GLASS else concern)(cast)).id
    if who == GLASS:
        return (await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())).id
    alert = await Alert.filter(child_id=cast.mia.id).first()
    return (alert or await open_missing(cast.actor("tom"), cast.mia.id, None, cast.clock())).id


async def token(cast: Cast, who: str | None, path: str) -> str:
    """The carer's link to a question, or Mia's to a page of her own."""
    now = cast.clock()
    if path.startswith("/c/"):
        return links.token_of(await ChildLink.get(id=await link_id(cast, who, path)))
    question = await Question.create(
        agency_id=cast.agency.id,
        child_id=cast.mia.id,
        person_id=cast.sam.id,
        about_due_at=now,
        turn=next(_turns),
        asked_at=now,
        expires_at=now + timedelta(hours=1),
    )
    return encryption.sign(str(question.id), "question", until=question.expires_at)


async def link_id(cast: Cast, who: str | None, path: str) -> UUID:
    """A link of Mia's."""
    made = await ChildLink.create(
        agency_id=cast.agency.id,
        child_id=cast.mia.id,
        made_by=cast.tom.id,
        made_at=cast.clock(),
        expires_at=cast.clock() + timedelta(days=1),
    )
    return made.id


async def front_desk_id(cast: Cast, who: str | None, path: str) -> UUID:
    """A front desk in the home of Mia."""
    await Child.filter(id=cast.mia.id).update(home_id=cast.home.id)
    made = await FrontDesk.create(
        agency_id=cast.agency.id,
        home_id=cast.home.id,
        token_hash=str(uuid4()),
        opened_by=cast.sam.id,
        opened_at=cast.clock(),
        expires_at=cast.clock() + timedelta(days=1),
    )
    return made.id


async def channel(cast: Cast, who: str | None, path: str) -> str:
    """A gateway."""
    return "sms"


async def subject_id(cast: Cast, who: str | None, path: str) -> UUID:
    """A test alarm of whoever asks."""
    name = _name(who) or "mia"
    await address_id(cast, who, path)
    (made, *_) = await send_test(cast.actor(name), cast.persons[name].id, cast.clock())
    return (await Message.get(id=made)).subject_id


async def arrival(cast: Cast, who: str | None, path: str) -> str:
    """The link in a test alarm of whoever asks."""
    return encryption.sign(f"{await subject_id(cast, who, path)}.push", ARRIVED)


async def trusted_id(cast: Cast, who: str | None, path: str) -> UUID:
    """Somebody whom the child that asks trusts, or Mia."""
    name = _name(who)
    child = cast.persons[name if name in CHILDREN and "/desk/" not in path else "mia"]
    made = await Trusted.create(
        id=uuid4(),
        agency_id=child.agency_id,
        child_id=child.id,
        name="Aunt Joy",
        reach="+33612345678",
        named_at=cast.clock(),
        state="yes",
        decided_at=cast.clock(),
        channel="email",
        address="joy@example.org",
    )
    return made.id


async def record_question_id(cast: Cast, who: str | None, path: str) -> UUID:
    """What Mia asks about the record, of her caseworker."""
    return await a_question(cast)


async def asked(cast: Cast, who: str | None, path: str) -> str:
    """The link by which she is asked."""
    alert = await alert_id(cast, who, path)
    one = await TrustedAsk.create(
        id=uuid4(),
        agency_id=cast.agency.id,
        trusted_id=await trusted_id(cast, "mia", path),
        child_id=cast.mia.id,
        alert_id=alert,
        asked_at=cast.clock(),
        expires_at=cast.clock() + timedelta(hours=1),
    )
    return encryption.sign(str(one.id), LINK)


async def a_witness(cast: Cast) -> Witness:
    """A school that is asked about Mia."""
    school = Arranged(
        id=uuid4(),
        zone="Europe/Paris",
        kind=WitnessKind.SCHOOL,
        name="Lycée Monge",
        channel="email",
        address="office@monge.example",
        language="en",
        days=range(7),
        at="13:30",
    )
    mia = await Child.get(id=cast.mia.id)
    made = await arrange(cast.actor("tom"), mia, school, "Mia", cast.clock())
    return made.witness


async def witness_id(cast: Cast, _who: str | None, _path: str) -> UUID:
    """A school that is asked about Mia."""
    return (await a_witness(cast)).id


async def list_token(cast: Cast, _who: str | None, _path: str) -> str:
    """The link to the list of its day."""
    return lists.token_of(await lists.of_today(await a_witness(cast), cast.clock()))


async def register(cast: Cast, _who: str | None, _path: str) -> str:
    """The secret address of its register."""
    return await new_register(cast.actor("tom"), await a_witness(cast), cast.clock())


async def drill_id(cast: Cast, who: str | None, path: str) -> UUID:
    """A drill of the agency of whoever asks."""
    agency_id = cast.persons[_name(who) or "mia"].agency_id
    made = await Drill.create(
        id=uuid4(),
        agency_id=agency_id,
        worker_id=cast.tom.id,
        begun_at=cast.clock(),
        each_s=180,
        places=[{"rung": "caseworker", "people": [str(cast.tom.id)]}],
        place=0,
        ended_at=cast.clock(),
        why="done",
    )
    await DrillCall.create(drill_id=made.id, place=0, called_at=cast.clock())
    return made.id


async def tap(cast: Cast, who: str | None, path: str) -> str:
    """The link of a drill."""
    return encryption.sign(f"{await drill_id(cast, who, path)}.0.{cast.tom.id}", TAP)


async def child_id(cast: Cast, who: str | None, path: str) -> UUID:
    """The child of the walk."""
    return cast.mia.id


async def change_id(cast: Cast, who: str | None, path: str) -> UUID:
    """A change of somebody whose tie is over."""
    said = {
        "entity": "area",
        "entity_id": str(uuid4()),
        "field": "*",
        "base": None,
        "value": {"kind": "own"},
        "said_at": cast.clock().isoformat(),
    }
    kept = await Quarantined.create(
        id=uuid4(),
        agency_id=cast.agency.id,
        child_id=cast.mia.id,
        who_id=cast.ada.id,
        who_role="guardian",
        said=said,
        received_at=cast.clock(),
        content_hash="",
    )
    return kept.id


async def template_id(cast: Cast, who: str | None, path: str) -> UUID:
    """A template of the agency of whoever asks."""
    agency_id = cast.persons[_name(who) or "mia"].agency_id
    made = await Template.create(
        id=uuid4(),
        agency_id=agency_id,
        kind="own",
        spoken={"words": "Learn to swim", "why": None, "success_sign": None, "steps": []},
        made_at=cast.clock(),
    )
    return made.id


def _whose(cast: Cast, who: str | None) -> dict[str, Any]:
    """The agency of whoever asks, and a time that has not come."""
    later = cast.clock() + timedelta(days=70, microseconds=next(_turns))
    agency_id = cast.persons[_name(who) or "mia"].agency_id
    return {"agency_id": agency_id, "from_at": later, "until_at": later + timedelta(hours=8)}


async def duty_id(cast: Cast, who: str | None, path: str) -> UUID:
    """A weekly shift that is to come."""
    made = await Duty.create(
        agency_id=_whose(cast, who)["agency_id"],
        days=[0],
        begins="18:00",
        ends="08:00",
        zone="Europe/Paris",
        people=[str(cast.ines.id)],
        first_on=(cast.clock() + timedelta(days=70)).date(),
        made_at=cast.clock(),
    )
    return made.id


async def shift_id(cast: Cast, who: str | None, path: str) -> UUID:
    """A shift that somebody has once."""
    return (await FixedShift.create(**_whose(cast, who), person_id=cast.ines.id)).id


async def handover_id(cast: Cast, who: str | None, path: str) -> UUID:
    """A shift of whoever asks that is handed over."""
    own, now = cast.persons[_name(who) or "mia"].id, cast.clock()
    made = await Handover.create(**_whose(cast, who), who_id=own, to_id=cast.ines.id, made_at=now)
    return made.id


async def leave_id(cast: Cast, who: str | None, path: str) -> UUID:
    """A leave of whoever asks."""
    own, now = cast.persons[_name(who) or "mia"].id, cast.clock()
    return (await Leave.create(**_whose(cast, who), person_id=own, made_at=now)).id


async def spell_id(cast: Cast, who: str | None, path: str) -> UUID:
    """A shift of whoever asks that begins later."""
    whose = _whose(cast, who)
    made = await DutyShift.create(
        id=uuid4(),
        agency_id=whose["agency_id"],
        person_id=cast.persons[_name(who) or "mia"].id,
        begins_at=whose["from_at"],
        until_at=whose["until_at"],
    )
    return made.id


async def ready_token(cast: Cast, who: str | None, path: str) -> str:
    """The link of a test alarm before a shift."""
    made = await DutyShift.get(id=await spell_id(cast, "ines", path))
    return encryption.sign(str(made.id), REACHED, until=made.until_at)


async def due_id(cast: Cast, who: str | None, path: str) -> UUID:
    """A due about Mia."""
    one = Setting(
        kind=Kind.REVIEW,
        subject_id=uuid4(),
        owner_id=None,
        owner_role="caseworker",
        due_at=cast.clock(),
        zone="UTC",
    )
    await set_task(SYSTEM, cast.children["mia"], one, cast.clock())
    return (await Task.get(subject_id=one.subject_id)).id


_turns = count()


async def advocacy_id(cast: Cast, who: str | None, _path: str) -> UUID:
    """An advocate of the child that asks, or of Mia."""
    name = who if who in CHILDREN else "mia"
    held = await Advocacy.filter(child_id=cast.persons[name].id, next_action_at__isnull=False)
    for row in held:
        if await Tie.exists(Tie.standing_at(cast.clock()), id=row.id):
            return row.id
    return await advocate(cast, "ben" if name == "lia" else "ruth", child=name)


async def join_token(cast: Cast, who: str | None, path: str) -> str:
    """The link of an advocate who cannot sign in yet."""
    id_ = await advocate(cast, f"kim {next(_turns)}", child="noor", has_joined=False)
    row = await new_link(cast.actor("tom"), cast.children["noor"], id_, cast.clock())
    await Advocacy.filter(child_id=cast.noor.id).exclude(id=id_).delete()
    await Tie.filter(child_id=cast.noor.id, role=Role.ADVOCATE).exclude(id=id_).delete()
    return token_of(row)


async def photo_id(cast: Cast, _who: str | None, _path: str) -> object:
    """A photo of Mia's."""
    row = await PackPhoto.create(
        id=uuid4(),
        agency_id=cast.agency.id,
        child_id=cast.mia.id,
        shows="face",
        page=b"a photo",
        thumb=b"a photo",
        digest=uuid4().hex,
        added_by=cast.tom.id,
        added_at=cast.clock(),
    )
    return row.id


async def glass_id(cast: Cast, _who: str | None, _path: str) -> UUID:
    """A glass that none of those who ask has broken."""
    return (await a_glass(cast, cast.noor.id)).id


async def a_glass(cast: Cast, person_id: UUID, reason: str = "Seen at the station.") -> Glass:
    """A glass broken for Mia."""
    return await Glass.create(
        id=uuid4(),
        agency_id=cast.agency.id,
        child_id=cast.mia.id,
        person_id=person_id,
        opened_at=cast.clock(),
        until_at=cast.clock() + timedelta(hours=1),
        reason=reason,
    )


async def group(_cast: Cast, _who: str | None, path: str) -> object:
    """A screen of the grab pack, or of the talk after a return."""
    return "own" if "/interview/" in path else "looks"


ROLL_CALL = UUID("0198c5a0-0000-7000-8000-00000000ca11")


async def home_id(cast: Cast, _who: str | None, path: str) -> object:
    """A home of the agency. Mia lives there and Sam works there, where its roll call is asked
    for."""
    if "/desk/homes/" in path and not await RollCall.exists(id=ROLL_CALL):
        now, home = cast.clock(), cast.home.id
        await Child.filter(id=cast.mia.id).update(home_id=home)
        await add_worker(cast.actor("root"), home, cast.sam.id, now)
        moments = {"due_at": now, "asked_at": now, "zone": "Europe/Paris"}
        await RollCall.create(id=ROLL_CALL, agency_id=cast.agency.id, home_id=home, **moments)
    if path.endswith("/missing") and not await RollCallWord.exists(roll_call_id=ROLL_CALL):
        await _not_here(cast)
    return cast.home.id


async def _not_here(cast: Cast) -> None:
    """Sam has said that Mia is not there."""
    await RollCallWord.create(
        id=uuid4(),
        agency_id=cast.agency.id,
        roll_call_id=ROLL_CALL,
        child_id=cast.mia.id,
        word="not_here",
        said_at=cast.clock(),
        at=cast.clock(),
        by_id=cast.sam.id,
    )


async def provider(cast: Cast, _who: str | None, _path: str) -> object:
    """A provider of sign-in of the agency, at an address where nobody listens."""
    one = Provider(
        name="house",
        issuer="http://127.0.0.1:9",
        agency_id=cast.agency.id,
        client_id="waymark",
        secret="of the tests",
    )
    cast.app.state.settings = replace(cast.settings, oidc={"house": one})
    return one.name


async def intake_id(cast: Cast, _who: str | None, _path: str) -> object:
    """A list of children that was handed in."""
    row = await Intake.create(
        agency_id=cast.agency.id,
        made_by=cast.root.id,
        made_at=cast.clock(),
        lines=[],
        count=0,
        fault_count=0,
        known_count=0,
    )
    return row.id


async def episode_id(cast: Cast, who: str | None, path: str) -> UUID:
    """A time in which Mia was missing: over where the child itself reads of it."""
    now = cast.clock()
    # All of them began in one moment: the one that is open comes first.
    every = Episode.filter(child_id=cast.mia.id)
    held = await every.filter(found_at__isnull=True).first() or await every.order_by("id").first()
    needs_open = path.endswith("/found") or "/mail" in path or who in (CALLED, GLASS)
    if held is None or (not held.is_open and needs_open):
        held, _ = await open_episode(cast.actor("tom"), cast.mia.id, uuid4(), Saying(now), now)
    is_complete = path.endswith(("/summary", "/summary.pdf"))
    is_after = is_complete or path.endswith(("/interview", "/interview/{group}"))
    if held.is_open and (is_after or (who == "mia" and path.endswith("/{episode_id}"))):
        what = Found(now, "Here", "Sam", "Well.")
        await record_found(cast.actor("tom"), held.id, uuid4(), what, now)
    if is_complete:
        await Episode.filter(id=held.id).update(stage="followed_up", followed_up_at=now)
    if path.startswith("/desk/") and path.endswith("/interview"):
        await _a_talk(cast, held.id, now)
    if "/together" in path or path.endswith("/apart"):
        await other_id(cast, who, path)
    return held.id


async def paper_id(cast: Cast, who: str | None, path: str) -> UUID:
    """A page that went by mail."""
    episode = await Episode.get(id=await episode_id(cast, who, path))
    what = Mailing("police", "desk@police.example.org", Copy.POLICE, "en")
    reader = Reader("en", ZoneInfo("Europe/Paris"))
    return (await send(cast.actor("tom"), episode, uuid4(), what, reader, cast.clock())).id


async def passing_id(cast: Cast, who: str | None, path: str) -> UUID:
    """Tom's part, who has it from now on."""
    row = await SearchHandover.create(
        id=uuid4(),
        agency_id=cast.agency.id,
        episode_id=await episode_id(cast, who, path),
        person_id=cast.tom.id,
        part="in",
        at=cast.clock(),
        made_at=cast.clock(),
    )
    return row.id


async def transfer_id(cast: Cast, who: str | None, path: str) -> UUID:
    """A child of the other agency that is offered; one that was taken over for what went along."""
    return await a_transfer(cast, is_accepted="/package" in path)


async def other_id(cast: Cast, who: str | None, path: str) -> UUID:
    """A time in which Noor was missing, who lives in the same home."""
    if not await Episode.exists(id=OTHER_EPISODE):
        now = cast.clock()
        await Child.filter(id=cast.noor.id).update(home_id=cast.home.id)
        await open_episode(cast.actor("tom"), cast.noor.id, OTHER_EPISODE, Saying(now), now)
    return OTHER_EPISODE


async def _a_talk(cast: Cast, id_: UUID, now: datetime) -> None:
    """What has to be said before a talk can be noted as held."""
    before = await interview_actions.latest(id_)
    if before is None or before.held_at is None:
        said = {"at": now.isoformat(), "interviewer": "Rana", "independent": "yes"}
        base = before.version if before is not None else 0
        await interview_actions.save(cast.actor("tom"), id_, base, said, now)


async def guide(_cast: Cast, _who: str | None, _path: str) -> str:
    """A guide of the Help."""
    return "carer"


async def act(cast: Cast, who: str | None, path: str) -> str:
    """A kind of entry."""
    return "note"


MAKERS: Mapping[str, Callable[[Cast, str | None, str], Awaitable[object]]] = {
    maker.__name__: maker
    for maker in (
        change_id,
        glass_id,
        due_id,
        act,
        guide,
        episode_id,
        other_id,
        paper_id,
        passing_id,
        transfer_id,
        photo_id,
        group,
        home_id,
        intake_id,
        provider,
        child_id,
        device_id,
        tie_id,
        person_id,
        address_id,
        resort_id,
        proof,
        passkey_id,
        session_id,
        pause_id,
        proposal_id,
        absence_id,
        observation_id,
        flag_id,
        approval_id,
        season_id,
        question_id,
        milestone_id,
        round_id,
        alert_id,
        token,
        link_id,
        front_desk_id,
        channel,
        subject_id,
        arrival,
        drill_id,
        tap,
        trusted_id,
        witness_id,
        list_token,
        register,
        record_question_id,
        asked,
        template_id,
        duty_id,
        shift_id,
        handover_id,
        leave_id,
        spell_id,
        ready_token,
        advocacy_id,
        join_token,
    )
} | {"subscription_id": address_id}


def _name(who: str | None) -> str | None:
    return "eve" if who in (ON_DUTY, CALLED, GLASS) else who


def described(routes: list[BaseRoute]) -> list[str]:
    """ "GET /path/{id}" for every route but mounted files."""
    routes_found = []
    for route in routes:
        if isinstance(route, Route):
            methods = sorted((route.methods or set()) - {"HEAD"})
            routes_found += [f"{method} {route.path_format}" for method in methods]
    return routes_found


@cache
def _looks_at_path(maker: Callable[..., object]) -> bool:
    """Whether the row hangs on the path: then each path has one of its own. Read from the code of
    the maker, so that no list of them can be out of date."""
    return any(step.argval == "path" for step in dis.get_instructions(maker))


@dataclass
class Walk:
    """One person who asks for one route after the other, in one session for as long as it lasts.

    Rows that a request has left as they were are asked for by the next one: to make them anew took
    longer than all requests. One that is let in by another method than GET may change anything.
    """

    cast: Cast
    who: str | None
    client: httpx2.AsyncClient
    made: dict[tuple[str, str], object] = field(default_factory=dict)

    async def ask(self, route: str) -> int:
        """What the route answers to this person, as one of the four expectations."""
        got = await self._ask(route)
        if got == SIGN_IN and self.who is not None:
            # What came before may have ended the session, or shut out the phone.
            await self.cast.new_token(_name(self.who))
            got = await self._ask(route)
        if got == IN and not route.startswith("GET "):
            self.made.clear()
        return got

    async def _ask(self, route: str) -> int:
        answer = await self.send(route)
        return answer.status_code if answer.status_code in (SIGN_IN, DENIED, HIDDEN) else IN

    async def send(self, route: str, **other: Any) -> httpx2.Response:
        """What the route answers. `other`: sent in place of the usual body."""
        cast, who = self.cast, self.who
        method, path = route.split(" ")
        for name in re.findall(r"{(\w+)}", path):
            path = path.replace(f"{{{name}}}", str(await self._id(name, path)))
        if who == CALLED:
            # What an earlier route or a maker has ended: every route is asked under an open alert.
            await the_call(cast)
        if who == GLASS and not await Glass.exists(person_id=cast.eve.id, ended_at__isnull=True):
            await a_glass(cast, cast.eve.id)
        how: dict[str, Any] = {"headers": {}}
        if who is not None:
            how["headers"]["authorization"] = f"Bearer {cast.tokens[_name(who)]}"
        if "/pack" in path and not other:
            # What is sealed opens to those who may read it and say why: tests/missing has the seal.
            how["headers"]["x-waymark-reason"] = "Looking%20for%20her"
        body = BODIES.get(route)
        if other:
            how |= other
        elif body is not None:
            how["json"] = _filled(body, cast)
        elif method != "GET":
            how["content"] = "not what anybody takes"
        self.client.cookies.clear()
        return await self.client.request(method, path, **how)

    async def _id(self, name: str, path: str) -> object:
        key = (name, path if _looks_at_path(MAKERS[name]) else "")
        if key not in self.made:
            self.made[key] = await MAKERS[name](self.cast, self.who, path)
        return self.made[key]


async def walk(
    cast: Cast,
    subtests: pytest.Subtests,
    who: str | None,
    routes: Iterable[str],
    expected: Callable[[str], int],
) -> None:
    """Each cell that is wrong is a red test of its own; those that are right cost nothing."""
    async with cast.client() as client:
        person = Walk(cast, who, client)
        for route in routes:
            got, due = await person.ask(route), expected(route)
            if got != due:
                with subtests.test(who=who, route=route):
                    pytest.fail(f"{who}: {route} gave {got}, not {due}", pytrace=False)


def in_turn(who: str | None, route: str) -> bool:
    """Whether it is this person who asks for the route on PostgreSQL.

    On SQLite everybody asks for everything. Who may is the same code on both, so on PostgreSQL one
    asks of those who get the same answer: another one for the next route.
    """
    due = EXPECTED[route](who)
    same = [other for other in WHO if EXPECTED[route](other) == due]
    return same[crc32(route.encode()) % len(same)] == who


def asks_all() -> bool:
    """Whether all ask for everything on the database that is open."""
    return dialect() == "sqlite" or EVERY_TURN


def _filled(body: Mapping[str, Any], cast: Cast) -> dict[str, Any]:
    values = {
        "{id}": str(uuid4()),
        "{now}": cast.clock().isoformat(),
        "{tomorrow}": (cast.clock() + timedelta(days=1)).isoformat(),
    }
    return {
        key: values.get(value, value) if isinstance(value, str) else value
        for key, value in body.items()
    }


def test_every_route_has_an_expectation() -> None:
    undeclared = [route for route in described(all_routes()) if route not in EXPECTED]
    assert not undeclared, "declare in EXPECTED who may use these"


@pytest.mark.parametrize("who", WHO, ids=lambda who: who or "nobody")
async def test_every_route_for_every_role_and_another_agency(
    cast: Cast, subtests: pytest.Subtests, monkeypatch: pytest.MonkeyPatch, who: str | None
) -> None:
    # A stream of events would go on for half an hour.
    monkeypatch.setattr("server.web.live.LONGEST_S", 0)
    await add_tie(
        SYSTEM,
        cast.children["mia"],
        AddTie(person_id=cast.ada.id, role=Role.GUARDIAN),
        cast.clock(),
    )
    await advocate(cast)
    if who == ON_DUTY:
        await cast.on_duty("eve")
    routes = [route for route in described(cast.app.routes) if asks_all() or in_turn(who, route)]
    await walk(cast, subtests, who, routes, lambda route: EXPECTED[route](who))


def test_on_postgresql_one_person_asks_for_each_answer_of_a_route_and_all_have_their_turn() -> None:
    asking = {route: [who for who in WHO if in_turn(who, route)] for route in EXPECTED}
    for route, expected in EXPECTED.items():
        answers = [expected(who) for who in asking[route]]
        assert sorted(answers) == sorted({expected(who) for who in WHO}), route
    assert {who for those in asking.values() for who in those} == {*WHO}


# Their area in counts, and what is about themselves.
OF_OVERSIGHT = {
    "GET /desk/",  # Leads on to the counts.
    "GET /desk/areas",
    "GET /desk/areas.csv",
    "GET /api/v1/areas",
    "GET /desk/me",
    "GET /desk/help",
    "GET /desk/help/{guide}",
    "GET /desk/again",
    "POST /desk/again",
    "POST /desk/again/options",
    "GET /desk/settings",
    "POST /desk/settings/language",
    "GET /desk/settings/accounts",
    "GET /desk/settings/password",
    "POST /desk/settings/password",
    "GET /desk/settings/second-key",
    "GET /desk/settings/second-key/app",
    "POST /desk/settings/second-key/app",
    "POST /desk/settings/second-key/app/begin",
    "POST /desk/settings/second-key/app/remove",
    "POST /desk/settings/second-key/codes",
    "POST /desk/settings/second-key/passkeys",
    "POST /desk/settings/second-key/passkeys/options",
    "POST /desk/settings/second-key/passkeys/{passkey_id}/remove",
    "GET /desk/settings/sessions",
    "POST /desk/settings/sessions/end-others",
    "POST /desk/settings/sessions/{session_id}/end",
    "DELETE /api/v1/sessions",
    "GET /api/v1/me",
    "PATCH /api/v1/me",
}


def by_oversight(route: str) -> int:
    """What a person of an area gets: everything that needs a session is hidden but these."""
    if route in OF_OVERSIGHT:
        return IN
    stranger = EXPECTED[route]("uwe")
    is_of_sessions = EXPECTED[route](None) == SIGN_IN and stranger != SIGN_IN
    return HIDDEN if is_of_sessions else stranger


async def test_a_person_of_an_area_gets_its_counts_and_nothing_else(
    cast: Cast, subtests: pytest.Subtests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.web.live.LONGEST_S", 0)
    await oversight(cast)
    await walk(cast, subtests, "vera", described(cast.app.routes), by_oversight)


# What an alert needs: it is read, taken and closed, its search is worked on, its pack is read.
OF_A_CALL = {
    "GET /api/v1/alerts/{alert_id}",
    "POST /api/v1/alerts/{alert_id}/acknowledge",
    "POST /api/v1/alerts/{alert_id}/close",
    "POST /api/v1/alerts/{alert_id}/attempts",
    "GET /desk/alerts/{alert_id}/numbers",
    "POST /desk/alerts/{alert_id}/attempts",
    "GET /desk/alerts/{alert_id}",
    "POST /desk/alerts/{alert_id}/acknowledge",
    "POST /desk/alerts/{alert_id}/close",
    "GET /desk/alerts/{alert_id}/sealed",
    "GET /desk/alerts/{alert_id}/together",
    "POST /desk/alerts/{alert_id}/together",
    f"POST {CHILD}/episodes",
    f"GET {CHILD}/episodes",
    f"GET {CHILD}/episodes/{{episode_id}}",
    f"POST {CHILD}/episodes/{{episode_id}}/entries",
    f"POST {CHILD}/episodes/{{episode_id}}/found",
    f"GET {DESK}/missing",
    f"POST {DESK}/missing",
    f"GET {DESK}/found",
    "GET /desk/episodes/{episode_id}",
    "GET /desk/episodes/{episode_id}/enter/{act}",
    "POST /desk/episodes/{episode_id}/enter/{act}",
    "GET /desk/episodes/{episode_id}/mail",
    "POST /desk/episodes/{episode_id}/mail",
    "GET /desk/episodes/{episode_id}/mail/{paper_id}",
    "POST /desk/episodes/{episode_id}/together",
    "POST /desk/episodes/{episode_id}/apart",
    "GET /desk/episodes/{episode_id}/found",
    "POST /desk/episodes/{episode_id}/found",
    f"GET {CHILD}/pack",
    f"PUT {CHILD}/pack/now",
    f"GET {CHILD}/pack.pdf",
    f"GET {CHILD}/pack.txt",
    f"GET {CHILD}/pack/photos",
    f"GET {CHILD}/pack/photos/{{photo_id}}",
    f"GET {DESK}/pack",
}
# They see that there is a pack, and may not write in it.
SHUT_IN_A_CALL = {
    f"PUT {CHILD}/pack",
    # Open to a broken glass, which a call is not.
    f"GET {DESK}/emergency",
    f"GET {DESK}/sighting",
    f"POST {DESK}/sighting",
    f"POST {CHILD}/sightings",
}


def by_a_call(route: str) -> int:
    """What Eve gets who was called: what the alert needs, and else what she gets as a stranger."""
    if route in OF_A_CALL:
        return IN
    return DENIED if route in SHUT_IN_A_CALL else EXPECTED[route]("eve")


def opened(cast: Cast, expected: Callable[[str], int]) -> list[str]:
    """The routes to ask for: on PostgreSQL those alone at which Eve gets more than a stranger."""
    routes = described(cast.app.routes)
    return [each for each in routes if asks_all() or expected(each) != EXPECTED[each]("eve")]


async def test_everyone_called_gets_what_the_alert_needs_and_nothing_else_of_the_child(
    cast: Cast, subtests: pytest.Subtests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.web.live.LONGEST_S", 0)
    await walk(cast, subtests, CALLED, opened(cast, by_a_call), by_a_call)


# What a person needs who meets the child at night. Those who answer for the child close the alert.
OF_A_GLASS = {route for route in OF_A_CALL if not route.endswith("/close")} | {
    f"GET {DESK}",  # Leads on to the page in short.
    f"GET {DESK}/emergency",
    f"GET {DESK}/sighting",
    f"POST {DESK}/sighting",
    f"POST {CHILD}/sightings",
}
SHUT_BEHIND_GLASS = {f"PUT {CHILD}/pack"} | {
    route for route in OF_A_CALL if route.endswith("/close")
}


def by_a_glass(route: str) -> int:
    """What Eve gets who broke the glass: what an emergency needs, and else what a stranger gets."""
    if route in OF_A_GLASS:
        return IN
    return DENIED if route in SHUT_BEHIND_GLASS else EXPECTED[route]("eve")


async def test_a_broken_glass_opens_what_an_emergency_needs_and_nothing_else_of_the_child(
    cast: Cast, subtests: pytest.Subtests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.web.live.LONGEST_S", 0)
    await walk(cast, subtests, GLASS, opened(cast, by_a_glass), by_a_glass)


@pytest.mark.parametrize("over", ["by time", "by hand", "disabled", "moved"])
async def test_after_the_glass_everything_of_the_child_is_gone_again(
    cast: Cast, subtests: pytest.Subtests, monkeypatch: pytest.MonkeyPatch, over: str
) -> None:
    monkeypatch.setattr("server.web.live.LONGEST_S", 0)
    glass = await a_glass(cast, cast.eve.id)
    ends = {"by time": {"until_at": cast.clock()}, "by hand": {"ended_at": cast.clock()}}
    if over in ends:
        await Glass.filter(id=glass.id).update(**ends[over])
    elif over == "disabled":
        await Person.filter(id=cast.eve.id).update(disabled_at=cast.clock())
    else:
        await Person.filter(id=cast.eve.id).update(agency_id=cast.other_agency.id)
    due = SIGN_IN if over == "disabled" else HIDDEN
    await walk(cast, subtests, "eve", sorted(OF_A_GLASS), lambda route: due)


def test_no_expectation_is_left_of_a_route_that_is_gone(cast_free_routes: list[str]) -> None:
    declared = [*EXPECTED, *OF_OVERSIGHT, *OF_A_CALL, *SHUT_IN_A_CALL, *OF_A_GLASS]
    assert [route for route in declared if route not in cast_free_routes] == []


@pytest.fixture
def cast_free_routes() -> list[str]:
    return described(all_routes())


@pytest.mark.parametrize("role", list(Role))
def test_nobody_gains_a_right_by_losing_a_tie(role: Role) -> None:
    for other in Role:
        both = {action for action in Action if may(frozenset({role, other}), action)}
        one = {action for action in Action if may(frozenset({role}), action)}
        assert one <= both
    assert not any(may(frozenset(), action) for action in Action)
