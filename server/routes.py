"""Every module with routes, in the order in which a request tries them.

What phones ask comes first, since it is asked most often. A path without a variable part comes
before a path with one that would match it too.
"""

from functools import cache
from importlib import import_module

from starlette.routing import BaseRoute

# What programs and phones ask.
API = (
    "server.records.transfer.api",
    "server.missing.search.api",
    "server.missing.search.handover.api",
    "server.missing.returns.api",
    "server.missing.returns.interview_api",
    "server.missing.profile.api",
    "server.missing.profile.on_duty_api",
    "server.missing.profile.photos.api",
    "server.reports.patterns_api",
    "server.reports.indicator_api",
    "server.plan.api",
    "server.plan.goal_templates.api",
    "server.inbound.api",
    "server.checkin.api",
    "server.desk.api",
    "server.watch.signals.observations_api",
    "server.placements.api",
    "server.watch.calendar.milestones_api",
    "server.watch.rhythm.proposals_api",
    "server.watch.rhythm.seasons_api",
    "server.desk.alert_api",
    "server.alerts.glass.api",
    "server.watch.trusted.api",
    "server.rota.api",
    "server.tasks.api",
    "server.auth.api",
    "server.people.api",
    "server.people.contact_api",
    "server.checkin.me",
    "server.phone.me",
    "server.people.me",
)
# What people at the desk open.
PAGES = (
    "server.records.transfer.pages",
    "server.records.transfer.package_pages",
    "server.missing.search.pages",
    "server.missing.search.together.pages",
    "server.missing.search.handover.pages",
    "server.missing.search.clocks.settings_pages",
    "server.missing.returns.pages",
    "server.missing.returns.interview_pages",
    "server.missing.profile.pages",
    "server.missing.profile.photos.pages",
    "server.missing.profile.mail_pages",
    "server.reports.patterns_pages",
    "server.desk.search_pages",
    "server.reports.indicator_pages",
    "server.missing.account.account_pages",
    "server.plan.goal_templates.pages",
    "server.plan.offboarding.quarantine_pages",
    "server.plan.offboarding.pages",
    "server.inbound.child_pages",
    "server.inbound.pages",
    "server.desk.child.pages",
    "server.desk.child.emergency_pages",
    "server.desk.child.check_in_pages",
    "server.desk.child.duress_pages",
    "server.desk.pages",
    "server.desk.alert_pages",
    "server.desk.duty_pages",
    "server.desk.finding.pages",
    "server.watch.carer.pages",
    "server.desk.child.new_pages",
    "server.imports.pages",
    "server.desk.child.rhythm_pages",
    "server.desk.child.question_pages",
    "server.desk.child.calendar_pages",
    "server.desk.child.season_pages",
    "server.placements.pages",
    "server.desk.child.about_pages",
    "server.watch.signals.observations_pages",
    "server.desk.policies.pages",
    "server.reports.quality_pages",
    "server.desk.together_pages",
    "server.desk.policies.trial_pages",
    "server.watch.trusted.pages",
    "server.alerts.pages",
    "server.alerts.glass.pages",
    "server.desk.channel_pages",
    "server.desk.help.pages",
    "server.alerts.drills.pages",
    "server.rota.pages",
    "server.rota.handover_pages",
    "server.rota.leave_pages",
    "server.rota.ready_pages",
    "server.tasks.pages",
    "server.auth.pages",
    "server.auth.device_pages",
    "server.auth.second_factor.reauthentication_pages",
    "server.auth.second_factor.pages",
    "server.auth.colleague_pages",
    "server.auth.session_pages",
    "server.auth.oidc.pages",
    "server.auth.account_pages",
    "server.people.list_pages",
    "server.people.looks.pages",
    "server.people.person_pages",
    "server.people.agencies.pages",
    "server.people.pages",
    "server.people.settings_pages",
    "server.people.contact_pages",
)
OTHER = ("server.health",)


@cache
def all_routes() -> tuple[BaseRoute, ...]:
    """The routes of all rooms. They hold no state: one set does for every application."""
    return tuple(route for name in (*API, *PAGES, *OTHER) for route in import_module(name).routes)
