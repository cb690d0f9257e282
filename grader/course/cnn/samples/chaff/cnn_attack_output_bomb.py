"""Prints and shows without end.

stopped: printed, showed or sent more than
"""
# %% after setup
import time

while True:
    print("x" * 100_000)
    time.sleep(0.001)
