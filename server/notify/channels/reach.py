"""Trying each channel as far as it goes without sending: for `waymark check`.

All are tried in parallel, each within ten seconds. The result names what only a message can show.
"""

import asyncio
import ssl
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from urllib.parse import urlsplit

import msgspec

from server.clock import Clock
from server.notify.channels.other import place_of
from server.notify.rules import EMAIL, PUSH, Outcome, Result
from server.settings import Settings

WITHIN = timedelta(seconds=10)
# Which host of a service represents all of `https://*.…`.
_STANDS_FOR = {
    "push.services.mozilla.com": "updates.push.services.mozilla.com",
    "push.apple.com": "web.push.apple.com",
}
# What a channel's code means for the operator who set it up, and what they can do.
_MEANS = {
    "unreachable": "nothing answers there. Check the host and the port, and that the server runs",
    "timeout": "no answer within ten seconds. Check the host, the port and the firewall",
    "tls": "no safe connection. Check its certificate, and smtps:// or ?starttls=1",
    "password": "it refuses the user name or the password. Correct them",
    "relay": "it refuses mail from WAYMARK_MAIL_FROM. Let it send for this address, or change it",
    "relay_busy": "it takes nothing now. Try again in some minutes",
    "sender_refused": "it refuses mail from WAYMARK_MAIL_FROM. Let it send for this address",
    "no_mailbox": "there is no such mailbox. Correct the address",
    "recipient_refused": "the mail server refuses mail to it. Let the server deliver there",
    "bad_address": "this is not an address. Correct it",
}


class Found(msgspec.Struct, frozen=True):
    """The result of trying one channel. `faults`: one line each. `untried`: what only a sent
    message can show. `dead_resorts`: entries of WAYMARK_LAST_RESORT that it does not take."""

    channel: str
    faults: tuple[str, ...] = ()
    untried: tuple[str, ...] = ()
    dead_resorts: tuple[tuple[str, str], ...] = ()
    is_dead: bool = False


async def try_channels(
    settings: Settings, clock: Clock, *, within: timedelta = WITHIN
) -> list[Found]:
    """Every channel that is set up, and the watchdog, in parallel, each within this time."""
    most_s = within.total_seconds()
    tries = [
        _push(settings, most_s),
        *([_mail(settings, settings.smtp_url, clock, within)] if settings.smtp_url else []),
        *(_other(name, template, most_s) for name, template in sorted(settings.channels.items())),
        _watchdog(settings, most_s),
    ]
    return list(await asyncio.gather(*tries))


async def _mail(settings: Settings, smtp_url: str, clock: Clock, within: timedelta) -> Found:
    # Mail takes a fiftieth of a start, and a start tries no channel.
    from server.notify.channels.email import Email

    try:
        email = Email(smtp_url, mail_from=settings.mail_from, clock=clock, timeout=within)
    except ValueError:
        return Found(EMAIL, is_dead=True)  # `configured` reports the fault.
    resorts = [to for name, to in settings.last_resort if name == EMAIL]
    try:
        async with asyncio.timeout(within.total_seconds()):
            server, refused = await email.rehearse(resorts)
    except TimeoutError:
        server, refused = Outcome.again("timeout"), {}
    if server.result is not Result.ACCEPTED:
        line = f"WAYMARK_SMTP_URL cannot be used: {_means(server)}"
        return Found(EMAIL, (line,), is_dead=True)
    lines = [
        f"WAYMARK_LAST_RESORT: no mail goes to its entry {_place(settings, to)}: {_means(why)}"
        for to, why in refused.items()
    ]
    untried = ("e-mail: whether the server takes the message itself",)
    return Found(EMAIL, tuple(lines), untried, tuple((EMAIL, to) for to in refused))


def _place(settings: Settings, to: str) -> int:
    """Which entry it is, by number: an address is personal data, and this goes into logs."""
    return settings.last_resort.index((EMAIL, to)) + 1


def _means(outcome: Outcome) -> str:
    return _MEANS.get(outcome.reason, outcome.reason.replace("_", " "))


async def _other(name: str, template: str, most_s: float) -> Found:
    place = await asyncio.to_thread(place_of, template)
    if place is None:
        return Found(name, untried=(f"{name}: anything (its URL does not say which server it is)",))
    why = await _connect(place.host, place.port, most_s, is_tls=place.is_tls)
    if why:
        line = f"WAYMARK_CHANNELS: {name} cannot be used: {_MEANS[why]}"
        return Found(name, (line,), is_dead=True)
    return Found(name, untried=(f"{name}: whether the gateway knows us and takes messages",))


async def _push(settings: Settings, most_s: float) -> Found:
    hosts = sorted(filter(None, (_host_of(origin) for origin in settings.push_origins)))
    tried = await asyncio.gather(*(_reach_url(url, most_s) for url in hosts))
    away = [url for url, why in zip(hosts, tried, strict=True) if why]
    line = f"push: not reachable from here: {', '.join(away)}. Phones that use it get no alarms"
    return Found(
        PUSH,
        (f"{line}. Check the firewall and the name server",) if away else (),
        ("push: whether a phone shows what its service takes",),
        is_dead=len(away) == len(hosts) > 0,
    )


def _host_of(origin: str) -> str | None:
    if "*." not in origin:
        return origin
    below = origin.partition("*.")[2].rstrip("/")
    return f"https://{_STANDS_FOR[below]}" if below in _STANDS_FOR else None


async def _watchdog(settings: Settings, most_s: float) -> Found:
    """Connect, and nothing else: a ping would tell the watchdog that all is well."""
    if not settings.watchdog_url:
        return Found("watchdog")
    why = await _reach_url(settings.watchdog_url, most_s)
    if not why:
        return Found("watchdog")
    return Found("watchdog", (f"WAYMARK_WATCHDOG_URL cannot be reached: {_MEANS[why]}",))


async def _reach_url(url: str, most_s: float) -> str | None:
    parts = urlsplit(url)
    is_tls = parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    return await _connect(parts.hostname or "", port, most_s, is_tls=is_tls)


async def _connect(host: str, port: int, most_s: float, *, is_tls: bool) -> str | None:
    """Why no connection is made; None where one is. It is closed at once."""
    try:
        async with asyncio.timeout(most_s):
            _, writer = await asyncio.open_connection(host, port, ssl=is_tls or None)
    except TimeoutError:
        return "timeout"
    except (OSError, ValueError) as fault:
        return "tls" if isinstance(fault, ssl.SSLError) else "unreachable"
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return None


def untried_line(results: Sequence[Found]) -> str | None:
    """In one line, what was not tried."""
    untried = [what for result in results for what in result.untried]
    if not untried:
        return None
    return (
        f"Not tried, since it would send: {'; '.join(untried)}. A test alarm on the desk shows it."
    )
