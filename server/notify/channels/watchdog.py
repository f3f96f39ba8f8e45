"""The watchdog: an outside service that raises the alarm when our server falls silent."""

from datetime import timedelta
from typing import TYPE_CHECKING

from server.starting import late

if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = late("aiohttp")


async def ping(url: str, *, within: timedelta) -> bool:
    """Report once that all is well. False where it was not accepted; silence is the watchdog's
    alarm."""
    limit = aiohttp.ClientTimeout(total=within.total_seconds())
    try:
        async with aiohttp.ClientSession(timeout=limit, trust_env=False) as session:
            async with session.get(url, allow_redirects=False) as answer:
                return answer.status < 400
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False
