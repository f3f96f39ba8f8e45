"""First."""

import functools
from json import dumps, loads
from uuid import uuid4

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from server.crypt import EncryptedJSON, EncryptedText
from server.engines import operations as ops
from server.ids import uuid7
from server.people.rules import Role


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="Agency",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("name", EncryptedText(unique=False)),
                ("display_name", fields.CharField(null=True, max_length=40)),
                ("language", fields.CharField(default="en", max_length=8)),
                ("zone", fields.CharField(default="UTC", max_length=64)),
                ("help_phone", fields.CharField(null=True, max_length=32)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "agency", "app": "server"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Person",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                (
                    "agency",
                    fields.ForeignKeyField(
                        "server.Agency",
                        source_field="agency_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="persons",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("role", fields.CharEnumField(enum_type=Role, max_length=16)),
                ("name", EncryptedText(unique=False)),
                ("language", fields.CharField(default="en", max_length=8)),
                ("zone", fields.CharField(default="UTC", max_length=64)),
                (
                    "deputy",
                    fields.ForeignKeyField(
                        "server.Person",
                        source_field="deputy_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="deputy_of",
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "disabled_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "person",
                "app": "server",
                "indexes": [
                    Index(fields=["agency_id"], name="person_agency"),
                    Index(fields=["deputy_id"], name="person_deputy"),
                ],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Address",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField(null=True)),
                (
                    "person",
                    fields.ForeignKeyField(
                        "server.Person",
                        source_field="person_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="addresses",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("channel", fields.CharField(max_length=24)),
                ("value", EncryptedText(unique=False)),
                ("value_index", fields.CharField(max_length=64)),
                ("keys", EncryptedJSON(null=True, generated=False, unique=False)),
                ("device_id", fields.UUIDField(null=True)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "last_accepted_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "last_seen_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "last_failed_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("dropped_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("dropped_why", fields.CharField(null=True, max_length=24)),
            ],
            options={
                "table": "address",
                "app": "server",
                "constraints": [
                    UniqueConstraint(
                        fields=("person_id", "channel", "value_index"),
                        name="address_live",
                        condition="dropped_at IS NULL",
                    )
                ],
                "indexes": [Index(fields=["person_id", "channel"], name="address_person_channel")],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Home",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                (
                    "agency",
                    fields.ForeignKeyField(
                        "server.Agency",
                        source_field="agency_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="homes",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("name", EncryptedText(unique=False)),
                ("zone", fields.CharField(max_length=64)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "home",
                "app": "server",
                "indexes": [Index(fields=["agency_id"], name="home_agency")],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Child",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "agency",
                    fields.ForeignKeyField(
                        "server.Agency",
                        source_field="agency_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="children",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "person",
                    fields.OneToOneField(
                        "server.Person",
                        source_field="person_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="as_child",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "home",
                    fields.ForeignKeyField(
                        "server.Home",
                        source_field="home_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="children",
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
                ("placed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("left_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "child",
                "app": "server",
                "indexes": [
                    Index(fields=["agency_id"], name="child_agency"),
                    Index(fields=["home_id"], name="child_home"),
                ],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Alert",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                (
                    "child",
                    fields.ForeignKeyField(
                        "server.Child",
                        source_field="child_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="alerts",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("cause", fields.CharField(max_length=16)),
                ("tier", fields.CharField(max_length=8)),
                ("opened_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("noticed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("opened_by", fields.UUIDField(null=True)),
                ("reason", fields.CharField(max_length=32)),
                ("words", EncryptedText(null=True, unique=False)),
                (
                    "facts",
                    fields.JSONField(
                        default=dict,
                        encoder=functools.partial(dumps, separators=(",", ":")),
                        decoder=loads,
                    ),
                ),
                (
                    "ladder",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("state", fields.CharField(default="open", max_length=12)),
                ("rung", fields.SmallIntField(default=-1)),
                ("turn", fields.IntField(default=0)),
                ("act_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("decide_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("misses", fields.SmallIntField(default=1)),
                ("acknowledged_by", fields.UUIDField(null=True)),
                (
                    "acknowledged_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("held_until", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "answered_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("closed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("closed_by", fields.UUIDField(null=True)),
                ("outcome", fields.CharField(null=True, max_length=16)),
                ("closing_words", EncryptedText(null=True, unique=False)),
                ("version", fields.IntField(default=0)),
            ],
            options={
                "table": "alert",
                "app": "server",
                "constraints": [
                    UniqueConstraint(
                        fields=("child_id", "cause"),
                        name="alert_one_open",
                        condition="closed_at IS NULL",
                    ),
                    CheckConstraint(
                        check="(closed_at IS NULL) = (outcome IS NULL)",
                        name="alert_closed_has_outcome",
                    ),
                    CheckConstraint(
                        check="closed_at IS NOT NULL OR act_at IS NOT NULL",
                        name="alert_open_has_next_step",
                    ),
                ],
                "indexes": [
                    Index(fields=["act_at"], name="alert_act_at"),
                    Index(fields=["agency_id", "closed_at"], name="alert_agency_closed"),
                    Index(fields=["child_id"], name="alert_child"),
                ],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Beat",
            fields=[
                (
                    "name",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=24),
                ),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "beat", "app": "server"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Blind",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("from_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("until_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "blind",
                "app": "server",
                "constraints": [UniqueConstraint(fields=("from_at",), name="blind_once")],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CheckIn",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                (
                    "child",
                    fields.ForeignKeyField(
                        "server.Child",
                        source_field="child_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="check_ins",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("by_id", fields.UUIDField()),
                ("by_role", fields.CharField(max_length=16)),
                ("device_id", fields.UUIDField(null=True)),
                ("said_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("received_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("mood", fields.SmallIntField(null=True)),
                ("note", EncryptedText(null=True, unique=False)),
                ("want", fields.CharField(default="nothing", max_length=8)),
                ("mark", fields.CharField(default="a", max_length=1)),
                ("is_late", fields.BooleanField(default=False)),
                ("is_early", fields.BooleanField(default=False)),
                ("content_hash", fields.CharField(max_length=64)),
                (
                    "answer",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
            ],
            options={
                "table": "check_in",
                "app": "server",
                "constraints": [
                    CheckConstraint(
                        check="mood IS NULL OR mood BETWEEN 1 AND 5", name="check_in_mood"
                    )
                ],
                "indexes": [
                    Index(fields=["child_id", "received_at"], name="check_in_child_received")
                ],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Credential",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                (
                    "person",
                    fields.OneToOneField(
                        "server.Person",
                        source_field="person_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="credential",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("name", EncryptedText(unique=False)),
                ("name_index", fields.CharField(unique=True, max_length=64)),
                ("password_hash", fields.CharField(max_length=255)),
                ("changed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={"table": "credential", "app": "server"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Message",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField(null=True)),
                (
                    "person",
                    fields.ForeignKeyField(
                        "server.Person",
                        source_field="person_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="messages",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("last_resort", fields.SmallIntField(null=True)),
                ("to_key", fields.CharField(max_length=36)),
                ("channel", fields.CharField(max_length=24)),
                ("kind", fields.CharField(max_length=24)),
                ("subject_kind", fields.CharField(max_length=16)),
                ("subject_id", fields.UUIDField()),
                ("rung", fields.SmallIntField(default=0)),
                ("turn", fields.IntField(default=0)),
                ("child_id", fields.UUIDField(null=True)),
                ("data", EncryptedJSON(null=True, generated=False, unique=False)),
                ("urgency", fields.CharField(default="normal", max_length=8)),
                ("queued_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("state", fields.CharField(default="waiting", max_length=12)),
                ("act_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "lease_until",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("leased_by", fields.CharField(null=True, max_length=36)),
                ("attempts", fields.SmallIntField(default=0)),
                ("done_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("seen_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("why", fields.CharField(null=True, max_length=32)),
            ],
            options={
                "table": "message",
                "app": "server",
                "constraints": [
                    UniqueConstraint(
                        fields=("subject_id", "kind", "rung", "turn", "to_key", "channel"),
                        name="message_once",
                    )
                ],
                "indexes": [
                    Index(fields=["act_at"], name="message_act_at"),
                    Index(fields=["subject_id"], name="message_subject"),
                    Index(fields=["person_id"], name="message_person"),
                ],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                (
                    "message",
                    fields.ForeignKeyField(
                        "server.Message",
                        source_field="message_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="deliveries",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("address_id", fields.UUIDField(null=True)),
                ("channel", fields.CharField(max_length=24)),
                ("attempt", fields.SmallIntField()),
                ("started_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("result", fields.CharField(default="sending", max_length=12)),
                ("why", fields.CharField(null=True, max_length=48)),
                ("status", fields.SmallIntField(null=True)),
                ("seen_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "delivery",
                "app": "server",
                "indexes": [
                    Index(fields=["message_id"], name="delivery_message"),
                    Index(fields=["address_id", "started_at"], name="delivery_address"),
                ],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Device",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                (
                    "person",
                    fields.ForeignKeyField(
                        "server.Person",
                        source_field="person_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="devices",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("label", EncryptedText(null=True, unique=False)),
                ("paired_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "last_seen_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "shut_out_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("shut_out_by", fields.UUIDField(null=True)),
            ],
            options={
                "table": "device",
                "app": "server",
                "indexes": [Index(fields=["person_id"], name="device_person")],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Entry",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("agency_id", fields.UUIDField(null=True)),
                ("who_id", fields.UUIDField(null=True)),
                ("who_role", fields.CharField(default="system", max_length=16)),
                ("what", fields.CharField(max_length=48)),
                ("child_id", fields.UUIDField(null=True)),
                ("about_kind", fields.CharField(default="", max_length=24)),
                ("about_id", fields.UUIDField(null=True)),
                (
                    "names",
                    fields.JSONField(
                        default=list,
                        encoder=functools.partial(dumps, separators=(",", ":")),
                        decoder=loads,
                    ),
                ),
                ("why", fields.TextField(null=True, unique=False)),
                ("seal_id", fields.BigIntField(null=True)),
            ],
            options={
                "table": "entry",
                "app": "server",
                "indexes": [
                    Index(fields=["child_id", "at"], name="entry_child_at"),
                    Index(fields=["agency_id", "at"], name="entry_agency_at"),
                    Index(fields=["seal_id"], name="entry_seal"),
                ],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Guess",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("door", fields.CharField(max_length=16)),
                ("key", fields.CharField(max_length=64)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "guess",
                "app": "server",
                "indexes": [Index(fields=["door", "key", "at"], name="guess_key_at")],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Invite",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                (
                    "person",
                    fields.ForeignKeyField(
                        "server.Person",
                        source_field="person_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="invites",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("name", fields.CharField(max_length=3)),
                ("secret_hash", fields.CharField(max_length=64)),
                ("made_by", fields.UUIDField(null=True)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("wrong", fields.SmallIntField(default=0)),
                ("used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("used_by_device", fields.UUIDField(null=True)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ended_why", fields.CharField(null=True, max_length=16)),
            ],
            options={
                "table": "invite",
                "app": "server",
                "constraints": [
                    UniqueConstraint(
                        fields=("name",), name="invite_live_name", condition="ended_at IS NULL"
                    )
                ],
                "indexes": [
                    Index(fields=["person_id"], name="invite_person"),
                    Index(fields=["name", "made_at"], name="invite_name_made"),
                ],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Pause",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                (
                    "child",
                    fields.ForeignKeyField(
                        "server.Child",
                        source_field="child_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="pauses",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("from_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("until_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("words", EncryptedText(null=True, unique=False)),
                ("made_by", fields.UUIDField()),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "pause",
                "app": "server",
                "constraints": [
                    CheckConstraint(check="until_at > from_at", name="pause_ends_after_start")
                ],
                "indexes": [Index(fields=["child_id", "until_at"], name="pause_child_until")],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Policy",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                ("version", fields.IntField()),
                (
                    "content",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("made_by", fields.UUIDField(null=True)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "policy",
                "app": "server",
                "constraints": [
                    UniqueConstraint(fields=("agency_id", "version"), name="policy_version")
                ],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Question",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                (
                    "child",
                    fields.ForeignKeyField(
                        "server.Child",
                        source_field="child_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="questions",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("person_id", fields.UUIDField()),
                ("about_due_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("asked_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "answered_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("answer", fields.CharField(null=True, max_length=8)),
            ],
            options={
                "table": "question",
                "app": "server",
                "indexes": [Index(fields=["child_id", "asked_at"], name="question_child_asked")],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Round",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                (
                    "child",
                    fields.ForeignKeyField(
                        "server.Child",
                        source_field="child_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="rounds",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("opens_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("due_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("late_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("state", fields.CharField(default="open", max_length=14)),
                ("settled_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("settled_by", fields.UUIDField(null=True)),
            ],
            options={
                "table": "round",
                "app": "server",
                "constraints": [UniqueConstraint(fields=("child_id", "due_at"), name="round_once")],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Seal",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("sealed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("entries", fields.IntField()),
                ("before", fields.CharField(max_length=64)),
                ("digest", fields.CharField(unique=True, max_length=64)),
            ],
            options={"table": "seal", "app": "server"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Session",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("token_hash", fields.CharField(unique=True, max_length=64)),
                ("agency_id", fields.UUIDField()),
                (
                    "person",
                    fields.ForeignKeyField(
                        "server.Person",
                        source_field="person_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="sessions",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "device",
                    fields.ForeignKeyField(
                        "server.Device",
                        source_field="device_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="sessions",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("last_seen_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ended_why", fields.CharField(null=True, max_length=24)),
            ],
            options={
                "table": "session",
                "app": "server",
                "indexes": [
                    Index(fields=["person_id"], name="session_person"),
                    Index(fields=["device_id"], name="session_device"),
                ],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Shift",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                (
                    "person",
                    fields.ForeignKeyField(
                        "server.Person",
                        source_field="person_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="shifts",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("from_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("until_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "shift",
                "app": "server",
                "indexes": [
                    Index(fields=["agency_id", "from_at"], name="shift_agency_from"),
                    Index(fields=["person_id"], name="shift_person"),
                ],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Sighting",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                (
                    "child",
                    fields.ForeignKeyField(
                        "server.Child",
                        source_field="child_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="sightings",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("by_id", fields.UUIDField()),
                ("by_role", fields.CharField(max_length=16)),
                ("answer", fields.CharField(max_length=8)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("seen_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("words", EncryptedText(null=True, unique=False)),
            ],
            options={
                "table": "sighting",
                "app": "server",
                "indexes": [Index(fields=["child_id", "at"], name="sighting_child_at")],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Signal",
            fields=[
                (
                    "key",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("number", fields.BigIntField()),
            ],
            options={"table": "signal", "app": "server"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Tie",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True),
                ),
                ("agency_id", fields.UUIDField()),
                (
                    "child",
                    fields.ForeignKeyField(
                        "server.Child",
                        source_field="child_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="ties",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "person",
                    fields.ForeignKeyField(
                        "server.Person",
                        source_field="person_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="ties",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("role", fields.CharEnumField(enum_type=Role, max_length=16)),
                ("from_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("until_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "tie",
                "app": "server",
                "indexes": [
                    Index(fields=["child_id"], name="tie_child"),
                    Index(fields=["person_id"], name="tie_person"),
                ],
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Watch",
            fields=[
                (
                    "child",
                    fields.OneToOneField(
                        "server.Child",
                        source_field="child_id",
                        primary_key=True,
                        db_index=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="watch",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("agency_id", fields.UUIDField()),
                ("tier", fields.CharField(max_length=8)),
                (
                    "tier_until_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("tier_then", fields.CharField(null=True, max_length=8)),
                ("zone", fields.CharField(max_length=64)),
                (
                    "rhythm",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("standing", fields.CharField(max_length=8)),
                ("due_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("opens_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "then_due_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "then_opens_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "then_act_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("prompted", fields.SmallIntField(default=0)),
                (
                    "missed_due_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("late_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ask_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("asked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("alarm_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("alarm_why", fields.CharField(null=True, max_length=24)),
                ("is_alerted", fields.BooleanField(default=False)),
                ("is_missing", fields.BooleanField(default=False)),
                ("sign_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "answered_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "app_seen_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("act_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "quarantined_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("version", fields.IntField(default=0)),
            ],
            options={
                "table": "watch",
                "app": "server",
                "indexes": [Index(fields=["act_at"], name="watch_act_at")],
            },
            bases=["Model"],
        ),
    ]
