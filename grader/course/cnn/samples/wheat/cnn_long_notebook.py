"""A very long notebook: pages of comments and docstrings, tables, a pasted traceback, a log, helpers."""
# %% task_train
def train_cnn(model, train, val):
    model.compile(keras.optimizers.Adam(0.004), loss=bce_dice_loss)
    budget = bsds.TimeBudget(SECONDS)
    return model.fit(
        bsds.Batches(train.images, train.masks, batch_size=4, augment=True),
        validation_data=bsds.Batches(val.images, val.masks, batch_size=8),
        epochs=1000,
        callbacks=[budget, bsds.ProgressBar(budget)],
        verbose=0,
    )
# %% after run_training
first_losses = [float(line.split("val_loss: ")[1]) for line in LOG.strip().splitlines()]
print("lowest in last week's run:", min(first_losses))
# %% edit
def edit(notebook, folder):
    """Put in what people write: the pages are this repository's own, the log is a training's."""
    import random
    from pathlib import Path

    root = Path(__file__).parents[5]
    chance = random.Random(5)

    def cell(source):
        return {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None,
                "source": source}

    def text(name):
        return (root / name).read_text(encoding="utf-8")

    notes = "\n".join(f"# {line}" for line in text("docs/threat-model.md").splitlines())
    pages = '"""' + text("docs/benchmark.md").replace("\\", "/").replace('"', "'") + '"""'
    table = "\n".join(
        f"# | {width:4} | {rate:.0e} | {chance.uniform(0.4, 0.5):.3f} | {chance.uniform(30, 90):4.0f} s |"
        for width in (8, 12, 16, 24, 32) for rate in (1e-3, 3e-3, 1e-2)
    )
    log = "\n".join(
        f"Epoch {epoch}/60 - {chance.uniform(2, 3):.1f}s - loss: {1.4 / (epoch + 1) + chance.uniform(0.6, 0.7):.4f}"
        f" - val_loss: {1.3 / (epoch + 1) + chance.uniform(0.7, 0.8):.4f}" for epoch in range(1, 61)
    )
    traceback = "# Traceback (most recent call last):\n" + "\n".join(
        f'#   File "/home/ada/.venv/lib/python3.11/site-packages/keras/src/{part}.py", line {line}, in {part}'
        for part, line in (("trainers", 318), ("layer", 941), ("ops", 77), ("convolution", 1203))
    ) + "\n# ValueError: Dimensions must be equal, but are 21 and 20"
    helpers = text("bsds_utils/plots.py").partition("\n\n\n")[2]
    helpers = "import math\nfrom typing import Any\n\nimport matplotlib\n\n\ndef not_used():\n" + "\n".join(
        f"    {line}" if line else "" for line in helpers.splitlines())
    place = next(i for i, one in enumerate(notebook.cells) if "def train_cnn" in one.source)
    notebook.cells[place:place] = [
        cell(notes), cell(pages), cell(f"{table}\nwidths = (8, 12, 16, 24, 32)\n{traceback}"),
        cell(f'LOG = """\n{log}\n"""'), cell(helpers),
    ]
