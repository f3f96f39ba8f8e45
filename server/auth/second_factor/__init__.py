"""Second factors: passkeys and one-time codes."""
