"""A browser's user agent in two words that its owner recognises. Pure.

Nothing finer is kept: a version or a model would tell browsers apart without need.
"""

Agent = tuple[str | None, str | None]
"""A browser and a system, each by its own name; None where it is none that we know."""

# The first that is found: nearly all of them call themselves Chrome and Safari too.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def agent_of(user_agent: str) -> Agent:
    """The words for the header of that name."""
    return _first(_BROWSERS, user_agent), _first(_SYSTEMS, user_agent)


def _first(signs: tuple[tuple[str, str], ...], text: str) -> str | None:
    return next((word for sign, word in signs if sign in text), None)
