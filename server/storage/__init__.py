"""The database: transactions, bulk statements, ids, engines."""

from tortoise import models


def _no_comments(cls: type[models.Model]) -> dict[str, str]:
    return {}


# To find comments that begin with "#:", the ORM reads and parses the source of every model: a sixth
# of a start. We write none.
models._get_comments = _no_comments
