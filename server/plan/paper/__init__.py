"""The life project, and other pages, on paper: typeset, with text that can be copied."""
