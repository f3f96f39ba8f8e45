"""Whether there has been a backup lately. Nobody sees one that fails at night: operators are told a
day later."""

from datetime import datetime, timedelta

from server import logs
from server.clock import stamp
from server.notify.actions import tell_operators
from server.storage.db import close_database, open_database, write
from server.watch.models import Beat
from server.watch.ticking import beat

BACKUP = "backup"
# One night without a backup, and half a day to repair it.
OLD_AFTER = timedelta(hours=36)
# Operators who back up by other means since then (pgBackRest) are told no longer.
GIVEN_UP_AFTER = timedelta(days=14)
log = logs.get("records")


async def enter(url: str, made_at: datetime) -> bool:
    """Note in the database at this address that a whole backup of it was made. False where that
    failed."""
    try:
        await open_database(url)
        await beat(BACKUP, made_at)
    except Exception as fault:
        # Broad, because the backup is whole: no fault here may make its unit try again.
        log.warning("backup.not_entered", exc=fault)
        return False
    finally:
        await close_database()
    return True


async def look(now: datetime) -> None:
    """Tell operators, once a day, that the last backup is old. Nothing where there has never been
    one."""
    last = await Beat.get_or_none(name=BACKUP)
    if last is None or not OLD_AFTER < now - last.at < GIVEN_UP_AFTER:
        return
    log.error("backup.old", last_at=stamp(last.at))
    async with write():
        await tell_operators("backup:old", now, every_h=24)
