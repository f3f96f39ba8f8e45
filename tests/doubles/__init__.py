"""Stand-ins for what lies outside: each speaks the real protocol on loopback, and can misbehave."""
