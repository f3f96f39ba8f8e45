"""The carer's question."""
