"""Never ends, and takes no notice of being interrupted.

stopped: longer than
"""
# %% after setup
import signal
import time

signal.signal(signal.SIGINT, signal.SIG_IGN)
while True:
    try:
        time.sleep(1)
    except BaseException:
        pass
