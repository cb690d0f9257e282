"""Everything with NumPy."""
# %% task_mean
def mean(xs):
    return np.mean(xs)
# %% task_summary
def summary(xs):
    return {"largest": float(np.max(xs)), "mean": float(np.mean(xs)), "count": len(xs)}
