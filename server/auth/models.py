"""Credentials, sessions, devices, invitations, and guesses counted in rows."""

from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from server.auth.rules import FIRST_PASSWORD_LASTS
from server.security.encryption import EncryptedJSON, EncryptedText
from server.storage.ids import uuid7


class Credential(Model):
    """A sign-in name and a password of a member of staff."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    person: fields.OneToOneRelation["Model"] = fields.OneToOneField(
        "server.Person", related_name="credential", on_delete=fields.CASCADE
    )
    person_id: UUID
    name = EncryptedText()
    name_index = fields.CharField(max_length=64, unique=True)  # Blind index of the folded name.
    password_hash = fields.CharField(max_length=255)  # argon2id
    changed_at = fields.DatetimeField()
    # A password that another person handed over counts up to then; null: it is the person's own.
    until = fields.DatetimeField(null=True)

    @property
    def is_handed(self) -> bool:
        """Whether another person made this password. Release 0.2.0 changes a password and leaves
        `until` as it was: then it belongs to an earlier one."""
        return self.until is not None and self.until == self.changed_at + FIRST_PASSWORD_LASTS

    class Meta:
        table = "credential"


class Device(Model):
    """A phone that was paired. Its id is made on the phone."""

    id = fields.UUIDField(primary_key=True)
    agency_id = fields.UUIDField()
    person: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Person", related_name="devices", on_delete=fields.RESTRICT
    )
    person_id: UUID
    label = EncryptedText(null=True)
    paired_at = fields.DatetimeField()
    last_seen_at = fields.DatetimeField(null=True)
    shut_out_at = fields.DatetimeField(null=True)
    shut_out_by = fields.UUIDField(null=True)

    class Meta:
        table = "device"
        indexes = (Index(fields=("person_id",), name="device_person"),)


class Session(Model):
    """What a token opens. The token is random and is not here: only its SHA-256."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    token_hash = fields.CharField(max_length=64, unique=True)
    agency_id = fields.UUIDField()
    person: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Person", related_name="sessions", on_delete=fields.CASCADE
    )
    person_id: UUID
    device: fields.ForeignKeyNullableRelation[Device] = fields.ForeignKeyField(
        "server.Device", related_name="sessions", null=True, on_delete=fields.CASCADE
    )
    device_id: UUID | None
    made_at = fields.DatetimeField()
    last_seen_at = fields.DatetimeField()
    expires_at = fields.DatetimeField(
        null=True
    )  # Null: a child's phone, which only a person blocks.
    ended_at = fields.DatetimeField(null=True)
    ended_why = fields.CharField(max_length=24, null=True)
    # When the person last showed who they are; null: at the start.
    proved_at = fields.DatetimeField(null=True)
    # The token that takes the place of this one as soon as it is used, and the proof it is for.
    next_hash = fields.CharField(max_length=64, null=True, unique=True)
    next_proved_at = fields.DatetimeField(null=True)
    idle_s = fields.SmallIntField(null=True)  # Unused for so long it ends; null: as every one.
    needs_key = fields.BooleanField(
        db_default=False
    )  # The person has to set up a second key first.
    needs_password = fields.BooleanField(
        db_default=False
    )  # It was opened by a password that was handed over.
    provider = fields.CharField(max_length=31, null=True)  # The sign-in provider that opened it.
    browser = fields.CharField(max_length=24, null=True)
    system = fields.CharField(max_length=24, null=True)

    class Meta:
        table = "session"
        indexes = (
            Index(fields=("person_id",), name="session_person"),
            Index(fields=("device_id",), name="session_device"),
        )


class Invite(Model):
    """A code that pairs one device with one person, once.

    Three characters name it and are stored; five are its secret and are stored as a hash only.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    person: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Person", related_name="invites", on_delete=fields.CASCADE
    )
    person_id: UUID
    name = fields.CharField(max_length=3)
    secret_hash = fields.CharField(max_length=64)
    made_by = fields.UUIDField(null=True)
    made_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    wrong = fields.SmallIntField(default=0)
    used_at = fields.DatetimeField(null=True)
    used_by_device = fields.UUIDField(null=True)
    ended_at = fields.DatetimeField(
        null=True
    )  # Used, burned, expired or replaced: the name is free.
    ended_why = fields.CharField(max_length=16, null=True)

    class Meta:
        table = "invite"
        indexes = (
            Index(fields=("person_id",), name="invite_person"),
            Index(fields=("name", "made_at"), name="invite_name_made"),
        )
        constraints = (
            UniqueConstraint(
                fields=("name",), name="invite_live_name", condition="ended_at IS NULL"
            ),
        )


class Guess(Model):
    """One wrong guess at a sign-in. Counted in rows, so that all processes count together."""

    id = fields.BigIntField(primary_key=True)
    door = fields.CharField(max_length=16)  # rules.Door
    key = fields.CharField(max_length=64)  # Blind index of a name or of a network address.
    at = fields.DatetimeField()

    class Meta:
        table = "guess"
        indexes = (Index(fields=("door", "key", "at"), name="guess_key_at"),)


class RememberedDevice(Model):
    """A browser in which one person can still sign in while others guess their password; or a link
    that makes a browser one, once it is opened."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    person: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Person", related_name="remembered_devices", on_delete=fields.CASCADE
    )
    person_id: UUID
    by_link = fields.BooleanField(db_default=False)
    made_at = fields.DatetimeField()
    opened_at = fields.DatetimeField(null=True)  # Null: a link not opened yet.
    expires_at = fields.DatetimeField()
    wrong = fields.SmallIntField(default=0, db_default=0)  # Wrong guesses from there.

    class Meta:
        table = "remembered_device"
        indexes = (
            Index(fields=("person_id", "made_at"), name="remembered_device_person"),
            Index(fields=("expires_at",), name="remembered_device_expires"),
        )


class Totp(Model):
    """The secret that an authenticator app shares with us (RFC 6238). One that no code has
    confirmed yet may exist beside the one that counts."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    person: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Person", related_name="totps", on_delete=fields.CASCADE
    )
    person_id: UUID
    secret = EncryptedText()  # 32 characters of base32.
    last_step = fields.BigIntField(default=0)  # Half minutes since 1970: no earlier code counts.
    made_at = fields.DatetimeField()
    confirmed_at = fields.DatetimeField(null=True)

    class Meta:
        table = "totp"
        indexes = (Index(fields=("person_id",), name="totp_person"),)
        constraints = (
            UniqueConstraint(
                fields=("person_id",), name="totp_counts", condition="confirmed_at IS NOT NULL"
            ),
            UniqueConstraint(
                fields=("person_id",), name="totp_begun", condition="confirmed_at IS NULL"
            ),
        )


class Recovery(Model):
    """One code for the day on which the second key is lost: good once, kept as a keyed hash."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    person: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Person", related_name="recoveries", on_delete=fields.CASCADE
    )
    person_id: UUID
    code_hash = fields.CharField(max_length=64)
    made_at = fields.DatetimeField()
    used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "recovery"
        indexes = (Index(fields=("person_id",), name="recovery_person"),)


class Passkey(Model):
    """A key pair on a person's device; the private half never leaves it (WebAuthn)."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    person: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Person", related_name="passkeys", on_delete=fields.CASCADE
    )
    person_id: UUID
    name = EncryptedText()
    credential_hash = fields.CharField(max_length=64, unique=True)  # SHA-256 of the next one.
    credential_id = fields.TextField()  # base64url, as the browser sends it.
    public_key = fields.TextField()  # COSE, base64url.
    sign_count = fields.BigIntField(default=0)
    transports: Any = fields.JSONField(
        default=list
    )  # How the browser can reach it: "internal", "usb".
    made_at = fields.DatetimeField()
    last_used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "passkey"
        indexes = (Index(fields=("person_id",), name="passkey_person"),)


class PendingSecondFactor(Model):
    """A browser between two pages of the sign-in: its password was right, or it is a stranger that
    has asked for a challenge. The cookie has the token; this row has only its SHA-256."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    token_hash = fields.CharField(max_length=64, unique=True)
    person: fields.ForeignKeyNullableRelation["Model"] = fields.ForeignKeyField(
        "server.Person", related_name="pending_second_factors", null=True, on_delete=fields.CASCADE
    )
    person_id: UUID | None
    needs_password = fields.BooleanField(db_default=False)  # As the session that it leads to.
    made_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "pending_second_factor"
        indexes = (
            Index(fields=("person_id",), name="pending_second_factor_person"),
            Index(fields=("expires_at",), name="pending_second_factor_expires"),
        )


class Challenge(Model):
    """What a passkey is to sign, once. `holder_id` is the session or the halfway that asked."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    holder_id = fields.UUIDField()
    purpose = fields.CharField(max_length=12)  # register, sign_in, second, again
    text = fields.CharField(max_length=128)  # base64url
    expires_at = fields.DatetimeField()

    class Meta:
        table = "challenge"
        indexes = (
            Index(fields=("holder_id",), name="challenge_holder"),
            Index(fields=("expires_at",), name="challenge_expires"),
        )


class ProviderTerms(Model):
    """What an agency makes of what its sign-in provider says. Without a row it opens nothing."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    provider = fields.CharField(max_length=31)  # Its NAME in the settings.
    label = fields.CharField(max_length=60, null=True)  # On the button for strangers; null: none.
    claim = fields.CharField(max_length=120)
    roles: Any = fields.JSONField(default=dict)  # {"caseworker": ["values of the claim"]}
    strong: Any = fields.JSONField(default=list)  # Values of amr or acr that are a second key.
    adds_people = fields.BooleanField(db_default=False)
    changed_at = fields.DatetimeField()

    class Meta:
        table = "provider_terms"
        constraints = (
            UniqueConstraint(fields=("agency_id", "provider"), name="provider_terms_once"),
        )


class Identity(Model):
    """A person's account at a sign-in provider: by issuer and subject, which alone never pass to
    another person. Never by an e-mail address: a mailbox is renamed, and given to the next person.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    person: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Person", related_name="identities", on_delete=fields.CASCADE
    )
    person_id: UUID
    provider = fields.CharField(max_length=31)
    subject = EncryptedText()
    subject_index = fields.CharField(max_length=64, unique=True)  # Blind, of issuer and subject.
    tied_at = fields.DatetimeField()
    used_at = fields.DatetimeField(null=True)
    unheeded = fields.CharField(max_length=16, null=True)  # The role said there, not taken here.

    class Meta:
        table = "identity"
        constraints = (
            UniqueConstraint(fields=("person_id", "provider"), name="identity_one_each"),
        )


class Welcome(Model):
    """A code of an administrator, by which an account at the provider becomes this person's."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    person: fields.ForeignKeyRelation["Model"] = fields.ForeignKeyField(
        "server.Person", related_name="welcomes", on_delete=fields.CASCADE
    )
    person_id: UUID
    provider = fields.CharField(max_length=31)
    code_hash = fields.CharField(max_length=64, unique=True)
    made_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "welcome"
        indexes = (Index(fields=("person_id",), name="welcome_person"),)


class OidcFlow(Model):
    """A browser on its way to a sign-in provider and back, or on the page that asks a newcomer
    for the code. What it carries counts once, and in the browser that set out alone."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    agency_id = fields.UUIDField()
    provider = fields.CharField(max_length=31)
    purpose = fields.CharField(max_length=12)  # sign_in, again, tie, welcome
    token_hash = fields.CharField(max_length=64, unique=True)  # Of the state that travels.
    browser_hash = fields.CharField(max_length=64)  # Of the cookie that stays.
    session_id = fields.UUIDField(null=True)  # For a person who is signed in already: that session.
    carries: Any = EncryptedJSON()
    made_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "oidc_flow"
        indexes = (Index(fields=("expires_at",), name="oidc_flow_expires"),)
