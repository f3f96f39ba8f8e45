"""A call for help while an alert is open already (docs/decisions/0116-help-again.md)."""
