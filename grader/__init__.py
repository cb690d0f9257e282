"""Instructor-only: isolation, hidden checks, grading runs and reports. Never given to students."""
