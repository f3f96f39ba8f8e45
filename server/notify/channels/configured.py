"""The channels that this installation has, made from its settings."""

from typing import TYPE_CHECKING

from server.clock import Clock
from server.notify.channels import Channel
from server.notify.channels.vapid import read_key
from server.notify.rules import EMAIL, PUSH
from server.settings import SettingFault, Settings

if TYPE_CHECKING:
    from server.notify.channels.push import Push


def channel_names(settings: Settings) -> list[str]:
    """The names of the channels that `configured` makes."""
    mail = [EMAIL] if settings.smtp_url else []
    return [PUSH, *settings.channels, *mail]


def typed_channels(settings: Settings) -> list[str]:
    """Those of them whose addresses a person types."""
    return [name for name in (EMAIL, *sorted(settings.channels)) if name in channel_names(settings)]


def can_call_last_resort(settings: Settings) -> bool:
    """Whether WAYMARK_LAST_RESORT has an entry that goes by a channel which is set up."""
    names = channel_names(settings)
    return any(channel in names for channel, _ in settings.last_resort)


def lacks_last_resort(settings: Settings) -> bool:
    """Whether others than this machine can reach us, and we have nobody to call when nobody else
    can be."""
    return not settings.is_loopback and not can_call_last_resort(settings)


def configured(settings: Settings, clock: Clock) -> dict[str, Channel]:
    """Every channel by its name, closed; the caller opens and closes them.

    Push always exists; e-mail where a relay is set. SettingFault for a setting that only a channel
    can judge. Each is imported where it is made: a process that only serves pages makes none.
    """
    channels: dict[str, Channel] = {PUSH: _push(settings, clock)}
    if settings.smtp_url:
        from server.notify.channels.email import Email

        try:
            channels[EMAIL] = Email(settings.smtp_url, mail_from=settings.mail_from, clock=clock)
        except ValueError as fault:
            raise SettingFault("WAYMARK_SMTP_URL", f"cannot be used: {fault}") from None
    if settings.channels:
        from server.notify.channels.other import Other

        for name, template in settings.channels.items():
            channels[name] = Other(template)
    return channels


def _push(settings: Settings, clock: Clock) -> "Push":
    from server.notify.channels.push import Push

    try:
        key = read_key(settings.vapid_private_key_file.read_bytes())
    except (OSError, ValueError) as fault:
        raise SettingFault("WAYMARK_VAPID_PRIVATE_KEY_FILE", f"cannot be used: {fault}") from None
    try:
        return Push(
            key,
            subject=settings.vapid_subject,
            allowed_origins=settings.push_origins,
            clock=clock,
        )
    except ValueError as fault:
        raise SettingFault("WAYMARK_PUSH_ORIGINS", f"cannot be used: {fault}") from None
