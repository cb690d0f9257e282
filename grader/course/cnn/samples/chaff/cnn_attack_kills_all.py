"""Kills every process that it can see, its parents first.

stopped: the kernel died
"""
# %% after setup
import os

for pid in (os.getppid(), 1, -1):
    try:
        os.kill(pid, 9)
    except OSError:
        pass
os.abort()
