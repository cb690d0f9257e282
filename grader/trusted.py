"""Trusted helper processes: forked from a server that has Keras imported and nothing else."""

import multiprocessing
from multiprocessing.context import ForkServerContext

__all__ = ["trusted_processes"]


def trusted_processes() -> ForkServerContext:
    """Return the context whose processes start with Keras imported, once for all of them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["grader.scoring.preload"])
    return context
