"""The form of a sign-in name under which we find it and count its guesses."""

from server.auth.rules import PASSWORD_BY_NAME, PASSWORD_BY_NETWORK, Limit, fold, network_of


def index_of(name: str) -> str:
    """What the blind index of a sign-in name is taken of."""
    return f"sign-in {fold(name)}"


def password_keys(name: str, host: str) -> list[tuple[str, Limit]]:
    """What a guess at the password of this name, from there, counts for."""
    return [
        (f"name {fold(name)}", PASSWORD_BY_NAME),
        (f"network {network_of(host)}", PASSWORD_BY_NETWORK),
    ]
