"""Signing in: passwords for staff, pairing in person for children, sessions for both."""
