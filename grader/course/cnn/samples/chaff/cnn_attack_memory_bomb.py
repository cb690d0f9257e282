"""Takes memory in many processes at once until there is none.

stopped: GB of memory
"""
# %% after setup
import os
import time

for _ in range(12):
    if os.fork() == 0:
        kept = [bytearray(os.urandom(1 << 20) * 64) for _ in range(64)]
        time.sleep(600)
time.sleep(600)
