"""Notebooks of submissions: reading, restoring and what may be kept of them."""
