"""What a room needs from a later one, handed in at the start.

A room never imports a room that comes after it. If it has to tell that room something, or ask it,
it keeps a place for a function; only this module fills these places. ARCHITECTURE.md says why each
is needed.
"""

from datetime import datetime

from server.advocates import actions as advocates
from server.alerts import rights_changes
from server.alerts.called_access import called_about, is_alerted
from server.alerts.glass.reading import broken_for
from server.alerts.out_of_reach.actions import go_on, try_again
from server.approvals.actions import use_doers
from server.approvals.rules import What
from server.auth.sessions import session_holds, session_of
from server.inbound import left_devices
from server.missing.profile import actions as profiles
from server.missing.returns import child_found
from server.missing.search import actions as entries
from server.missing.search import opening
from server.notify.actions import set_inbound, set_last_resorts
from server.notify.contact_routes import use_reach
from server.people.access import Sources, use_sources
from server.people.events import Rights, use_listeners
from server.placements.actions import end_approved
from server.plan.reviews import heard
from server.roll_calls import seats
from server.rota.duty import on_duty, on_rota
from server.security import encryption
from server.settings import Settings
from server.tasks.reach import use_on_duty
from server.watch.absence.actions import agree_approved
from server.watch.calendar import milestone_actions
from server.watch.watch_alerts import close_approved, use_ends
from server.watch.writing import lock
from server.witnesses import renewing


def wire(settings: Settings) -> None:
    """Hand in the keys, two facts for the outbox, and the hooks. Twice is once."""
    encryption.use(encryption.Keyring(settings.secret_keys))
    set_last_resorts(len(settings.last_resort))
    set_inbound(settings.inbound)
    wire_rooms()


def wire_rooms() -> None:
    """What needs no settings: who hears of what, and who is asked."""
    use_on_duty(on_duty)
    use_sources(
        Sources(
            session_of=session_of,
            session_holds=session_holds,
            on_rota=on_rota,
            called_about=called_about,
            broken_for=broken_for,
            is_alerted=is_alerted,
        )
    )
    use_listeners(
        milestone_actions.hear,
        heard,
        opening.hear,
        entries.hear,
        child_found.hear,
        profiles.heard,
        rights=_rights_changed,
    )
    use_ends(child_found.ends)
    use_reach(go_on, try_again)
    use_doers(
        lock,
        {What.END: end_approved, What.ABSENCE: agree_approved, What.CLOSE: close_approved},
    )


async def _rights_changed(rights: Rights, now: datetime) -> None:
    await advocates.hear(rights, now)
    await rights_changes.hear(rights, now)
    await seats.hear(rights, now)
    await left_devices.hear(rights, now)
    await renewing.hear(rights, now)
