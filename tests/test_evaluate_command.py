"""`bsds evaluate`: figures, files, comparisons, mistakes, Ctrl-C."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from bsds_command import PROGRAM, start
from PIL import Image
from scipy.ndimage import gaussian_filter

from bsds_utils import (
    BSDSError,
    baselines,
    foreground_iou,
    mean_iou,
    open_dataset,
    resize_probability,
    threshold_sweep,
)
from bsds_utils.benchmark import IoU, MapFolder, evaluate, iou_table, write_text_files
from bsds_utils.benchmark.evaluation import Evaluation, read_evaluation, results_table
from grader.cli import main


def soft_maps(dataset, split):
    """Make a map of each image: what annotators drew, blurred, with noise."""
    random = np.random.default_rng(0)
    for image_id, boundaries in dataset.truth(split).items():
        blurred = gaussian_filter(boundaries.mean(axis=0), 1.5)
        noise = gaussian_filter(random.random(blurred.shape), 2)
        yield image_id, np.clip(0.8 * blurred / blurred.max() + 0.4 * noise, 0, 1)


@pytest.fixture(scope="module")
def predictions(tiny_deadleaves, tmp_path_factory) -> Path:
    """Return a folder with the maps of all val and test images; not to be changed."""
    folder = tmp_path_factory.mktemp("predictions") / "blurred truth"
    folder.mkdir()
    dataset = open_dataset(root=tiny_deadleaves)
    for split in ("val", "test"):
        for image_id, values in soft_maps(dataset, split):
            pixels = np.round(values * 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{image_id}.png")
    return folder


def bsds(*arguments):
    """Run the command in this process; return its exit code."""
    return main([str(one) for one in ("evaluate", *arguments)])


def complaint(capsys, *arguments):
    """Return the one line on stderr with which the command fails."""
    assert bsds(*arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("bsds evaluate: ")
    return line


def test_the_figures_are_those_of_the_library(predictions, tiny_deadleaves, tmp_path, capsys):
    """JSON and table hold what the functions give, thresholds chosen on val."""
    result = tmp_path / "result.json"
    assert bsds(predictions, "--root", tiny_deadleaves, "--json", result, "--jobs", 2) == 0
    output = capsys.readouterr().out
    found = json.loads(result.read_text())
    dataset = open_dataset(root=tiny_deadleaves)
    maps = MapFolder(predictions)
    scores = evaluate(maps, dataset.truth("test"))
    assert found["ods"] == scores.ods._asdict()
    assert found["ois"] == {
        key: value for key, value in scores.ois._asdict().items() if key != "threshold"
    }
    assert found["ap"] == scores.ap
    assert found["curve"]["recall"] == scores.recall.tolist()
    assert len(found["curve"]["threshold"]) == 99
    assert set(found["images"]) == set(dataset.ids("test"))
    assert (found["split"], found["dataset"], found["nms"]) == ("test", "deadleaves", False)
    assert found["iou_threshold_from"] == "val"
    for protocol in ("course", "thin"):
        for size in (168, 224):
            val, test = (dataset.load(split, size, protocol) for split in ("val", "test"))
            of_val, of_test = (
                np.stack([resize_probability(maps[one], size) for one in arrays.ids])
                for arrays in (val, test)
            )
            threshold = threshold_sweep(val.masks, of_val).best_threshold
            assert found["iou_threshold"][protocol][str(size)] == threshold
            mask = of_test >= threshold
            assert found["iou"][protocol][str(size)] == foreground_iou(test.masks, mask)
            assert found["mean_iou"][protocol][str(size)] == mean_iou(test.masks, mask)
            trivial = baselines(test.masks, test.images)
            for name in ("all background", "all boundary"):
                iou = found["baselines"][name]["iou"][protocol][str(size)]
                assert iou == trivial[name]
            sobel = found["baselines"]["Sobel"]["iou"][protocol][str(size)]
            assert sobel <= trivial["Sobel"]  # its threshold was chosen on val
    for part in (f"F {scores.ods.f:.4f}", f"AP          {scores.ap:.4f}", "| *Sobel* |"):
        assert part in output
    assert "flatters" not in output


def test_running_it_again_gives_the_same_file(predictions, tiny_deadleaves, tmp_path, monkeypatch):
    """Runs with one and with two jobs, and one from kept results, write the same bytes."""
    written = []
    for cache, jobs in (("a", 1), ("b", 2), ("b", 1)):
        monkeypatch.setenv("BSDS_CACHE", str(tmp_path / cache))
        result = tmp_path / "result.json"
        assert bsds(predictions, "--root", tiny_deadleaves, "--json", result, "--jobs", jobs) == 0
        written.append(result.read_bytes())
    assert written[0] == written[1] == written[2]


def test_output_and_comparison(predictions, tiny_deadleaves, tmp_path, capsys):
    """The output folder holds official text files, a figure and a table with other methods."""
    root = ("--root", tiny_deadleaves)
    other = tmp_path / "nms.json"
    assert bsds(predictions, *root, "--nms", "--name", "thin | lines", "--json", other) == 0
    folder = tmp_path / "new" / "results"
    assert bsds(predictions, *root, "--output", folder, "--compare", other) == 0
    table = (folder / "results.md").read_text()
    assert capsys.readouterr().out.endswith(table)
    lines = table.splitlines()
    assert lines[0] == "| method | ODS | OIS | AP | IoU course | IoU thin | mean IoU thin |"
    assert len(lines) == 7
    assert sum(line.startswith("| blurred truth |") for line in lines) == 1
    assert sum(line.startswith("| thin \\| lines (NMS) |") for line in lines) == 1
    ods = [float(line.replace("\\|", "").split("|")[2]) for line in lines[2:4]]
    assert ods == sorted(ods, reverse=True)
    official = tmp_path / "official"
    scores = evaluate(MapFolder(predictions), open_dataset(root=tiny_deadleaves).truth("test"))
    for path in write_text_files(scores, official):
        assert (folder / path.name).read_bytes() == path.read_bytes()
    with Image.open(folder / "precision_recall.png") as picture:
        assert min(picture.size) > 400


def test_without_maps_of_val(predictions, tiny_deadleaves, tmp_path, capsys):
    """Thresholds are then chosen on the images themselves, which is said; --val names others."""
    only_test = tmp_path / "only test"
    only_test.mkdir()
    for image_id in open_dataset(root=tiny_deadleaves).ids("test"):
        name = f"{image_id}.png"
        (only_test / name).write_bytes((predictions / name).read_bytes())
    found = {}
    for kind, options in (("own", ()), ("val", ("--val", predictions))):
        result = tmp_path / f"{kind}.json"
        assert bsds(only_test, "--root", tiny_deadleaves, "--json", result, *options) == 0
        assert ("flatters" in capsys.readouterr().out) == (kind == "own")
        found[kind] = json.loads(result.read_text())
    assert found["own"]["iou_threshold_from"] == "test"
    assert found["val"]["iou_threshold_from"] == "val"
    assert found["own"]["iou"]["course"]["168"] >= found["val"]["iou"]["course"]["168"]
    assert found["own"]["ods"] == found["val"]["ods"]


def test_maps_that_belong_to_nothing(predictions, tiny_deadleaves, tmp_path, capsys):
    """Maps of other names are left out, and how many is said."""
    folder = tmp_path / "more"
    folder.mkdir()
    for path in predictions.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
        last = path
    (folder / "somebody else.png").write_bytes(last.read_bytes())
    assert bsds(folder, "--root", tiny_deadleaves) == 0
    assert "left out, being of no image of test: 1 of the maps" in capsys.readouterr().out


def test_mistakes_are_told_on_one_line(predictions, tiny_deadleaves, tmp_path, capsys):
    """Missing, damaged and wrong-sized maps, wrong options and full names: one line each."""
    root = ("--root", tiny_deadleaves)
    folder = tmp_path / "maps"
    folder.mkdir()
    assert "found none" in complaint(capsys, folder, *root)
    assert "No such file" in complaint(capsys, tmp_path / "nowhere", *root)
    first, second = open_dataset(root=tiny_deadleaves).ids("test")
    good = (predictions / f"{first}.png").read_bytes()
    (folder / f"{first}.png").write_bytes(good)
    (folder / f"{second} copy.png").write_bytes(good)
    line = complaint(capsys, folder, *root)
    assert f"1 missing: {second}" in line
    assert f"{second} copy" in line
    (folder / f"{second} copy.png").rename(folder / f"{second}.png")
    Image.fromarray(np.zeros((168, 168), np.uint8)).save(folder / f"{second}.png")
    assert "found 168×168" in complaint(capsys, folder, *root)
    (folder / f"{second}.png").write_bytes(good[:300])
    assert f"{second}.png" in complaint(capsys, folder, *root)
    assert "jobs" in complaint(capsys, predictions, *root, "--jobs", 0)
    assert "missing" in complaint(capsys, predictions, *root, "--val", folder)
    for place in (tmp_path / "no" / "a.json", tmp_path, tmp_path / ("n" * 300)):
        assert "--json" in complaint(capsys, predictions, *root, "--json", place)
    assert "--output" in complaint(capsys, predictions, *root, "--output", predictions)
    assert "--output" in complaint(capsys, predictions, *root, "--output", folder / f"{first}.png")
    (tmp_path / "a.json").write_text('{"name": "a"}')
    line = complaint(capsys, predictions, *root, "--compare", tmp_path / "a.json")
    assert "a.json: expected a result of `bsds evaluate --json`" in line
    assert bsds(predictions, *root, "--json", tmp_path / "b.json") == 0
    capsys.readouterr()
    line = complaint(capsys, predictions, *root, "--compare", tmp_path / "b.json")
    assert "--name" in line


def test_maps_of_val_are_looked_at_as_closely(predictions, tiny_deadleaves, tmp_path, capsys):
    """A val map of another size, or damaged, stops the run before the images are matched."""
    folder = tmp_path / "val"
    folder.mkdir()
    first, second = open_dataset(root=tiny_deadleaves).ids("val")
    (folder / f"{first}.png").write_bytes((predictions / f"{first}.png").read_bytes())
    np.save(folder / f"{second}.npy", np.zeros((7, 3)))
    root = ("--root", tiny_deadleaves, "--val", folder)
    assert f"map of {second}: expected the image's size" in complaint(capsys, predictions, *root)
    (folder / f"{second}.npy").write_bytes(b"PK")
    assert f"{second}.npy" in complaint(capsys, predictions, *root)
    line = complaint(capsys, predictions, *root, "--split", "val")
    assert "leave --val out" in line


def test_measuring_on_val_says_that_it_flatters(predictions, tiny_deadleaves, capsys):
    """On val itself thresholds are chosen where they are measured."""
    assert bsds(predictions, "--root", tiny_deadleaves, "--split", "val") == 0
    assert "flatters" in capsys.readouterr().out


def test_a_data_set_without_val_images(tmp_path, capsys):
    """A set of one test image can be measured; every threshold is chosen on it."""
    from bsds_utils.synthetic import write_dataset

    write_dataset(tmp_path / "data", {"train": 0, "val": 0, "test": 1}, seed=1)
    (tmp_path / "maps").mkdir()
    for image_id, values in soft_maps(open_dataset(root=tmp_path / "data"), "test"):
        np.save(tmp_path / "maps" / f"{image_id}.npy", values)
    assert bsds(tmp_path / "maps", "--root", tmp_path / "data") == 0
    output = capsys.readouterr().out
    assert "images      1 of deadleaves test" in output
    assert "flatters" in output


@pytest.mark.parametrize("name", ["_under", "x$^{a$", "a\nb\x1b[31m", "\udcff", "| a |"])
def test_any_name_can_be_shown(name, predictions, tiny_deadleaves, tmp_path, capsys):
    """Names are text: no formula, no line break, no control character, no missing legend."""
    result, folder = tmp_path / "a.json", tmp_path / "out"
    options = ("--name", name, "--json", result, "--output", folder)
    assert bsds(predictions, "--root", tiny_deadleaves, *options) == 0
    output = capsys.readouterr().out
    assert "\x1b" not in output
    rows = (folder / "results.md").read_text().splitlines()
    assert len(rows) == 6
    assert (folder / "precision_recall.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["iou"].pop("thin"),
        lambda content: content["iou"]["course"].pop("168"),
        lambda content: content.update(ap=float("nan")),
        lambda content: content["ods"].update(f=float("inf")),
        lambda content: content.update(ap=10**400),
        lambda content: content.update(nms="no"),
        lambda content: content["curve"].update(recall=[0.1]),
        lambda content: content.update(images=[]),
    ],
)
def test_results_that_were_tampered_with(change, predictions, tiny_deadleaves, tmp_path, capsys):
    """A result that lacks something or holds no numbers is refused on one line."""
    path = tmp_path / "a.json"
    assert bsds(predictions, "--root", tiny_deadleaves, "--name", "a", "--json", path) == 0
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    capsys.readouterr()
    line = complaint(capsys, predictions, "--root", tiny_deadleaves, "--compare", path)
    assert "expected a result of `bsds evaluate --json`" in line
    path.write_text("[" * 100_000)
    assert "a.json" in complaint(capsys, predictions, "--root", tiny_deadleaves, "--compare", path)


def test_ctrl_c_and_going_on(tmp_path):
    """Ctrl-C exits 130 with one line; the second run takes over what was finished."""
    from bsds_utils.synthetic import write_dataset

    root, folder, cache = tmp_path / "data", tmp_path / "maps", tmp_path / "cache"
    write_dataset(root, {"train": 1, "val": 1, "test": 40}, seed=1)
    dataset = open_dataset(root=root)
    folder.mkdir()
    for image_id, values in soft_maps(dataset, "test"):
        np.save(folder / f"{image_id}.npy", values)
    arguments = ["evaluate", str(folder), "--root", str(root)]
    environment = os.environ | {"BSDS_CACHE": str(cache)}
    process = start(*arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    kept = cache / "benchmark"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and len(list(kept.glob("[!.]*.npz"))) < 3:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert errors.splitlines()[-1] == "bsds evaluate: stopped by Ctrl-C"
    assert "Traceback" not in errors
    assert output == ""
    finished = {path: path.stat().st_mtime_ns for path in kept.glob("[!.]*.npz")}
    assert 3 <= len(finished) < 40
    again = subprocess.run(
        [*PROGRAM, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stderr
    assert all(path.stat().st_mtime_ns == before for path, before in finished.items())
    assert len(list(kept.glob("[!.]*.npz"))) == 40


def test_results_survive_the_file(predictions, tiny_deadleaves, tmp_path):
    """What is read from a JSON file writes the same file again."""
    assert bsds(predictions, "--root", tiny_deadleaves, "--json", tmp_path / "a.json") == 0
    evaluation = read_evaluation(tmp_path / "a.json")
    assert evaluation.as_json() == (tmp_path / "a.json").read_text()


def test_results_of_other_images_are_not_compared(predictions, tiny_deadleaves):
    """A table is of one set of images."""
    dataset = open_dataset(root=tiny_deadleaves)
    maps = MapFolder(predictions)
    scores = evaluate(maps, dataset.truth("test"))
    table = iou_table(maps, dataset, "test", sizes=(168,))
    assert isinstance(table["maps"]["course"][168], IoU)
    one, other = (
        Evaluation(name, "deadleaves", split, False, scores, table, split)
        for name, split in (("a", "test"), ("b", "val"))
    )
    assert results_table([one]).count("\n") == 6
    with pytest.raises(BSDSError, match="b: expected a result on test of deadleaves"):
        results_table([one, other])
