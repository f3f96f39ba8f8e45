"""Whether what we call can be reached: for `waymark check`. Nothing is sent."""

import asyncio
import ssl
from contextlib import suppress
from datetime import timedelta
from urllib.parse import urlsplit

from server.clock import Clock
from server.notify.channels.email import Email
from server.settings import Settings

WITHIN = timedelta(seconds=10)


async def unreachable(settings: Settings, clock: Clock) -> list[str]:
    """One line for each setting whose server does not answer now, without what it holds."""
    return [line for line in (await _mail(settings, clock), await _watchdog(settings)) if line]


async def _mail(settings: Settings, clock: Clock) -> str | None:
    if not settings.smtp_url:
        return None
    try:
        email = Email(settings.smtp_url, mail_from=settings.mail_from, clock=clock, timeout=WITHIN)
    except ValueError:
        return None  # `configured` says so.
    why = await email.greet()
    return f"WAYMARK_SMTP_URL cannot be used: {why}" if why else None


async def _watchdog(settings: Settings) -> str | None:
    """Connect and no more: a ping would tell the watchdog that all is well."""
    if not settings.watchdog_url:
        return None
    parts = urlsplit(settings.watchdog_url)
    is_tls = parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    try:
        async with asyncio.timeout(WITHIN.total_seconds()):
            _, writer = await asyncio.open_connection(parts.hostname, port, ssl=is_tls or None)
    except (OSError, TimeoutError) as fault:
        why = "tls" if isinstance(fault, ssl.SSLError) else "unreachable"
        return f"WAYMARK_WATCHDOG_URL cannot be reached: {why}"
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return None
