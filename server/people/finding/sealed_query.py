"""The words of a search by name, sealed for one session. A name belongs in no address: addresses
stay in the history of a browser and in the logs of a network. So forms send it in their body, and
the page that follows has it sealed in its address."""

from starlette.requests import Request

from server.people.access import Visitor
from server.security import encryption

LONGEST = 120


def folded(text: str) -> str:
    """The words with single spaces, and at most as many as a name has."""
    return " ".join(text.split())[:LONGEST]


def seal(visitor: Visitor, purpose: str, words: str) -> str:
    """The words as the `s` of an address. Empty for no words."""
    if not words:
        return ""
    sealed = encryption.seal(f"{purpose} {visitor.session_id} {words}")
    return sealed.removeprefix(encryption.MARK)


def query_of(request: Request, visitor: Visitor, purpose: str) -> str:
    """The words of this search. What was sealed for anything else, or in another session, is no
    search: else the page would open any sealed text that was stolen."""
    sealed = request.query_params.get("s", "")
    if not sealed:
        return ""
    try:
        text = encryption.current().open(encryption.MARK + sealed)
    except encryption.Unreadable:
        return ""
    begin = f"{purpose} {visitor.session_id} "
    return folded(text.removeprefix(begin)) if text.startswith(begin) else ""
