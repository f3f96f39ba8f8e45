"""Agencies, homes, persons, children, and the dated ties between them."""
