"""Grading one submission: executing it, checking it, and keeping what came of both."""
