"""Trusted helper processes: forked from a server that has imported what checking needs."""

import multiprocessing
from multiprocessing.context import ForkServerContext

__all__ = ["trusted_processes"]


def trusted_processes() -> ForkServerContext:
    """Return the context whose processes start with slow imports done, once for all of them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["grader.scoring.preload"])
    return context
