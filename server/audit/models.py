"""The entry: one line of the record, to which we only add; and the seals over it."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from server.storage.engines.partitions import ByMonth


class Entry(Model):
    """Who did what, about which child, when and why.

    It has ids and names of fields, never their values, so a new key leaves it untouched and a leak
    of it reveals no secret. Its ids are no foreign keys: an entry must not prevent a deletion, and
    must not vanish with a person.
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
    why = fields.TextField(null=True)  # A code, or an encrypted reason in a person's words.
    seal_id = fields.BigIntField(null=True)

    by_month = ByMonth("at")

    class Meta:
        table = "entry"
        indexes = (
            Index(fields=("child_id", "at"), name="entry_child_at"),
            Index(fields=("agency_id", "at"), name="entry_agency_at"),
            Index(fields=("seal_id",), name="entry_seal"),
        )


class Seal(Model):
    """A link of the hash chain: SHA-256 over the previous seal and the entries that it covers."""

    id = fields.BigIntField(primary_key=True)
    sealed_at = fields.DatetimeField()
    entries = fields.IntField()
    before = fields.CharField(max_length=64)
    digest = fields.CharField(max_length=64, unique=True)

    class Meta:
        table = "seal"


class Epoch(Model):
    """This database was restored from a backup, without what came in after `from_at`. Phones see
    another epoch, and send again what they still have from then on."""

    id = fields.UUIDField(primary_key=True)
    from_at = fields.DatetimeField()  # The moment of the backup.
    restored_at = fields.DatetimeField()

    class Meta:
        table = "epoch"

    @staticmethod
    async def newest() -> "Epoch | None":
        """The current epoch; None where nothing was ever restored."""
        return await Epoch.all().order_by("-restored_at", "-id").first()


class FirstRequest(Model):
    """What was first asked under an id that a client made. A row of the thing itself may change
    later; this never does."""

    id = fields.UUIDField(primary_key=True)  # Made from the id and the kind of thing.
    content_hash = fields.CharField(max_length=64)

    class Meta:
        table = "first_request"
