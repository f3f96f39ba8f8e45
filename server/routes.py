"""Every module that holds routes, in the order in which a request tries them.

Nothing is asked for as often as what phones ask; a path without a variable part comes before one
that would match it too.
"""

from functools import cache
from importlib import import_module

from starlette.routing import BaseRoute

# What programs and phones ask.
API = (
    "server.records.transfer.api",
    "server.missing.search.api",
    "server.missing.search.handing_api",
    "server.missing.back.api",
    "server.missing.back.interview_api",
    "server.missing.pack.api",
    "server.missing.pack.shelf_api",
    "server.missing.pack.photo_api",
    "server.missing.hindsight.patterns_api",
    "server.missing.hindsight.indicator_api",
    "server.plan.api",
    "server.plan.template_api",
    "server.inbound.api",
    "server.checkin.api",
    "server.watch.api",
    "server.watch.noticing_api",
    "server.watch.placing_api",
    "server.watch.milestones_api",
    "server.watch.proposals_api",
    "server.watch.seasons_api",
    "server.watch.alert_api",
    "server.watch.trusted_api",
    "server.alert.api",
    "server.due.api",
    "server.doors.api",
    "server.people.api",
    "server.people.reaching_api",
    "server.checkin.me",
    "server.watch.me",
    "server.people.me",
)
# What people at the desk open.
PAGES = (
    "server.records.transfer.pages",
    "server.missing.search.pages",
    "server.missing.search.together_pages",
    "server.missing.search.handing_pages",
    "server.missing.search.setting_pages",
    "server.missing.back.pages",
    "server.missing.back.interview_pages",
    "server.missing.pack.pages",
    "server.missing.pack.photo_pages",
    "server.missing.pack.mail_pages",
    "server.missing.hindsight.patterns_pages",
    "server.missing.hindsight.indicator_pages",
    "server.missing.hindsight.account_pages",
    "server.plan.template_pages",
    "server.plan.kept_pages",
    "server.plan.leaving_pages",
    "server.inbound.child_pages",
    "server.inbound.pages",
    "server.checkin.pages",
    "server.checkin.sign_pages",
    "server.watch.pages",
    "server.watch.alert_pages",
    "server.watch.duty_pages",
    "server.watch.carer_pages",
    "server.watch.new_child_pages",
    "server.watch.intake_pages",
    "server.watch.child_pages",
    "server.watch.calendar_pages",
    "server.watch.season_pages",
    "server.watch.placing_pages",
    "server.watch.about_pages",
    "server.watch.noticing_pages",
    "server.watch.policy_pages",
    "server.watch.quality_pages",
    "server.watch.together_pages",
    "server.watch.trial_pages",
    "server.watch.trusted_pages",
    "server.alert.pages",
    "server.alert.channel_pages",
    "server.alert.drill_pages",
    "server.alert.rota_pages",
    "server.alert.ready_pages",
    "server.due.pages",
    "server.doors.pages",
    "server.doors.again_pages",
    "server.doors.key_pages",
    "server.doors.colleague_pages",
    "server.doors.session_pages",
    "server.doors.provider_pages",
    "server.doors.account_pages",
    "server.people.list_pages",
    "server.people.looks_pages",
    "server.people.person_pages",
    "server.people.agency_pages",
    "server.people.pages",
    "server.people.settings_pages",
    "server.people.reaching_pages",
)
OTHER = ("server.health",)


@cache
def all_routes() -> tuple[BaseRoute, ...]:
    """The routes of all rooms. They hold no state: one set does for every application."""
    return tuple(route for name in (*API, *PAGES, *OTHER) for route in import_module(name).routes)
