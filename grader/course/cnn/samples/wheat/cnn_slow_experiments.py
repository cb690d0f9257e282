"""Cells of the student's own that compute for a while, before, between and after the tasks."""
# %% after load_data
# How alike are the images? Not needed for anything, but I wanted to know.
flat = train.images[:40, ::4, ::4].reshape(min(40, len(train.images)), -1).astype("float64")
for repeat in range(150):
    u, s, v = np.linalg.svd(np.random.default_rng(repeat).normal(size=(260, 260)))
print("largest singular value of the last one", s[0].round(2))
# %% after nothing
# Which blur and threshold make Sobel best?
import itertools

table = {}
for sigma, level in itertools.product((0, 1, 2, 3), (0.05, 0.1, 0.2, 0.3)):
    edges = bsds.sobel(val.images[:8])[..., None]
    for _ in range(sigma):
        edges = (edges + np.roll(edges, 1, 1) + np.roll(edges, -1, 1) + np.roll(edges, 1, 2)) / 4
    table[sigma, level] = bsds.foreground_iou(val.masks[:8], edges >= level)
best_sobel = max(table, key=table.get)
print("best:", best_sobel, round(table[best_sobel], 3))
# %% after architecture
# Larger networks: parameters and layers only, none of them is trained.
def count(filters):
    candidate = build_cnn(filters=filters)
    return candidate.count_params(), len(candidate.layers)


for filters in ((8, 16, 32, 64), (12, 24, 48, 96), (16, 32, 64, 128), (8, 8, 8, 8)):
    print(filters, count(filters))
# %% after run_training
# Does flipping the image change the answer?
some = val.images[:4].astype("float32")
straight = model.predict(some, verbose=0)
flipped = model.predict(some[:, :, ::-1], verbose=0)[:, :, ::-1]
print("mean difference", float(np.abs(straight - flipped).mean()))
# %% after threshold
curve = [bsds.foreground_iou(masks["val"], probabilities["val"] >= t) for t in bsds.THRESHOLDS]
for repeat in range(60):
    np.linalg.eigh(np.random.default_rng(repeat).normal(size=(240, 240)))
