"""What can go wrong, as a tree.

WaymarkError
├── Malformed          400  the request cannot be read: no JSON, another charset, no text
├── WrongType          415  the request's content is of a type that is not taken here
├── Refused            422  the request is understood and cannot be: a wrong value, a rule
│   └── Incomplete     422  answers are missing: `missing` names all of them
├── Unauthenticated    401  nobody is signed in, or the device was shut out (code `revoked`)
├── Denied             403  a tie without this right
│   ├── NotAllowed     403  a field that only the child, or another person, may set
│   └── NotYet         403  first something else, at the page that `to` names: a proof, a second key
├── NotFound           404  no such thing, or no tie to it: the two look alike on purpose
├── Conflict           409  another request was faster, or the thing has moved on
│   ├── IdReused       409  a known id with other content, or of another child
│   └── SecondPersonNeeded 409  a second person was asked; nothing was done yet
├── TooLarge           413  more than one request may carry
├── TooMany            429  guessing is throttled; `retry_after_s` says how long to wait
└── Unavailable        503  a part that is needed cannot be reached now; nothing was written
    └── Unclear        503  the database was lost while it stored: the same id again settles it

Rules and actions raise these; one table in app.py turns them into a status, a page or a problem
document (RFC 9457). `detail` is a sentence for people, in English, and a msgid of the catalogs.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Self


class See(NamedTuple):
    """The page of what a fault names: its path, and the words of the link, a msgid."""

    path: str
    words: str


class Ask(NamedTuple):
    """How we ask for an answer: a msgid, and the label of the question that it names."""

    detail: str
    label: str = ""


class WaymarkError(Exception):
    """One fault, with a stable `code` for programs and a sentence for people. `see`: where the desk
    leads from there."""

    status: ClassVar[int] = 500
    default_code: ClassVar[str] = "fault"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        field: str | None = None,
        see: See | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.default_code
        self.field = field
        self.see = see
        self.extra = extra
        self.shows: Mapping[str, Any] = {}  # What is written about a child: then it is a look.


class Malformed(WaymarkError):
    """The request cannot be read at all."""

    status = 400
    default_code = "malformed"


class WrongType(WaymarkError):
    """The content is of a type that is not taken here."""

    status = 415
    default_code = "unsupported_media_type"


class Refused(WaymarkError):
    """The request is understood and cannot be carried out."""

    status = 422
    default_code = "invalid"


class Incomplete(Refused):
    """Answers are missing: how we ask for each, in the order of the form. The first is the sentence
    and the field. Extra: `missing`, the names of all of them."""

    def __init__(self, asks: Mapping[str, Ask]) -> None:
        field, first = next(iter(asks.items()))
        super().__init__(first.detail, field=field, missing=list(asks))
        self.asks = asks


class Unauthenticated(WaymarkError):
    """Nobody is signed in, or their session has ended."""

    status = 401
    default_code = "unauthenticated"


class Denied(WaymarkError):
    """There is a tie, but not with this right."""

    status = 403
    default_code = "denied"


class NotAllowed(Denied):
    """You may change things here, but this field is for another person to set."""

    default_code = "not_allowed"


class NotYet(Denied):
    """The right is there, but something has to be done before. Extra: `to`, the path of its
    page."""

    default_code = "proof_needed"


class NotFound(WaymarkError):
    """The thing does not exist, or not for this caller."""

    status = 404
    default_code = "not_found"


class Conflict(WaymarkError):
    """Another request was faster, or the thing has changed since it was read. `content`: what
    stands there now. It goes out only by `shown`: who may write a thing may not always read it."""

    status = 409
    default_code = "conflict"

    def __init__(
        self, detail: str, *, content: Mapping[str, Any] | None = None, **how: Any
    ) -> None:
        super().__init__(detail, **how)
        self.content = content or {}

    def shown(self, content: Mapping[str, Any]) -> Self:
        """The same, with what this reader gets by GET as well."""
        self.shows = content
        return self


class IdReused(Conflict):
    """The id is known, with other content or for another child."""

    default_code = "id_reused"


class SecondPersonNeeded(Conflict):
    """The agency wants a second person for this. They are asked, and nothing has been done yet.
    Extra: `approval`, the id of the request."""

    default_code = "second_person_needed"


class TooLarge(WaymarkError):
    """More than one request may carry."""

    status = 413
    default_code = "too_large"


class TooMany(WaymarkError):
    """Guessing is throttled. Extra: `retry_after_s`, whole seconds."""

    status = 429
    default_code = "too_many"


class Unavailable(WaymarkError):
    """A part that is needed cannot be reached now; nothing was written."""

    status = 503
    default_code = "unavailable"


class Unclear(Unavailable):
    """The database was lost while it stored. What was sent may be in; the same id, sent again, gets
    the first answer if it is."""

    default_code = "unclear"
