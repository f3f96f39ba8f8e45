"""The blind index of names: which digests lead to which child or home."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model


class SearchToken(Model):
    """A keyed digest of a word, of its first letters or of a whole name. Which of these it is, and
    of which agency, is part of the digest, so a reader of the table cannot tell."""

    id = fields.BigIntField(primary_key=True)
    digest = fields.CharField(max_length=32)
    about_id = fields.UUIDField()  # A child; or a home, so that renaming it is one write.

    class Meta:
        table = "search_token"
        indexes = (Index(fields=("about_id",), name="search_token_about"),)
        constraints = (UniqueConstraint(fields=("digest", "about_id"), name="search_token_once"),)
