"""The watchdog: somebody outside who calls when we fall silent ourselves."""

from datetime import timedelta

import aiohttp


async def ping(url: str, *, within: timedelta) -> bool:
    """Say that all is well, once. False where nobody took it; a silence is the watchdog's alarm."""
    limit = aiohttp.ClientTimeout(total=within.total_seconds())
    try:
        async with aiohttp.ClientSession(timeout=limit, trust_env=False) as session:
            async with session.get(url, allow_redirects=False) as answer:
                return answer.status < 400
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False
