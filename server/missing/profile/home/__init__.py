"""The home's part of the grab pack: who said what and when, and the carer's page."""
