"""Trusted scoring: hidden pytest checks in a process that never ran a submission's code."""
