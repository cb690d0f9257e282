"""The instructor's sub-commands of ``bsds``."""
