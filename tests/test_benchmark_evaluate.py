"""The benchmark as a whole: official numbers, layouts, jobs, interruption, bad input."""

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from skimage.morphology import thin

import bsds_utils
from bsds_utils import BSDSError
from bsds_utils.benchmark import (
    HUMAN,
    MapFolder,
    count_matches,
    evaluate,
    human_point,
    thresholds_of,
    write_text_files,
)
from bsds_utils.benchmark import evaluate as evaluate_images
from bsds_utils.data.groundtruth import read_ground_truth


def soft(shape=(60, 90), seed=0):
    """Make a soft map in [0, 1]."""
    noise = gaussian_filter(np.random.default_rng(seed).random(shape), 1.5)
    return (noise - noise.min()) / np.ptp(noise)


def drawn(shape=(60, 90), annotators=3, seed=1):
    """Make boundaries of a few annotators."""
    return np.stack([thin(soft(shape, seed + k) > 0.55) for k in range(annotators)])


def same(one, other):
    """Tell whether two results are equal to the last bit."""
    return (
        one.ods == other.ods
        and one.ois[1:] == other.ois[1:]
        and one.ap == other.ap
        and one.images == other.images
        and np.array_equal(one.recall, other.recall)
        and np.array_equal(one.precision, other.precision)
    )


# --- the official benchmark's numbers ---


@pytest.mark.real_data
@pytest.mark.parametrize("kind", ["ucm2", "png"])
def test_the_official_examples(kind, official_benchmark, tmp_path):
    """Official examples: ODS, OIS and AP within 0.0004, each image's F within 0.0015."""
    small = official_benchmark / "small"
    truth = {
        path.stem: read_ground_truth(path).boundaries
        for path in sorted((small / "groundTruth").glob("*.mat"))
    }
    scores = evaluate(MapFolder(small / kind), truth, thresholds=5)
    write_text_files(scores, tmp_path)
    for name, columns in (
        ("eval_bdry.txt", {3: 0.0004, 6: 0.0004, 7: 0.0004}),
        ("eval_bdry_img.txt", {0: 0, 4: 0.0015}),
        ("eval_bdry_thr.txt", {0: 1e-6, 3: 0.001}),
    ):
        expected = np.loadtxt(small / f"expected_{kind}" / name, ndmin=2)
        found = np.loadtxt(tmp_path / name, ndmin=2)
        assert found.shape == expected.shape
        for column, tolerance in columns.items():
            np.testing.assert_allclose(
                found[:, column], expected[:, column], rtol=0, atol=tolerance
            )


@pytest.mark.real_data
def test_official_figures_image_by_image(official_benchmark, bsds500_root):
    """The best F of gPb-owt-ucm on ten photographs is the official one within 0.0015."""
    lines = (official_benchmark / "official_per_image.txt").read_text().splitlines()[1:]
    official = {line.split()[0]: [float(one) for one in line.split()[1:]] for line in lines}
    truth = bsds_utils.open_dataset("bsds500", bsds500_root).truth("test")
    maps = MapFolder(official_benchmark / "ucm2")
    scores = evaluate(maps, {image_id: truth[image_id] for image_id in maps}, jobs=2)
    assert set(scores.images) == set(official)
    for image_id, (threshold, _, _, f) in official.items():
        assert scores.images[image_id].f == pytest.approx(f, abs=0.0015)
        assert scores.images[image_id].threshold == pytest.approx(threshold, abs=0.02)


@pytest.mark.real_data
@pytest.mark.slow
def test_people(bsds500_root):
    """The constant for people is what their agreement on all test images gives."""
    point = human_point(bsds_utils.open_dataset("bsds500", bsds500_root).truth("test"))
    assert point[1:] == pytest.approx(HUMAN[1:], abs=5e-5)


# --- one image ---


def test_counts_follow_the_protocol():
    """Every threshold's counts are those of its own thinned mask, as if it were the only one."""
    values, boundaries = soft(), drawn()
    counts = count_matches(values, boundaries, thresholds=9, max_dist=0.02)
    for t, threshold in enumerate(thresholds_of(9)):
        mask = thin(values >= threshold)
        single = count_matches(mask, boundaries, thresholds=1, max_dist=0.02)
        assert counts.sumP[t] == np.count_nonzero(mask)
        assert counts.sumR[t] == np.count_nonzero(boundaries)
        assert counts.cntR[t] == single.cntR[0]
        # Which of several equally good matchings is found may depend on the masks before it.
        assert abs(counts.cntP[t] - single.cntP[0]) <= 1 + 0.01 * counts.sumP[t]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, np.uint16])
def test_layouts_and_dtypes_do_not_matter(dtype):
    """C and Fortran order, strides, byte order and exact copies in wider dtypes count the same."""
    full = {np.uint8: 255, np.uint16: 65535}.get(dtype, 1)
    values = (soft() * full).astype(dtype)
    boundaries = drawn()
    expected = count_matches(values, boundaries)
    exact = values / np.float64(full)
    doubled = np.zeros((120, 180), dtype)
    doubled[::2, ::2] = values
    for other in (
        np.asfortranarray(values),
        values[::-1, ::-1].copy()[::-1, ::-1],
        doubled[::2, ::2],
        values.astype(values.dtype.newbyteorder(">")),
        values[..., None],
        exact,
        exact.astype(np.longdouble),
    ):
        for drawings in (boundaries, np.asfortranarray(boundaries), boundaries.astype(np.int64)):
            found = count_matches(other, drawings)
            assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_repeated_calls_and_threads_agree():
    """The same image, again and in several threads at a time, counts the same."""
    values, boundaries = soft(), drawn()
    expected = count_matches(values, boundaries)
    results = []

    def work():
        results.extend(count_matches(values, boundaries) for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(results) == 20
    for found in results:
        assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 12), st.integers(1, 4))
def test_counts_are_possible(seed, height, width, annotators):
    """No more is matched than there is, and a mask matched with itself is matched whole."""
    random = np.random.default_rng(seed)
    values = random.integers(0, 5, (height, width)) / 4
    boundaries = random.random((annotators, height, width)) < 0.3
    counts = count_matches(values, boundaries, thresholds=7, max_dist=0.2)
    assert all(one.shape == (7,) and one.dtype == np.int64 for one in counts)
    assert (counts.cntR <= counts.sumR).all()
    assert (counts.cntP <= counts.sumP).all()
    assert (counts.cntP <= counts.cntR).all()  # a pixel counts once, however many match it
    assert (counts.cntR <= counts.cntP * annotators).all()
    line = thin(values > 0.5)
    own = count_matches(line, line[None], thresholds=1)
    assert own.cntR[0] == own.cntP[0] == np.count_nonzero(line)


def test_degenerate_images():
    """One pixel, one row, constant maps, no truth: defined results and no error."""
    for shape in ((1, 1), (1, 50), (50, 1), (321, 481)):
        ones, zeros = np.ones(shape), np.zeros(shape)
        full, empty = np.ones((1, *shape), bool), np.zeros((2, *shape), bool)
        assert not count_matches(zeros, full).cntR.any()
        assert not count_matches(zeros, full).sumP.any()
        nothing = count_matches(ones, empty)
        assert not nothing.cntR.any()
        assert not nothing.sumR.any()
        assert nothing.sumP.tolist() == [np.count_nonzero(thin(np.ones(shape)))] * 99
        half = count_matches(np.full(shape, 0.5), full)
        assert half.sumP[49] > 0
        assert half.sumP[50] == 0
    pixel = count_matches([[1.0]], [[[True]]])
    assert pixel.cntR.tolist() == pixel.cntP.tolist() == [1] * 99


def test_wrong_arguments():
    """Shapes that differ, NaN and negative distances are named."""
    with pytest.raises(ValueError, match=r"shape \(5, 5\), found \(4, 5\)"):
        count_matches(np.zeros((4, 5)), np.zeros((1, 5, 5), bool))
    with pytest.raises(ValueError, match="nan"):
        count_matches(np.full((4, 5), np.nan), np.zeros((1, 4, 5), bool))
    for distance in (-1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="max_dist"):
            count_matches(np.zeros((4, 5)), np.zeros((1, 4, 5), bool), max_dist=distance)
    with pytest.raises(ValueError, match="26,000 pixels"):
        count_matches(np.zeros((4, 5)), np.zeros((1, 4, 5), bool), max_dist=1e9)


def test_a_reach_beyond_the_image():
    """A distance longer than the image lets every pixel match every other."""
    predicted, truth = np.zeros((2, 9, 6))
    predicted[0, 0] = truth[8, 5] = 1
    assert count_matches(predicted, truth[None], thresholds=1, max_dist=100).cntR[0] == 1
    assert count_matches(predicted, truth[None], thresholds=1, max_dist=0).cntR[0] == 0
    assert count_matches(truth, truth[None], thresholds=1, max_dist=0).cntR[0] == 1


# --- many images ---


@pytest.fixture
def images():
    """Return maps and truth of six images of two sizes."""
    shapes = [(40, 60), (60, 40)] * 3
    ids = [f"image {k}" for k in range(6)]
    maps = {name: soft(shape, k) for k, (name, shape) in enumerate(zip(ids, shapes, strict=True))}
    truth = {name: drawn(maps[name].shape, 1 + k % 3, k) for k, name in enumerate(ids)}
    return maps, truth


@pytest.mark.parametrize("nms", [False, True])
def test_jobs_do_not_matter(images, nms):
    """Any number of jobs gives the same to the last bit."""
    maps, truth = images
    expected = evaluate(maps, truth, nms=nms)
    for jobs in (2, 3, 8):
        assert same(evaluate(maps, truth, nms=nms, jobs=jobs), expected)


def test_the_set_is_the_sum_of_its_images(images):
    """The curve of all images sums up the images' counts; further maps do no harm."""
    maps, truth = images
    scores = evaluate({**maps, "another": np.zeros((3, 3))}, truth)
    total = [count_matches(maps[name], truth[name]) for name in truth]
    recall = sum(one.cntR for one in total) / sum(one.sumR for one in total)
    np.testing.assert_allclose(scores.recall, recall, rtol=1e-15)
    assert list(scores.images) == list(truth)


def test_interrupted_work_is_resumed(images, tmp_path):
    """What was finished before an interruption is not done again, and the result is the same."""
    maps, truth = images
    keep = tmp_path / "keep"

    class Interrupted(dict):
        def __getitem__(self, name):
            if name == "image 3":
                raise KeyboardInterrupt
            return super().__getitem__(name)

    with pytest.raises(KeyboardInterrupt):
        evaluate(Interrupted(maps), truth, keep=keep)
    kept = {path: path.stat().st_mtime_ns for path in keep.iterdir()}
    assert 3 <= len(kept) < 6
    scores = evaluate(maps, truth, keep=keep)
    assert same(scores, evaluate(maps, truth))
    assert len(list(keep.iterdir())) == 6
    assert all(path.stat().st_mtime_ns == before for path, before in kept.items())


def test_kept_results_belong_to_their_maps(images, tmp_path):
    """Another map, truth, number of thresholds or distance is counted anew; damage is repaired."""
    maps, truth = images
    evaluate(maps, truth, keep=tmp_path)
    changed = {**maps, "image 0": np.clip(maps["image 0"] + 0.1, 0, 1)}
    assert same(evaluate(changed, truth, keep=tmp_path), evaluate(changed, truth))
    other = {**truth, "image 0": truth["image 0"][:, ::-1]}
    assert same(evaluate(maps, other, keep=tmp_path), evaluate(maps, other))
    options = {"thresholds": 7, "max_dist": 0.03}
    assert same(evaluate(maps, truth, keep=tmp_path, **options), evaluate(maps, truth, **options))
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:50])
    assert same(evaluate(maps, truth, keep=tmp_path), evaluate(maps, truth))


def test_results_that_cannot_be_kept(images, tmp_path, capsys):
    """If the folder cannot be written, one line says so and the result is there all the same."""
    maps, truth = images
    (tmp_path / "file").write_text("in the way")
    scores = evaluate(maps, truth, keep=tmp_path / "file" / "keep")
    assert same(scores, evaluate(maps, truth))
    assert capsys.readouterr().err.count("not cached") == 1


def test_missing_and_misnamed_maps(images):
    """Missing maps are listed, with what is there under other names."""
    maps, truth = images
    maps["img 3"] = maps.pop("image 3")
    with pytest.raises(BSDSError) as caught:
        evaluate(maps, truth)
    assert "each of 6 images, 1 missing: image 3; maps of other names: img 3" in str(caught.value)


def test_bad_images_are_named(images):
    """A map of another size or with NaN stops the run with the image's name."""
    maps, truth = images
    with pytest.raises(BSDSError, match=r"image 2: .* 40×60 .*, found 60×40"):
        evaluate({**maps, "image 2": maps["image 1"]}, truth)
    with pytest.raises(ValueError, match=r"image 2: .*nan"):
        evaluate({**maps, "image 2": np.full((40, 60), np.nan)}, truth, jobs=2)
    with pytest.raises(BSDSError, match="at least one image"):
        evaluate(maps, {})
    with pytest.raises(BSDSError, match="jobs"):
        evaluate(maps, truth, jobs=0)


def test_the_first_of_several_bad_images_is_named(images):
    """With several jobs it is always the same one."""
    maps, truth = images
    bad = {**maps, "image 1": np.zeros((2, 2)), "image 4": np.zeros((3, 3))}
    for _ in range(5):
        with pytest.raises(BSDSError, match="map of image 1"):
            evaluate(bad, truth, jobs=4)


def test_threads_leave_warnings_as_they_were(tmp_path):
    """Reading many files in threads does not change the process's warning filters."""
    import warnings

    from scipy.io import savemat

    truth = {}
    for k in range(40):
        savemat(tmp_path / f"{k}.mat", {"ucm2": np.random.default_rng(k).random((21, 31))})
        truth[f"{k}"] = np.ones((1, 10, 15), bool)
    before = list(warnings.filters)
    for _ in range(3):
        evaluate(MapFolder(tmp_path), truth, jobs=8)
    assert warnings.filters == before


def test_one_image_and_no_truth(images):
    """A set of one image is a set; without any boundary every score is 0."""
    maps, truth = images
    scores = evaluate({"a": maps["image 0"]}, {"a": truth["image 0"]})
    assert scores.ods.f == scores.images["a"].f
    empty = evaluate({"a": maps["image 0"]}, {"a": np.zeros((1, 40, 60), bool)})
    assert (empty.ods.f, empty.ois.f, empty.ap) == (0, 0, 0)


def test_people_need_company():
    """Agreement is that of each with the others; equal drawings agree, a single one has none."""
    boundaries = drawn(annotators=1)
    point = human_point({"a": np.repeat(boundaries, 3, axis=0), "b": boundaries})
    assert point.recall == 1
    assert point.f > 0.98  # people's lines are thinned like any prediction
    with pytest.raises(BSDSError, match="two annotators"):
        human_point({"b": boundaries})


# --- the compiled code ---

_PROGRAM = """
import numpy as np, sys
from bsds_utils.benchmark import count_matches
for order in "CF":
    for dtype in (np.float32, np.float64):
        count_matches(np.zeros((9, 9), dtype, order), np.ones((1, 9, 9), bool, order))
print("numba" in sys.modules)
"""


def run(program, **environment):
    """Run a program in a fresh interpreter."""
    import os

    return subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_compiled_once(tmp_path):
    """The first run says that it compiles, once for all layouts; the next has nothing to say."""
    first = run(_PROGRAM, NUMBA_CACHE_DIR=str(tmp_path))
    assert first.returncode == 0, first.stderr
    assert first.stderr.count("compiling the benchmark") == 1
    files = sorted(tmp_path.rglob("*.nbc"))
    assert len(files) == 2
    second = run(_PROGRAM, NUMBA_CACHE_DIR=str(tmp_path))
    assert second.returncode == 0, second.stderr
    assert second.stderr == ""
    assert sorted(tmp_path.rglob("*.nbc")) == files


def test_numba_is_asked_for_on_one_line(tmp_path):
    """Without numba the package imports, and the benchmark says what to install."""
    program = """
import sys
sys.modules["numba"] = None
import numpy as np
from bsds_utils import BSDSError
from bsds_utils.benchmark import count_matches, suppress_non_maxima
try:
    count_matches(np.zeros((3, 3)), np.zeros((1, 3, 3), bool))
except BSDSError as error:
    print(error)
"""
    done = run(program)
    assert done.returncode == 0, done.stderr
    assert "pip install numba" in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_the_module_is_quick_to_import():
    """Importing the benchmark imports neither numba nor TensorFlow nor SciPy's image functions."""
    done = run(
        "import sys, bsds_utils.benchmark\n"
        "print({'numba', 'tensorflow', 'keras', 'scipy.ndimage'} & set(sys.modules))"
    )
    assert done.stdout.strip() == "set()", done.stderr


def test_text_files_have_the_official_format(images, tmp_path):
    """Numbers are right-aligned in ten columns with six digits, images numbered by sorted id."""
    maps, truth = images
    scores = evaluate_images(maps, dict(reversed(truth.items())))
    files = write_text_files(scores, tmp_path / "new" / "folder")
    assert [path.name for path in files] == [
        "eval_bdry.txt",
        "eval_bdry_thr.txt",
        "eval_bdry_img.txt",
    ]
    (line,) = files[0].read_text().splitlines()
    values = (*scores.ods, *scores.ois[1:], scores.ap)
    assert line == " ".join(f"{value:10.6g}" for value in values)
    rows = files[1].read_text().splitlines()
    assert len(rows) == 99
    assert rows[9].split()[0] == "0.1"
    numbered = files[2].read_text().splitlines()
    assert [row[:10] for row in numbered] == [f"{k:10d}" for k in range(1, 7)]
    assert float(numbered[0].split()[4]) == pytest.approx(scores.images["image 0"].f, rel=1e-5)
    (tmp_path / "file").write_text("x")
    with pytest.raises(BSDSError, match="cannot be written"):
        write_text_files(scores, Path(tmp_path / "file"))
