"""Rounds to whole numbers.

fails: mean, summary
"""
# %% task_mean
def mean(xs):
    return sum(xs) // len(xs)
