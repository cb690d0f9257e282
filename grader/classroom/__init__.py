"""Grading many submissions, here or on a cluster."""
