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
    "server.missing.returns.api",
    "server.missing.returns.interview_api",
    "server.missing.profile.api",
    "server.missing.profile.shelf_api",
    "server.missing.profile.photo_api",
    "server.reports.patterns_api",
    "server.reports.indicator_api",
    "server.plan.api",
    "server.plan.template_api",
    "server.inbound.api",
    "server.checkin.api",
    "server.desk.api",
    "server.watch.signals.noticing_api",
    "server.placements.placing_api",
    "server.watch.calendar.milestones_api",
    "server.watch.rhythm.proposals_api",
    "server.watch.rhythm.seasons_api",
    "server.desk.alert_api",
    "server.watch.trusted.trusted_api",
    "server.alerts.api",
    "server.tasks.api",
    "server.auth.api",
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
    "server.missing.returns.pages",
    "server.missing.returns.interview_pages",
    "server.missing.profile.pages",
    "server.missing.profile.photo_pages",
    "server.missing.profile.mail_pages",
    "server.reports.patterns_pages",
    "server.desk.search_pages",
    "server.reports.indicator_pages",
    "server.missing.account.account_pages",
    "server.plan.template_pages",
    "server.plan.kept_pages",
    "server.plan.leaving_pages",
    "server.inbound.child_pages",
    "server.inbound.pages",
    "server.desk.check_in_pages",
    "server.desk.sign_pages",
    "server.desk.pages",
    "server.desk.alert_pages",
    "server.desk.duty_pages",
    "server.watch.carer.carer_pages",
    "server.desk.new_child_pages",
    "server.imports.intake_pages",
    "server.desk.child_pages",
    "server.desk.calendar_pages",
    "server.desk.season_pages",
    "server.placements.placing_pages",
    "server.desk.about_pages",
    "server.watch.signals.noticing_pages",
    "server.desk.policy_pages",
    "server.reports.quality_pages",
    "server.desk.together_pages",
    "server.desk.trial_pages",
    "server.watch.trusted.trusted_pages",
    "server.alerts.pages",
    "server.desk.channel_pages",
    "server.desk.help_pages",
    "server.alerts.drills.drill_pages",
    "server.rota.rota_pages",
    "server.rota.ready_pages",
    "server.tasks.pages",
    "server.auth.pages",
    "server.auth.second_factor.again_pages",
    "server.auth.second_factor.key_pages",
    "server.auth.colleague_pages",
    "server.auth.session_pages",
    "server.auth.oidc.provider_pages",
    "server.auth.account_pages",
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
