"""Takes the last number for the largest.

fails: summary
"""
# %% task_summary
def summary(xs):
    return {"mean": mean(xs), "largest": xs[-1]}
