"""The entry: one line of the record that is only ever longer, and the seals over it."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model


class Entry(Model):
    """Who did what, about whom, when and why.

    It holds ids and names of fields, never their values, so a new key leaves it untouched and a
    leak of it tells no secret. It stores bare ids: nothing may be deleted because an entry names
    it, and no entry may vanish because a person did.
    """

    id = fields.BigIntField(primary_key=True)
    at = fields.DatetimeField()
    agency_id = fields.UUIDField(null=True)
    who_id = fields.UUIDField(null=True)  # Null is the system itself.
    who_role = fields.CharField(max_length=16, default="system")
    what = fields.CharField(max_length=48)
    child_id = fields.UUIDField(null=True)
    about_kind = fields.CharField(max_length=24, default="")
    about_id = fields.UUIDField(null=True)
    names: fields.Field[list[str]] = fields.JSONField(
        default=list
    )  # Names of what changed, no values.
    why = fields.TextField(null=True)  # A code, or an encrypted reason that somebody gave.
    seal_id = fields.BigIntField(null=True)

    class Meta:
        table = "entry"
        indexes = (
            Index(fields=("child_id", "at"), name="entry_child_at"),
            Index(fields=("agency_id", "at"), name="entry_agency_at"),
            Index(fields=("seal_id",), name="entry_seal"),
        )


class Seal(Model):
    """A link of the hash chain: SHA-256 over the seal before and the entries that it covers."""

    id = fields.BigIntField(primary_key=True)
    sealed_at = fields.DatetimeField()
    entries = fields.IntField()
    before = fields.CharField(max_length=64)
    digest = fields.CharField(max_length=64, unique=True)

    class Meta:
        table = "seal"


class Epoch(Model):
    """This database was put back from a backup. What had been taken in after `from_at` was not in
    it; phones see another epoch, and hand in again what they still have from then on."""

    id = fields.UUIDField(primary_key=True)
    from_at = fields.DatetimeField()  # The moment of the backup.
    restored_at = fields.DatetimeField()

    class Meta:
        table = "epoch"

    @staticmethod
    async def newest() -> "Epoch | None":
        """That of now; None where nothing was ever put back."""
        return await Epoch.all().order_by("-restored_at", "-id").first()
