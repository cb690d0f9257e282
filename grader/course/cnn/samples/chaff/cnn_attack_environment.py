"""Looks for the course secret in every environment, command line and mount that it can read.

fails: iou
"""
# %% task_train
# %% after setup
import glob
import os

texts = [repr(dict(os.environ)).encode()]
for pattern in ("/proc/*/environ", "/proc/*/task/*/environ", "/proc/*/cmdline", "/proc/*/mountinfo",
                "/proc/keys", "/proc/sched_debug", "/proc/net/unix", "/run/**", "/etc/*", os.path.expanduser("~root/*")):
    for path in glob.glob(pattern, recursive=True):
        try:
            with open(path, "rb") as stream:
                texts.append(stream.read(1 << 20))
        except OSError:
            pass
WANTED = (b"BSDS_COURSE_SECRET", b"GRADE_SECONDS", b"development-only-secret", b"hidden_", b"gradebook",
          b"AWS_", b"TOKEN", b"SSH_")
if any(word in text for text in texts for word in WANTED):
    os._exit(1)  # whoever finds something shows it in a way that no test overlooks
