"""Initial."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

from server.storage.engines import operations as ops
from server.storage.engines.indexes import PartialIndex


class Migration(migrations.Migration):
    initial = True
    operations = [
        ops.CreateModel(
            name="Agency",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("name", fields.TextField()),
                ("display_name", fields.CharField(null=True, max_length=40)),
                ("language", fields.CharField(max_length=8)),
                ("zone", fields.CharField(max_length=64)),
                ("help_phone", fields.CharField(null=True, max_length=32)),
                ("second_key_from", fields.DatetimeField(null=True)),
                ("made_at", fields.DatetimeField()),
            ],
            options={"table": "agency"},
        ),
        ops.CreateModel(
            name="Person",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency", ops.reference("Agency", on_delete=OnDelete.RESTRICT)),
                ("role", fields.CharField(max_length=16)),
                ("name", fields.TextField()),
                ("language", fields.CharField(max_length=8)),
                ("zone", fields.CharField(max_length=64)),
                ("deputy", ops.reference("Person", null=True, on_delete=OnDelete.SET_NULL)),
                ("made_at", fields.DatetimeField()),
                ("disabled_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "person",
                "indexes": [
                    Index(fields=["agency_id"], name="person_agency"),
                    Index(fields=["deputy_id"], name="person_deputy"),
                ],
            },
        ),
        ops.CreateModel(
            name="Address",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField(null=True)),
                ("person", ops.reference("Person", null=True)),
                ("channel", fields.CharField(max_length=24)),
                ("value", fields.TextField()),
                ("value_index", fields.CharField(max_length=64)),
                ("keys", fields.TextField(null=True)),
                ("device_id", fields.UUIDField(null=True)),
                ("made_at", fields.DatetimeField()),
                ("last_accepted_at", fields.DatetimeField(null=True)),
                ("last_seen_at", fields.DatetimeField(null=True)),
                ("last_failed_at", fields.DatetimeField(null=True)),
                ("refused_at", fields.DatetimeField(null=True)),
                ("refused_why", fields.CharField(null=True, max_length=24)),
                ("receipts_since", fields.DatetimeField(null=True)),
                ("unseen", fields.IntField(db_default=0)),
                ("unseen_since", fields.DatetimeField(null=True)),
                ("dropped_at", fields.DatetimeField(null=True)),
                ("dropped_why", fields.CharField(null=True, max_length=24)),
                ("verified_at", fields.DatetimeField(null=True)),
                ("code_hash", fields.CharField(null=True, max_length=64)),
                ("code_made_at", fields.DatetimeField(null=True)),
                ("code_turn", fields.IntField(db_default=0)),
                ("code_wrong", fields.SmallIntField(db_default=0)),
            ],
            options={
                "table": "address",
                "constraints": [
                    UniqueConstraint(
                        fields=("person_id", "channel", "value_index"),
                        name="address_live",
                        condition="dropped_at IS NULL",
                    )
                ],
                "indexes": [Index(fields=["person_id", "channel"], name="address_person_channel")],
            },
        ),
        ops.CreateModel(
            name="Home",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency", ops.reference("Agency", on_delete=OnDelete.RESTRICT)),
                ("name", fields.TextField()),
                ("zone", fields.CharField(max_length=64)),
                ("made_at", fields.DatetimeField()),
            ],
            options={"table": "home", "indexes": [Index(fields=["agency_id"], name="home_agency")]},
        ),
        ops.CreateModel(
            name="Child",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency", ops.reference("Agency", on_delete=OnDelete.RESTRICT)),
                (
                    "person",
                    fields.OneToOneField(
                        "server.Person", related_name=False, on_delete=OnDelete.RESTRICT
                    ),
                ),
                ("home", ops.reference("Home", null=True, on_delete=OnDelete.SET_NULL)),
                ("placed_at", fields.DatetimeField()),
                ("left_at", fields.DatetimeField(null=True)),
                ("born_on", fields.TextField(null=True)),
            ],
            options={
                "table": "child",
                "indexes": [
                    Index(fields=["agency_id"], name="child_agency"),
                    Index(fields=["home_id"], name="child_home"),
                ],
            },
        ),
        ops.CreateModel(
            name="Alert",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("cause", fields.CharField(max_length=16)),
                ("tier", fields.CharField(max_length=8)),
                ("opened_at", fields.DatetimeField()),
                ("noticed_at", fields.DatetimeField()),
                ("opened_by", fields.UUIDField(null=True)),
                ("reason", fields.CharField(max_length=32)),
                ("words", fields.TextField(null=True)),
                ("facts", fields.JSONField()),
                ("ladder", fields.JSONField()),
                ("state", fields.CharField(max_length=12)),
                ("rung", fields.SmallIntField()),
                ("turn", fields.IntField()),
                ("next_action_at", fields.DatetimeField(null=True)),
                ("decide_at", fields.DatetimeField(null=True)),
                ("misses", fields.SmallIntField()),
                ("acknowledged_by", fields.UUIDField(null=True)),
                ("acknowledged_at", fields.DatetimeField(null=True)),
                ("held_until", fields.DatetimeField(null=True)),
                ("held_by_call", fields.BooleanField(db_default=False)),
                ("answered_at", fields.DatetimeField(null=True)),
                ("closed_at", fields.DatetimeField(null=True)),
                ("closed_by", fields.UUIDField(null=True)),
                ("outcome", fields.CharField(null=True, max_length=16)),
                ("closing_words", fields.TextField(null=True)),
                ("version", fields.IntField()),
            ],
            options={
                "table": "alert",
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
                        check="closed_at IS NOT NULL OR next_action_at IS NOT NULL",
                        name="alert_open_has_next_step",
                    ),
                ],
                "indexes": [
                    Index(fields=["next_action_at"], name="alert_act_at"),
                    Index(fields=["decide_at"], name="alert_decide_at"),
                    Index(fields=["agency_id", "closed_at"], name="alert_agency_closed"),
                    Index(fields=["child_id"], name="alert_child"),
                ],
            },
        ),
        ops.CreateModel(
            name="Episode",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("home_id", fields.UUIDField(null=True)),
                ("alert_id", fields.UUIDField(null=True)),
                ("opened_at", fields.DatetimeField()),
                ("said_at", fields.DatetimeField()),
                ("opened_by", fields.UUIDField(null=True)),
                ("opened_role", fields.CharField(max_length=16)),
                ("why", fields.TextField(null=True)),
                ("last_seen", fields.TextField(null=True)),
                ("tier", fields.CharField(max_length=8)),
                ("clocks_version", fields.IntField()),
                ("stage", fields.CharField(max_length=12)),
                ("flags", fields.JSONField()),
                ("decided_at", fields.DatetimeField(null=True)),
                ("reported_at", fields.DatetimeField(null=True)),
                ("found_at", fields.DatetimeField(null=True)),
                ("found_said_at", fields.DatetimeField(null=True)),
                ("found", fields.TextField(null=True)),
                ("followed_up_at", fields.DatetimeField(null=True)),
                ("hand_at", fields.DatetimeField(null=True)),
                ("shift_at", fields.DatetimeField(null=True)),
                ("on_shift", fields.JSONField(null=True)),
                ("version", fields.IntField()),
            ],
            options={
                "table": "episode",
                "constraints": [
                    UniqueConstraint(
                        fields=("child_id",), name="episode_one_open", condition="found_at IS NULL"
                    )
                ],
                "indexes": [
                    Index(fields=["child_id", "opened_at"], name="episode_child"),
                    Index(fields=["agency_id", "stage"], name="episode_agency"),
                    Index(fields=["hand_at"], name="episode_hand_at"),
                ],
            },
        ),
        ops.CreateModel(
            name="Alias",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("episode", ops.reference("Episode", on_delete=OnDelete.RESTRICT)),
                ("content", fields.CharField(max_length=64)),
            ],
            options={
                "table": "episode_alias",
                "indexes": [Index(fields=["episode_id"], name="episode_alias_episode")],
            },
        ),
        ops.CreateModel(
            name="Beat",
            fields=[
                ("name", fields.CharField(primary_key=True, max_length=24)),
                ("at", fields.DatetimeField()),
            ],
            options={"table": "beat"},
        ),
        ops.CreateModel(
            name="Blind",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("from_at", fields.DatetimeField()),
                ("until_at", fields.DatetimeField()),
            ],
            options={
                "table": "blind",
                "constraints": [UniqueConstraint(fields=("from_at",), name="blind_once")],
            },
        ),
        ops.CreateModel(
            name="Card",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("code", fields.TextField()),
                ("code_index", fields.CharField(unique=True, max_length=64)),
                ("pin_hash", fields.CharField(max_length=64)),
                ("wrong", fields.SmallIntField()),
                ("made_by", fields.UUIDField()),
                ("made_at", fields.DatetimeField()),
                ("last_used_at", fields.DatetimeField(null=True)),
                ("locked_at", fields.DatetimeField(null=True)),
                ("ended_at", fields.DatetimeField(null=True)),
                ("ended_by", fields.UUIDField(null=True)),
            ],
            options={
                "table": "card",
                "constraints": [
                    UniqueConstraint(
                        fields=("child_id",), name="card_live", condition="ended_at IS NULL"
                    )
                ],
                "indexes": [Index(fields=["child_id"], name="card_child")],
            },
        ),
        ops.CreateModel(
            name="Challenge",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("holder_id", fields.UUIDField()),
                ("purpose", fields.CharField(max_length=12)),
                ("text", fields.CharField(max_length=128)),
                ("expires_at", fields.DatetimeField()),
            ],
            options={
                "table": "challenge",
                "indexes": [
                    Index(fields=["holder_id"], name="challenge_holder"),
                    Index(fields=["expires_at"], name="challenge_expires"),
                ],
            },
        ),
        ops.CreateModel(
            name="Change",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("number", fields.BigIntField()),
                ("entity", fields.CharField(max_length=16)),
                ("entity_id", fields.UUIDField()),
                ("field", fields.CharField(max_length=24)),
                ("base", fields.UUIDField(null=True)),
                ("value", fields.TextField(null=True)),
                ("said_at", fields.DatetimeField()),
                ("received_at", fields.DatetimeField()),
                ("who_id", fields.UUIDField()),
                ("who_role", fields.CharField(max_length=16)),
                ("device_id", fields.UUIDField(null=True)),
                ("session_id", fields.UUIDField(null=True)),
                ("owner_role", fields.CharField(null=True, max_length=16)),
                ("revision", fields.IntField()),
                ("content_hash", fields.CharField(max_length=64)),
            ],
            options={
                "table": "change",
                "constraints": [
                    UniqueConstraint(fields=("child_id", "number"), name="change_number")
                ],
            },
        ),
        ops.CreateModel(
            name="CheckIn",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("by_id", fields.UUIDField()),
                ("by_role", fields.CharField(max_length=16)),
                ("by_way", fields.CharField(db_default="app", max_length=8)),
                ("device_id", fields.UUIDField(null=True)),
                ("said_at", fields.DatetimeField()),
                ("received_at", fields.DatetimeField()),
                ("mood", fields.SmallIntField(null=True)),
                ("note", fields.TextField(null=True)),
                ("want", fields.CharField(max_length=8)),
                ("mark", fields.CharField(max_length=1)),
                ("is_late", fields.BooleanField()),
                ("is_early", fields.BooleanField()),
                ("duress_check_at", fields.DatetimeField(null=True)),
                ("how", fields.CharField(null=True, max_length=8)),
                ("who_id", fields.UUIDField(null=True)),
                ("content_hash", fields.CharField(max_length=64)),
                ("answer", fields.JSONField()),
            ],
            options={
                "table": "check_in",
                "constraints": [
                    CheckConstraint(
                        check="mood IS NULL OR mood BETWEEN 1 AND 5", name="check_in_mood"
                    )
                ],
                "indexes": [
                    Index(fields=["child_id", "received_at"], name="check_in_child_received"),
                    PartialIndex(
                        fields=["duress_check_at"],
                        name="check_in_listen",
                        where="duress_check_at IS NOT NULL",
                    ),
                ],
            },
        ),
        ops.CreateModel(
            name="ChildLink",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("made_by", fields.UUIDField()),
                ("made_at", fields.DatetimeField()),
                ("expires_at", fields.DatetimeField()),
                ("last_used_at", fields.DatetimeField(null=True)),
                ("ended_at", fields.DatetimeField(null=True)),
                ("ended_by", fields.UUIDField(null=True)),
            ],
            options={
                "table": "child_link",
                "indexes": [Index(fields=["child_id"], name="child_link_child")],
            },
        ),
        ops.CreateModel(
            name="ClocksVersion",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("version", fields.IntField()),
                ("made_at", fields.DatetimeField()),
                ("made_by", fields.UUIDField(null=True)),
                ("why", fields.TextField()),
                ("clocks", fields.JSONField()),
            ],
            options={
                "table": "episode_clocks",
                "constraints": [
                    UniqueConstraint(fields=("agency_id", "version"), name="episode_clocks_once")
                ],
            },
        ),
        ops.CreateModel(
            name="Credential",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("person", fields.OneToOneField("server.Person", related_name=False)),
                ("name", fields.TextField()),
                ("name_index", fields.CharField(unique=True, max_length=64)),
                ("password_hash", fields.CharField(max_length=255)),
                ("changed_at", fields.DatetimeField()),
            ],
            options={"table": "credential"},
        ),
        ops.CreateModel(
            name="Message",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField(null=True)),
                ("person", ops.reference("Person", null=True)),
                ("last_resort", fields.SmallIntField(null=True)),
                ("to_key", fields.CharField(max_length=36)),
                ("channel", fields.CharField(max_length=24)),
                ("kind", fields.CharField(max_length=24)),
                ("subject_kind", fields.CharField(max_length=16)),
                ("subject_id", fields.UUIDField()),
                ("rung", fields.SmallIntField()),
                ("turn", fields.IntField()),
                ("child_id", fields.UUIDField(null=True)),
                ("together", fields.UUIDField(null=True)),
                ("data", fields.TextField(null=True)),
                ("urgency", fields.CharField(max_length=8)),
                ("queued_at", fields.DatetimeField()),
                ("ready_at", fields.DatetimeField(null=True)),
                ("expires_at", fields.DatetimeField(null=True)),
                ("state", fields.CharField(max_length=12)),
                ("next_action_at", fields.DatetimeField(null=True)),
                ("lease_until", fields.DatetimeField(null=True)),
                ("leased_by", fields.CharField(null=True, max_length=36)),
                ("attempts", fields.SmallIntField()),
                ("done_at", fields.DatetimeField(null=True)),
                ("seen_at", fields.DatetimeField(null=True)),
                ("why", fields.CharField(null=True, max_length=32)),
            ],
            options={
                "table": "message",
                "constraints": [
                    UniqueConstraint(
                        fields=("subject_id", "kind", "rung", "turn", "to_key", "channel"),
                        name="message_once",
                    )
                ],
                "indexes": [
                    Index(fields=["next_action_at"], name="message_act_at"),
                    Index(fields=["subject_id"], name="message_subject"),
                    Index(fields=["person_id"], name="message_person"),
                ],
            },
        ),
        ops.CreateModel(
            name="Delivery",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("message", ops.reference("Message")),
                ("address_id", fields.UUIDField(null=True)),
                ("channel", fields.CharField(max_length=24)),
                ("attempt", fields.SmallIntField()),
                ("started_at", fields.DatetimeField()),
                ("ended_at", fields.DatetimeField(null=True)),
                ("result", fields.CharField(max_length=12)),
                ("why", fields.CharField(null=True, max_length=48)),
                ("status", fields.SmallIntField(null=True)),
                ("seen_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "delivery",
                "indexes": [
                    Index(fields=["message_id"], name="delivery_message"),
                    Index(fields=["address_id", "started_at"], name="delivery_address"),
                    Index(fields=["channel", "started_at"], name="delivery_channel"),
                ],
            },
        ),
        ops.CreateModel(
            name="Device",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("person", ops.reference("Person", on_delete=OnDelete.RESTRICT)),
                ("label", fields.TextField(null=True)),
                ("paired_at", fields.DatetimeField()),
                ("last_seen_at", fields.DatetimeField(null=True)),
                ("shut_out_at", fields.DatetimeField(null=True)),
                ("shut_out_by", fields.UUIDField(null=True)),
            ],
            options={
                "table": "device",
                "indexes": [Index(fields=["person_id"], name="device_person")],
            },
        ),
        ops.CreateModel(
            name="Drill",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("worker_id", fields.UUIDField()),
                ("begun_by", fields.UUIDField(null=True)),
                ("begun_at", fields.DatetimeField()),
                ("each_s", fields.IntField()),
                ("places", fields.JSONField()),
                ("place", fields.SmallIntField()),
                ("next_action_at", fields.DatetimeField(null=True)),
                ("ended_at", fields.DatetimeField(null=True)),
                ("why", fields.CharField(null=True, max_length=16)),
            ],
            options={
                "table": "drill",
                "constraints": [
                    UniqueConstraint(
                        fields=("agency_id",), name="drill_one_open", condition="ended_at IS NULL"
                    ),
                    CheckConstraint(
                        check="(ended_at IS NULL) = (next_action_at IS NOT NULL)",
                        name="drill_open_has_next_step",
                    ),
                ],
                "indexes": [
                    Index(fields=["next_action_at"], name="drill_act_at"),
                    Index(fields=["agency_id", "begun_at"], name="drill_agency_begun"),
                ],
            },
        ),
        ops.CreateModel(
            name="DrillCall",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("drill", ops.reference("Drill")),
                ("place", fields.SmallIntField()),
                ("called_at", fields.DatetimeField()),
                ("answered_at", fields.DatetimeField(null=True)),
                ("answered_by", fields.UUIDField(null=True)),
            ],
            options={
                "table": "drill_call",
                "constraints": [
                    UniqueConstraint(fields=("drill_id", "place"), name="drill_call_once")
                ],
            },
        ),
        ops.CreateModel(
            name="DrillPlan",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("every", fields.CharField(null=True, max_length=8)),
                ("weekday", fields.SmallIntField()),
                ("at", fields.CharField(max_length=5)),
                ("next_action_at", fields.DatetimeField(null=True)),
                ("changed_by", fields.UUIDField(null=True)),
                ("changed_at", fields.DatetimeField()),
            ],
            options={
                "table": "drill_plan",
                "indexes": [Index(fields=["next_action_at"], name="drill_plan_act_at")],
            },
        ),
        ops.CreateModel(
            name="DuressHeard",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("check_in_id", fields.UUIDField(unique=True)),
                ("sign_id", fields.UUIDField(null=True)),
                ("alert_id", fields.UUIDField(null=True)),
                ("at", fields.DatetimeField()),
                ("heard_at", fields.DatetimeField()),
            ],
            options={
                "table": "duress_heard",
                "indexes": [
                    Index(fields=["child_id"], name="duress_heard_child"),
                    Index(fields=["alert_id"], name="duress_heard_alert"),
                ],
            },
        ),
        ops.CreateModel(
            name="DuressSign",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("what", fields.TextField()),
                ("agreed_by", fields.UUIDField()),
                ("agreed_at", fields.DatetimeField()),
                ("practise_until", fields.DatetimeField(null=True)),
                ("ended_at", fields.DatetimeField(null=True)),
                ("ended_by", fields.UUIDField(null=True)),
            ],
            options={
                "table": "duress_sign",
                "constraints": [
                    UniqueConstraint(
                        fields=("child_id",), name="duress_sign_holds", condition="ended_at IS NULL"
                    )
                ],
                "indexes": [Index(fields=["child_id"], name="duress_sign_child")],
            },
        ),
        ops.CreateModel(
            name="Duty",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("days", fields.JSONField()),
                ("begins", fields.CharField(max_length=5)),
                ("ends", fields.CharField(max_length=5)),
                ("zone", fields.CharField(max_length=64)),
                ("people", fields.JSONField()),
                ("first_on", fields.DateField()),
                ("until_on", fields.DateField(null=True)),
                ("made_by", fields.UUIDField(null=True)),
                ("made_at", fields.DatetimeField()),
            ],
            options={"table": "duty", "indexes": [Index(fields=["agency_id"], name="duty_agency")]},
        ),
        ops.CreateModel(
            name="DutyShift",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("person_id", fields.UUIDField()),
                ("begins_at", fields.DatetimeField()),
                ("until_at", fields.DatetimeField()),
                ("ask_at", fields.DatetimeField(null=True)),
                ("asked_at", fields.DatetimeField(null=True)),
                ("reached_at", fields.DatetimeField(null=True)),
                ("begun_at", fields.DatetimeField(null=True)),
                ("dropped_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "duty_shift",
                "indexes": [
                    Index(fields=["agency_id", "begins_at"], name="duty_shift_agency_begins"),
                    Index(fields=["person_id"], name="duty_shift_person"),
                ],
            },
        ),
        ops.CreateModel(
            name="Enclosure",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("message", ops.reference("Message")),
                ("name", fields.CharField(max_length=60)),
                ("media_type", fields.CharField(max_length=40)),
                ("content", fields.TextField()),
            ],
            options={
                "table": "enclosure",
                "indexes": [Index(fields=["message_id"], name="enclosure_message")],
            },
        ),
        ops.CreateModel(
            name="Entry",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True)),
                ("at", fields.DatetimeField()),
                ("agency_id", fields.UUIDField(null=True)),
                ("who_id", fields.UUIDField(null=True)),
                ("who_role", fields.CharField(max_length=16)),
                ("what", fields.CharField(max_length=48)),
                ("child_id", fields.UUIDField(null=True)),
                ("about_kind", fields.CharField(max_length=24)),
                ("about_id", fields.UUIDField(null=True)),
                ("names", fields.JSONField()),
                ("why", fields.TextField(null=True)),
                ("seal_id", fields.BigIntField(null=True)),
            ],
            options={
                "table": "entry",
                "indexes": [
                    Index(fields=["child_id", "at"], name="entry_child_at"),
                    Index(fields=["agency_id", "at"], name="entry_agency_at"),
                    Index(fields=["seal_id"], name="entry_seal"),
                ],
            },
        ),
        ops.CreateModel(
            name="Epoch",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("from_at", fields.DatetimeField()),
                ("restored_at", fields.DatetimeField()),
            ],
            options={"table": "epoch"},
        ),
        ops.CreateModel(
            name="FixedShift",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("person", ops.reference("Person")),
                ("from_at", fields.DatetimeField()),
                ("until_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "fixed_shift",
                "indexes": [
                    Index(fields=["agency_id", "from_at"], name="fixed_shift_agency_from"),
                    Index(fields=["person_id"], name="fixed_shift_person"),
                ],
            },
        ),
        ops.CreateModel(
            name="FrontDesk",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("home", ops.reference("Home", on_delete=OnDelete.RESTRICT)),
                ("token_hash", fields.CharField(unique=True, max_length=64)),
                ("opened_by", fields.UUIDField()),
                ("opened_at", fields.DatetimeField()),
                ("expires_at", fields.DatetimeField()),
                ("ended_at", fields.DatetimeField(null=True)),
                ("ended_by", fields.UUIDField(null=True)),
            ],
            options={
                "table": "front_desk",
                "indexes": [Index(fields=["home_id"], name="front_desk_home")],
            },
        ),
        ops.CreateModel(
            name="GrabPack",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("part", fields.CharField(max_length=8)),
                ("version", fields.IntField()),
                ("said", fields.TextField()),
                ("made_by", fields.UUIDField()),
                ("made_role", fields.CharField(max_length=16)),
                ("made_at", fields.DatetimeField()),
            ],
            options={
                "table": "grab_pack",
                "constraints": [
                    UniqueConstraint(
                        fields=("child_id", "part", "version"), name="grab_pack_version"
                    )
                ],
                "indexes": [Index(fields=["child_id"], name="grab_pack_child")],
            },
        ),
        ops.CreateModel(
            name="Guess",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True)),
                ("door", fields.CharField(max_length=16)),
                ("key", fields.CharField(max_length=64)),
                ("at", fields.DatetimeField()),
            ],
            options={
                "table": "guess",
                "indexes": [Index(fields=["door", "key", "at"], name="guess_key_at")],
            },
        ),
        ops.CreateModel(
            name="Handover",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("who_id", fields.UUIDField(null=True)),
                ("to_id", fields.UUIDField()),
                ("from_at", fields.DatetimeField()),
                ("until_at", fields.DatetimeField()),
                ("made_by", fields.UUIDField(null=True)),
                ("made_at", fields.DatetimeField()),
                ("ended_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "handover",
                "indexes": [Index(fields=["agency_id", "until_at"], name="handover_agency_until")],
            },
        ),
        ops.CreateModel(
            name="Identity",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("person", ops.reference("Person")),
                ("provider", fields.CharField(max_length=31)),
                ("subject", fields.TextField()),
                ("subject_index", fields.CharField(unique=True, max_length=64)),
                ("tied_at", fields.DatetimeField()),
                ("used_at", fields.DatetimeField(null=True)),
                ("unheeded", fields.CharField(null=True, max_length=16)),
            ],
            options={
                "table": "identity",
                "constraints": [
                    UniqueConstraint(fields=("person_id", "provider"), name="identity_one_each")
                ],
            },
        ),
        ops.CreateModel(
            name="Inbound",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("channel", fields.CharField(max_length=32)),
                ("outer_id", fields.CharField(max_length=64)),
                ("nth", fields.SmallIntField()),
                ("at", fields.DatetimeField()),
                ("what", fields.CharField(max_length=12)),
                ("agency_id", fields.UUIDField(null=True)),
                ("child_id", fields.UUIDField(null=True)),
                ("person_id", fields.UUIDField(null=True)),
                ("message_id", fields.UUIDField(null=True)),
                ("is_shared", fields.BooleanField()),
                ("text", fields.TextField(null=True)),
            ],
            options={
                "table": "inbound",
                "constraints": [
                    UniqueConstraint(fields=("channel", "outer_id", "nth"), name="inbound_once"),
                    UniqueConstraint(
                        fields=("message_id",),
                        name="inbound_answers_once",
                        condition="message_id IS NOT NULL",
                    ),
                ],
                "indexes": [
                    Index(fields=["child_id", "at"], name="inbound_child_at"),
                    Index(fields=["at"], name="inbound_at"),
                ],
            },
        ),
        ops.CreateModel(
            name="Intake",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("made_by", fields.UUIDField()),
                ("made_at", fields.DatetimeField()),
                ("state", fields.CharField(max_length=12)),
                ("lines", fields.TextField(null=True)),
                ("faults", fields.TextField(null=True)),
                ("left_out", fields.TextField(null=True)),
                ("count", fields.IntField()),
                ("fault_count", fields.IntField()),
                ("known_count", fields.IntField()),
                ("place", fields.IntField()),
                ("added", fields.IntField()),
                ("next_action_at", fields.DatetimeField(null=True)),
                ("finished_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "intake",
                "indexes": [
                    Index(fields=["next_action_at"], name="intake_act_at"),
                    Index(fields=["agency_id", "made_at"], name="intake_agency_made"),
                ],
            },
        ),
        ops.CreateModel(
            name="Invite",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("person", ops.reference("Person")),
                ("name", fields.CharField(max_length=3)),
                ("secret_hash", fields.CharField(max_length=64)),
                ("made_by", fields.UUIDField(null=True)),
                ("made_at", fields.DatetimeField()),
                ("expires_at", fields.DatetimeField()),
                ("wrong", fields.SmallIntField()),
                ("used_at", fields.DatetimeField(null=True)),
                ("used_by_device", fields.UUIDField(null=True)),
                ("ended_at", fields.DatetimeField(null=True)),
                ("ended_why", fields.CharField(null=True, max_length=16)),
            ],
            options={
                "table": "invite",
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
        ),
        ops.CreateModel(
            name="Leave",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("person_id", fields.UUIDField()),
                ("cover_id", fields.UUIDField(null=True)),
                ("from_at", fields.DatetimeField()),
                ("until_at", fields.DatetimeField()),
                ("made_by", fields.UUIDField(null=True)),
                ("made_at", fields.DatetimeField()),
                ("ended_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "leave",
                "indexes": [
                    Index(fields=["agency_id", "until_at"], name="leave_agency_until"),
                    Index(fields=["from_at"], name="leave_from"),
                ],
            },
        ),
        ops.CreateModel(
            name="LifeProject",
            fields=[
                (
                    "child",
                    fields.OneToOneField(
                        "server.Child",
                        primary_key=True,
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("agency_id", fields.UUIDField()),
                ("number", fields.BigIntField()),
                ("last_id", fields.UUIDField(null=True)),
                ("revision", fields.IntField()),
                ("signed_revision", fields.IntField(null=True)),
                ("shown", fields.TextField(null=True)),
                ("made_at", fields.DatetimeField()),
            ],
            options={"table": "life_project"},
        ),
        ops.CreateModel(
            name="Milestone",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("what", fields.CharField(max_length=12)),
                ("on_day", fields.DateField()),
                ("until_at", fields.DatetimeField()),
                ("next_action_at", fields.DatetimeField(null=True)),
                ("made_by", fields.UUIDField(null=True)),
                ("made_at", fields.DatetimeField()),
                ("known_at", fields.DatetimeField(null=True)),
                ("ended_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "milestone",
                "indexes": [
                    Index(fields=["next_action_at"], name="milestone_act_at"),
                    Index(fields=["child_id", "until_at"], name="milestone_child_until"),
                ],
            },
        ),
        ops.CreateModel(
            name="MissingTogether",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("episode", ops.reference("Episode", on_delete=OnDelete.RESTRICT)),
                ("other", ops.reference("Episode", on_delete=OnDelete.RESTRICT)),
                ("made_at", fields.DatetimeField()),
                ("made_by", fields.UUIDField(null=True)),
                ("ended_at", fields.DatetimeField(null=True)),
                ("ended_by", fields.UUIDField(null=True)),
            ],
            options={
                "table": "missing_together",
                "constraints": [
                    UniqueConstraint(
                        fields=("episode_id", "other_id"),
                        name="missing_together_once",
                        condition="ended_at IS NULL",
                    )
                ],
                "indexes": [
                    Index(fields=["episode_id"], name="missing_together_episode"),
                    Index(fields=["other_id"], name="missing_together_other"),
                ],
            },
        ),
        ops.CreateModel(
            name="Noted",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("code", fields.CharField(max_length=8)),
                ("about_id", fields.UUIDField()),
                ("at", fields.DatetimeField()),
                ("ended_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "noted",
                "constraints": [
                    UniqueConstraint(fields=("child_id", "code", "about_id"), name="noted_once")
                ],
            },
        ),
        ops.CreateModel(
            name="Observation",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("sign", fields.CharField(max_length=24)),
                ("by_id", fields.UUIDField()),
                ("by_role", fields.CharField(max_length=16)),
                ("at", fields.DatetimeField()),
                ("words", fields.TextField(null=True)),
                ("taken_back_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "observation",
                "indexes": [Index(fields=["child_id", "at"], name="observation_child_at")],
            },
        ),
        ops.CreateModel(
            name="OidcFlow",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("provider", fields.CharField(max_length=31)),
                ("purpose", fields.CharField(max_length=12)),
                ("token_hash", fields.CharField(unique=True, max_length=64)),
                ("browser_hash", fields.CharField(max_length=64)),
                ("session_id", fields.UUIDField(null=True)),
                ("carries", fields.TextField()),
                ("made_at", fields.DatetimeField()),
                ("expires_at", fields.DatetimeField()),
                ("ended_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "oidc_flow",
                "indexes": [Index(fields=["expires_at"], name="oidc_flow_expires")],
            },
        ),
        ops.CreateModel(
            name="PackCarry",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("person_id", fields.UUIDField()),
                ("session_id", fields.UUIDField()),
                ("why", fields.TextField(null=True)),
                ("at", fields.DatetimeField()),
                ("until_at", fields.DatetimeField()),
                ("put_down_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "pack_carry",
                "indexes": [
                    Index(fields=["child_id"], name="pack_carry_child"),
                    Index(fields=["person_id", "until_at"], name="pack_carry_person"),
                ],
            },
        ),
        ops.CreateModel(
            name="PackCheck",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("version", fields.IntField()),
                ("by_id", fields.UUIDField()),
                ("by_role", fields.CharField(max_length=16)),
                ("at", fields.DatetimeField()),
            ],
            options={
                "table": "pack_check",
                "indexes": [Index(fields=["child_id", "at"], name="pack_check_child_at")],
            },
        ),
        ops.CreateModel(
            name="PackMark",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("field", fields.CharField(max_length=32)),
                ("what", fields.CharField(max_length=8)),
                ("mark", fields.CharField(max_length=64)),
            ],
            options={
                "table": "pack_mark",
                "indexes": [
                    Index(fields=["child_id"], name="pack_mark_child"),
                    Index(fields=["agency_id", "mark"], name="pack_mark_agency"),
                ],
            },
        ),
        ops.CreateModel(
            name="PackOpening",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("person_id", fields.UUIDField()),
                ("session_id", fields.UUIDField()),
                ("why", fields.TextField()),
                ("at", fields.DatetimeField()),
                ("until_at", fields.DatetimeField()),
            ],
            options={
                "table": "pack_opening",
                "indexes": [
                    Index(fields=["child_id"], name="pack_opening_child"),
                    Index(fields=["session_id", "until_at"], name="pack_opening_session"),
                ],
            },
        ),
        ops.CreateModel(
            name="PackPhoto",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("shows", fields.CharField(max_length=8)),
                ("taken_on", fields.DateField(null=True)),
                ("page", fields.TextField(null=True)),
                ("thumb", fields.TextField(null=True)),
                ("digest", fields.CharField(max_length=64)),
                ("added_by", fields.UUIDField()),
                ("added_at", fields.DatetimeField()),
                ("removed_by", fields.UUIDField(null=True)),
                ("removed_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "pack_photo",
                "indexes": [Index(fields=["child_id"], name="pack_photo_child")],
            },
        ),
        ops.CreateModel(
            name="PaperSent",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("episode", ops.reference("Episode", on_delete=OnDelete.RESTRICT)),
                ("to", fields.CharField(max_length=12)),
                ("address", fields.TextField()),
                ("copy", fields.CharField(max_length=8)),
                ("language", fields.CharField(max_length=8)),
                ("pack_version", fields.IntField()),
                ("passphrase", fields.TextField()),
                ("made_at", fields.DatetimeField()),
                ("made_by", fields.UUIDField(null=True)),
            ],
            options={
                "table": "paper_sent",
                "indexes": [Index(fields=["episode_id"], name="paper_sent_episode")],
            },
        ),
        ops.CreateModel(
            name="Passkey",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("person", ops.reference("Person")),
                ("name", fields.TextField()),
                ("credential_hash", fields.CharField(unique=True, max_length=64)),
                ("credential_id", fields.TextField()),
                ("public_key", fields.TextField()),
                ("sign_count", fields.BigIntField()),
                ("transports", fields.JSONField()),
                ("made_at", fields.DatetimeField()),
                ("last_used_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "passkey",
                "indexes": [Index(fields=["person_id"], name="passkey_person")],
            },
        ),
        ops.CreateModel(
            name="Pause",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("from_at", fields.DatetimeField()),
                ("until_at", fields.DatetimeField()),
                ("returns", fields.BooleanField(db_default=False)),
                ("words", fields.TextField(null=True)),
                ("made_by", fields.UUIDField()),
                ("made_at", fields.DatetimeField()),
                ("ended_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "pause",
                "constraints": [
                    CheckConstraint(check="until_at > from_at", name="pause_ends_after_start")
                ],
                "indexes": [Index(fields=["child_id", "until_at"], name="pause_child_until")],
            },
        ),
        ops.CreateModel(
            name="PendingSecondFactor",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("token_hash", fields.CharField(unique=True, max_length=64)),
                ("person", ops.reference("Person", null=True)),
                ("made_at", fields.DatetimeField()),
                ("expires_at", fields.DatetimeField()),
                ("ended_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "pending_second_factor",
                "indexes": [
                    Index(fields=["person_id"], name="pending_second_factor_person"),
                    Index(fields=["expires_at"], name="pending_second_factor_expires"),
                ],
            },
        ),
        ops.CreateModel(
            name="Policy",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("version", fields.IntField()),
                ("content", fields.JSONField()),
                ("made_by", fields.UUIDField(null=True)),
                ("made_at", fields.DatetimeField()),
                ("words", fields.TextField(null=True)),
            ],
            options={
                "table": "policy",
                "constraints": [
                    UniqueConstraint(fields=("agency_id", "version"), name="policy_version")
                ],
            },
        ),
        ops.CreateModel(
            name="Preference",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("channels", fields.JSONField()),
                ("quiet_from", fields.CharField(null=True, max_length=5)),
                ("quiet_until", fields.CharField(null=True, max_length=5)),
                ("changed_at", fields.DatetimeField()),
            ],
            options={"table": "preference"},
        ),
        ops.CreateModel(
            name="Process",
            fields=[
                ("id", fields.CharField(primary_key=True, max_length=36)),
                ("beats", fields.BigIntField()),
            ],
            options={"table": "process"},
        ),
        ops.CreateModel(
            name="Proposal",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("by_id", fields.UUIDField()),
                ("by_role", fields.CharField(max_length=16)),
                ("rhythm", fields.JSONField()),
                ("zone", fields.CharField(max_length=64)),
                ("first_day", fields.DateField(null=True)),
                ("last_day", fields.DateField(null=True)),
                ("words", fields.TextField(null=True)),
                ("made_at", fields.DatetimeField()),
                ("state", fields.CharField(max_length=8)),
                ("decided_at", fields.DatetimeField(null=True)),
                ("decided_by", fields.UUIDField(null=True)),
                ("answer", fields.TextField(null=True)),
            ],
            options={
                "table": "proposal",
                "indexes": [Index(fields=["child_id", "made_at"], name="proposal_child_made")],
            },
        ),
        ops.CreateModel(
            name="ProviderTerms",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("provider", fields.CharField(max_length=31)),
                ("label", fields.CharField(null=True, max_length=60)),
                ("claim", fields.CharField(max_length=120)),
                ("roles", fields.JSONField()),
                ("strong", fields.JSONField()),
                ("adds_people", fields.BooleanField(db_default=False)),
                ("changed_at", fields.DatetimeField()),
            ],
            options={
                "table": "provider_terms",
                "constraints": [
                    UniqueConstraint(fields=("agency_id", "provider"), name="provider_terms_once")
                ],
            },
        ),
        ops.CreateModel(
            name="Quarantined",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("who_id", fields.UUIDField()),
                ("who_role", fields.CharField(max_length=16)),
                ("said", fields.TextField()),
                ("received_at", fields.DatetimeField()),
                ("decided_at", fields.DatetimeField(null=True)),
                ("decided_by", fields.UUIDField(null=True)),
                ("is_let_in", fields.BooleanField(null=True)),
                ("content_hash", fields.CharField(max_length=64)),
            ],
            options={
                "table": "quarantined",
                "indexes": [Index(fields=["child_id"], name="quarantined_child")],
            },
        ),
        ops.CreateModel(
            name="Question",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("person_id", fields.UUIDField()),
                ("about_due_at", fields.DatetimeField()),
                ("asked_at", fields.DatetimeField()),
                ("expires_at", fields.DatetimeField()),
                ("answered_at", fields.DatetimeField(null=True)),
                ("answer", fields.CharField(null=True, max_length=8)),
            ],
            options={
                "table": "question",
                "indexes": [Index(fields=["child_id", "asked_at"], name="question_child_asked")],
            },
        ),
        ops.CreateModel(
            name="Reception",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("person", ops.reference("Person")),
                ("code", fields.TextField()),
                ("code_index", fields.CharField(unique=True, max_length=64)),
                ("made_at", fields.DatetimeField()),
                ("expires_at", fields.DatetimeField()),
                ("ended_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "reception",
                "indexes": [Index(fields=["person_id", "made_at"], name="reception_person")],
            },
        ),
        ops.CreateModel(
            name="Recovery",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("person", ops.reference("Person")),
                ("code_hash", fields.CharField(max_length=64)),
                ("made_at", fields.DatetimeField()),
                ("used_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "recovery",
                "indexes": [Index(fields=["person_id"], name="recovery_person")],
            },
        ),
        ops.CreateModel(
            name="RememberedDevice",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("person", ops.reference("Person")),
                ("by_link", fields.BooleanField(db_default=False)),
                ("made_at", fields.DatetimeField()),
                ("opened_at", fields.DatetimeField(null=True)),
                ("expires_at", fields.DatetimeField()),
                ("wrong", fields.SmallIntField(db_default=0)),
            ],
            options={
                "table": "remembered_device",
                "indexes": [
                    Index(fields=["person_id", "made_at"], name="remembered_device_person"),
                    Index(fields=["expires_at"], name="remembered_device_expires"),
                ],
            },
        ),
        ops.CreateModel(
            name="ReturnInterview",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("episode", ops.reference("Episode", on_delete=OnDelete.RESTRICT)),
                ("version", fields.IntField()),
                ("answers", fields.TextField()),
                ("made_at", fields.DatetimeField()),
                ("made_by", fields.UUIDField(null=True)),
                ("made_role", fields.CharField(max_length=16)),
                ("held_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "return_interview",
                "constraints": [
                    UniqueConstraint(fields=("episode_id", "version"), name="return_interview_once")
                ],
            },
        ),
        ops.CreateModel(
            name="RotaTerms",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("is_always", fields.BooleanField()),
                ("lead_s", fields.IntField()),
                ("looked_at", fields.DatetimeField()),
                ("told", fields.JSONField(null=True)),
                ("next_action_at", fields.DatetimeField(null=True)),
                ("version", fields.IntField()),
            ],
            options={
                "table": "rota",
                "indexes": [Index(fields=["next_action_at"], name="rota_act_at")],
            },
        ),
        ops.CreateModel(
            name="Round",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("opens_at", fields.DatetimeField()),
                ("due_at", fields.DatetimeField()),
                ("late_at", fields.DatetimeField()),
                ("state", fields.CharField(max_length=14)),
                ("settled_at", fields.DatetimeField(null=True)),
                ("settled_by", fields.UUIDField(null=True)),
                ("forgot_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "round",
                "constraints": [UniqueConstraint(fields=("child_id", "due_at"), name="round_once")],
            },
        ),
        ops.CreateModel(
            name="Seal",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True)),
                ("sealed_at", fields.DatetimeField()),
                ("entries", fields.IntField()),
                ("before", fields.CharField(max_length=64)),
                ("digest", fields.CharField(unique=True, max_length=64)),
            ],
            options={"table": "seal"},
        ),
        ops.CreateModel(
            name="SearchHandover",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("episode", ops.reference("Episode", on_delete=OnDelete.RESTRICT)),
                ("person_id", fields.UUIDField()),
                ("part", fields.CharField(max_length=4)),
                ("at", fields.DatetimeField()),
                ("made_at", fields.DatetimeField()),
                ("done_at", fields.DatetimeField(null=True)),
                ("line_id", fields.UUIDField(null=True)),
                ("dropped_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "search_handover",
                "indexes": [Index(fields=["episode_id"], name="search_handover_episode")],
            },
        ),
        ops.CreateModel(
            name="Season",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("from_at", fields.DatetimeField()),
                ("until_at", fields.DatetimeField()),
                ("rhythm", fields.JSONField()),
                ("zone", fields.CharField(max_length=64)),
                ("words", fields.TextField(null=True)),
                ("made_by", fields.UUIDField()),
                ("made_at", fields.DatetimeField()),
                ("ended_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "season",
                "constraints": [
                    CheckConstraint(check="until_at > from_at", name="season_ends_after_start")
                ],
                "indexes": [Index(fields=["child_id", "until_at"], name="season_child_until")],
            },
        ),
        ops.CreateModel(
            name="Session",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("token_hash", fields.CharField(unique=True, max_length=64)),
                ("agency_id", fields.UUIDField()),
                ("person", ops.reference("Person")),
                ("device", ops.reference("Device", null=True)),
                ("made_at", fields.DatetimeField()),
                ("last_seen_at", fields.DatetimeField()),
                ("expires_at", fields.DatetimeField(null=True)),
                ("ended_at", fields.DatetimeField(null=True)),
                ("ended_why", fields.CharField(null=True, max_length=24)),
                ("proved_at", fields.DatetimeField(null=True)),
                ("idle_s", fields.SmallIntField(null=True)),
                ("needs_key", fields.BooleanField(db_default=False)),
                ("provider", fields.CharField(null=True, max_length=31)),
                ("browser", fields.CharField(null=True, max_length=24)),
                ("system", fields.CharField(null=True, max_length=24)),
            ],
            options={
                "table": "session",
                "indexes": [
                    Index(fields=["person_id"], name="session_person"),
                    Index(fields=["device_id"], name="session_device"),
                ],
            },
        ),
        ops.CreateModel(
            name="SharedAnswer",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("question_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("at", fields.DatetimeField()),
                ("words", fields.TextField()),
                ("is_otherwise", fields.BooleanField()),
            ],
            options={
                "table": "shared_answer",
                "indexes": [Index(fields=["child_id", "at"], name="shared_answer_child_at")],
            },
        ),
        ops.CreateModel(
            name="SharedQuestion",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("text", fields.TextField()),
                ("answer", fields.TextField()),
                ("agreed_by", fields.UUIDField()),
                ("agreed_at", fields.DatetimeField()),
                ("asked_at", fields.DatetimeField(null=True)),
                ("ended_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "shared_question",
                "constraints": [
                    UniqueConstraint(
                        fields=("child_id",),
                        name="shared_question_holds",
                        condition="ended_at IS NULL",
                    )
                ],
                "indexes": [Index(fields=["child_id"], name="shared_question_child")],
            },
        ),
        ops.CreateModel(
            name="Sighting",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("by_id", fields.UUIDField()),
                ("by_role", fields.CharField(max_length=16)),
                ("answer", fields.CharField(max_length=8)),
                ("at", fields.DatetimeField()),
                ("seen_at", fields.DatetimeField()),
                ("words", fields.TextField(null=True)),
            ],
            options={
                "table": "sighting",
                "indexes": [Index(fields=["child_id", "at"], name="sighting_child_at")],
            },
        ),
        ops.CreateModel(
            name="Signal",
            fields=[
                ("key", fields.CharField(primary_key=True, max_length=64)),
                ("number", fields.BigIntField()),
            ],
            options={"table": "signal"},
        ),
        ops.CreateModel(
            name="Task",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("kind", fields.CharField(max_length=16)),
                ("subject_id", fields.UUIDField()),
                ("turn", fields.IntField()),
                ("owner_id", fields.UUIDField(null=True)),
                ("owner_role", fields.CharField(max_length=16)),
                ("due_at", fields.DatetimeField()),
                ("zone", fields.CharField(max_length=64)),
                ("set_at", fields.DatetimeField()),
                ("since_id", fields.UUIDField(null=True)),
                ("state", fields.CharField(max_length=8)),
                ("told", fields.IntField()),
                ("next_action_at", fields.DatetimeField(null=True)),
                ("settled_at", fields.DatetimeField(null=True)),
                ("settled_by", fields.UUIDField(null=True)),
                ("why", fields.CharField(null=True, max_length=24)),
                ("quarantined_at", fields.DatetimeField(null=True)),
                ("version", fields.IntField()),
            ],
            options={
                "table": "task",
                "constraints": [
                    UniqueConstraint(fields=("kind", "subject_id", "turn"), name="task_turn"),
                    UniqueConstraint(
                        fields=("kind", "subject_id"),
                        name="task_one_open",
                        condition="state = 'open'",
                    ),
                    CheckConstraint(
                        check="(state = 'open') = (next_action_at IS NOT NULL)",
                        name="task_open_has_next_step",
                    ),
                ],
                "indexes": [
                    Index(fields=["next_action_at"], name="task_next_action_at"),
                    Index(fields=["child_id", "state"], name="task_child_state"),
                ],
            },
        ),
        ops.CreateModel(
            name="Template",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("kind", fields.CharField(max_length=16)),
                ("language", fields.CharField(null=True, max_length=8)),
                ("age_from", fields.IntField(null=True)),
                ("age_to", fields.IntField(null=True)),
                ("spoken", fields.TextField()),
                ("made_at", fields.DatetimeField()),
                ("made_by", fields.UUIDField(null=True)),
                ("retired_at", fields.DatetimeField(null=True)),
                ("version", fields.IntField()),
            ],
            options={
                "table": "template",
                "indexes": [Index(fields=["agency_id"], name="template_agency")],
            },
        ),
        ops.CreateModel(
            name="Texting",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("channel", fields.CharField(max_length=32)),
                ("number", fields.TextField()),
                ("number_index", fields.CharField(max_length=64)),
                ("words", fields.TextField()),
                ("replies", fields.BooleanField(db_default=True)),
                ("address_id", fields.UUIDField(null=True)),
                ("agreed_by", fields.UUIDField()),
                ("agreed_at", fields.DatetimeField()),
                ("ended_at", fields.DatetimeField(null=True)),
                ("ended_by", fields.UUIDField(null=True)),
            ],
            options={
                "table": "texting",
                "constraints": [
                    UniqueConstraint(
                        fields=("child_id",), name="texting_live", condition="ended_at IS NULL"
                    )
                ],
                "indexes": [
                    Index(fields=["number_index"], name="texting_number"),
                    Index(fields=["child_id"], name="texting_child"),
                ],
            },
        ),
        ops.CreateModel(
            name="Tie",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("person", ops.reference("Person", on_delete=OnDelete.RESTRICT)),
                ("role", fields.CharField(max_length=16)),
                ("from_at", fields.DatetimeField()),
                ("until_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "tie",
                "indexes": [
                    Index(fields=["child_id"], name="tie_child"),
                    Index(fields=["person_id"], name="tie_person"),
                    Index(fields=["from_at"], name="tie_from"),
                ],
            },
        ),
        ops.CreateModel(
            name="TimelineEntry",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child_id", fields.UUIDField()),
                ("episode", ops.reference("Episode", on_delete=OnDelete.RESTRICT)),
                ("number", fields.IntField()),
                ("at", fields.DatetimeField()),
                ("received_at", fields.DatetimeField()),
                ("what", fields.CharField(max_length=24)),
                ("who_id", fields.UUIDField(null=True)),
                ("who_role", fields.CharField(max_length=16)),
                ("words", fields.TextField(null=True)),
                ("details", fields.TextField()),
                ("about_id", fields.UUIDField(null=True)),
                ("seal", fields.CharField(max_length=64)),
            ],
            options={
                "table": "timeline_entry",
                "constraints": [
                    UniqueConstraint(fields=("episode_id", "number"), name="timeline_entry_once")
                ],
            },
        ),
        ops.CreateModel(
            name="Totp",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("person", ops.reference("Person")),
                ("secret", fields.TextField()),
                ("last_step", fields.BigIntField()),
                ("made_at", fields.DatetimeField()),
                ("confirmed_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "totp",
                "constraints": [
                    UniqueConstraint(
                        fields=("person_id",),
                        name="totp_counts",
                        condition="confirmed_at IS NOT NULL",
                    ),
                    UniqueConstraint(
                        fields=("person_id",), name="totp_begun", condition="confirmed_at IS NULL"
                    ),
                ],
                "indexes": [Index(fields=["person_id"], name="totp_person")],
            },
        ),
        ops.CreateModel(
            name="Transfer",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("to_agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("reception", ops.reference("Reception", on_delete=OnDelete.RESTRICT)),
                ("offered_by", fields.UUIDField()),
                ("offered_at", fields.DatetimeField()),
                ("why", fields.TextField()),
                ("child_says", fields.TextField(null=True)),
                ("withheld", fields.TextField()),
                ("state", fields.CharField(max_length=12)),
                ("decided_at", fields.DatetimeField(null=True)),
                ("decided_by", fields.UUIDField(null=True)),
                ("decision", fields.TextField(null=True)),
                ("caseworker_id", fields.UUIDField(null=True)),
                ("package", fields.TextField(null=True)),
                ("manifest", fields.JSONField(null=True)),
                ("signature", fields.TextField(null=True)),
            ],
            options={
                "table": "transfer",
                "constraints": [
                    UniqueConstraint(
                        fields=("child_id",),
                        name="transfer_one_open",
                        condition="decided_at IS NULL",
                    ),
                    CheckConstraint(
                        check="(decided_at IS NULL) = (state = 'offered')",
                        name="transfer_is_decided",
                    ),
                    CheckConstraint(
                        check="(state = 'accepted') = (signature IS NOT NULL)",
                        name="transfer_is_signed",
                    ),
                ],
                "indexes": [
                    Index(fields=["agency_id"], name="transfer_agency"),
                    Index(fields=["to_agency_id"], name="transfer_to_agency"),
                    Index(fields=["child_id"], name="transfer_child"),
                    Index(fields=["reception_id"], name="transfer_reception"),
                ],
            },
        ),
        ops.CreateModel(
            name="Trusted",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("child", ops.reference("Child", on_delete=OnDelete.RESTRICT)),
                ("name", fields.TextField()),
                ("reach", fields.TextField()),
                ("also_help", fields.BooleanField()),
                ("named_at", fields.DatetimeField()),
                ("state", fields.CharField(max_length=12)),
                ("decided_by", fields.UUIDField(null=True)),
                ("decided_at", fields.DatetimeField(null=True)),
                ("why", fields.TextField(null=True)),
                ("channel", fields.CharField(null=True, max_length=24)),
                ("address", fields.TextField(null=True)),
                ("language", fields.CharField(max_length=8)),
            ],
            options={
                "table": "trusted",
                "indexes": [Index(fields=["child_id", "state"], name="trusted_child_state")],
            },
        ),
        ops.CreateModel(
            name="TrustedAsk",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("trusted", ops.reference("Trusted", on_delete=OnDelete.RESTRICT)),
                ("child_id", fields.UUIDField()),
                ("alert_id", fields.UUIDField()),
                ("asked_at", fields.DatetimeField()),
                ("expires_at", fields.DatetimeField()),
                ("answer", fields.CharField(null=True, max_length=8)),
                ("answered_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "trusted_ask",
                "indexes": [
                    Index(fields=["alert_id"], name="trusted_ask_alert"),
                    Index(fields=["trusted_id"], name="trusted_ask_trusted"),
                ],
            },
        ),
        ops.CreateModel(
            name="Watch",
            fields=[
                (
                    "child",
                    fields.OneToOneField(
                        "server.Child",
                        primary_key=True,
                        related_name=False,
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("agency_id", fields.UUIDField()),
                ("tier", fields.CharField(max_length=8)),
                ("tier_until_at", fields.DatetimeField(null=True)),
                ("tier_then", fields.CharField(null=True, max_length=8)),
                ("zone", fields.CharField(max_length=64)),
                ("rhythm", fields.JSONField()),
                ("standing", fields.CharField(max_length=8)),
                ("due_at", fields.DatetimeField(null=True)),
                ("opens_at", fields.DatetimeField(null=True)),
                ("following_due_at", fields.DatetimeField(null=True)),
                ("following_opens_at", fields.DatetimeField(null=True)),
                ("following_action_at", fields.DatetimeField(null=True)),
                ("prompted", fields.SmallIntField()),
                ("missed_due_at", fields.DatetimeField(null=True)),
                ("late_at", fields.DatetimeField(null=True)),
                ("ask_at", fields.DatetimeField(null=True)),
                ("asked_at", fields.DatetimeField(null=True)),
                ("alarm_at", fields.DatetimeField(null=True)),
                ("alarm_why", fields.CharField(null=True, max_length=24)),
                ("last_call_at", fields.DatetimeField(null=True)),
                ("is_alerted", fields.BooleanField()),
                ("is_missing", fields.BooleanField()),
                ("sign_at", fields.DatetimeField()),
                ("answered_at", fields.DatetimeField(null=True)),
                ("heard_at", fields.DatetimeField(null=True)),
                ("heard_way", fields.CharField(null=True, max_length=8)),
                ("held_at", fields.DatetimeField(null=True)),
                ("app_seen_at", fields.DatetimeField(null=True)),
                ("listens", fields.BooleanField(db_default=False)),
                ("next_action_at", fields.DatetimeField(null=True)),
                ("quarantined_at", fields.DatetimeField(null=True)),
                ("version", fields.IntField()),
            ],
            options={
                "table": "watch",
                "indexes": [Index(fields=["next_action_at"], name="watch_act_at")],
            },
        ),
        ops.CreateModel(
            name="Welcome",
            fields=[
                ("id", fields.UUIDField(primary_key=True)),
                ("agency_id", fields.UUIDField()),
                ("person", ops.reference("Person")),
                ("provider", fields.CharField(max_length=31)),
                ("code_hash", fields.CharField(unique=True, max_length=64)),
                ("made_at", fields.DatetimeField()),
                ("expires_at", fields.DatetimeField()),
                ("ended_at", fields.DatetimeField(null=True)),
            ],
            options={
                "table": "welcome",
                "indexes": [Index(fields=["person_id"], name="welcome_person")],
            },
        ),
    ]
