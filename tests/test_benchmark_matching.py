"""Matching against independent solvers: SciPy's assignment with outlier nodes, and brute force."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse
from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from bsds_utils.benchmark import correspond_pixels
from bsds_utils.benchmark.correspondence import frame_of
from bsds_utils.benchmark.engine import load_engine


class Problem:
    """Predicted masks, from the first to the last, and one annotator's mask."""

    def __init__(self, masks, truth, max_dist):
        self.masks, self.truth, self.max_dist = masks, truth, max_dist
        # At a distance of 0 equal positions still match.
        self.outlier_cost = max(int(np.ceil(100 * max_dist * np.hypot(*truth.shape) * 100)), 1)

    def solve(self):
        """Return (pairs, pixels matched) of every mask by the code under test."""
        frame = frame_of(self.truth.shape, self.max_dist)
        listed = [frame.positions(mask) for mask in self.masks]
        starts = np.concatenate([[0], np.cumsum([len(one) for one in listed])]).astype(np.int64)
        matched = np.zeros(starts[-1], bool)
        pairs, partners = load_engine().match_masks(
            frame.positions(self.truth),
            starts,
            np.concatenate(listed),
            frame.steps,
            frame.weights,
            frame.size,
            matched,
        )
        assert np.count_nonzero(partners >= 0) == pairs[-1]
        return list(zip(pairs.tolist(), np.split(matched, starts[1:-1]), strict=True))

    def edges(self, mask):
        """Return (i, j, cost) of all pairs that may match, by distances and not by offsets."""
        ours, true = np.argwhere(mask), np.argwhere(self.truth)
        squared = ((ours[:, None] - true[None]) ** 2).sum(axis=-1)
        limit = self.max_dist * np.hypot(*self.truth.shape)
        i, j = np.nonzero(squared <= limit**2)
        return i, j, np.rint(100 * np.sqrt(squared[i, j])).astype(int)


def by_assignment(problem, mask, demanded=None):
    """Solve a mask with outlier nodes, as the official code does; return (pairs, total cost).

    Of predicted pixels that are demanded (bool, one for each), exactly those are matched.
    """
    i, j, cost = problem.edges(mask)
    n, m = np.count_nonzero(mask), np.count_nonzero(problem.truth)
    out = problem.outlier_cost
    unmatched = np.full(n, out)
    if demanded is not None:
        i, j, cost = i[demanded[i]], j[demanded[i]], cost[demanded[i]]
        unmatched[demanded] = 10**9
    if not len(i):
        return 0, out * (n + m)
    # Rows: predicted pixels, then an outlier for each true one. Columns: the other way round.
    # SciPy takes a stored zero for no edge, so every cost is raised by one.
    rows = np.concatenate([i, np.arange(n), n + np.arange(m), n + j])
    columns = np.concatenate([j, m + np.arange(n), np.arange(m), m + i])
    weights = np.concatenate([cost, unmatched, np.full(m + len(i), out)]) + 1
    graph = sparse.csr_array((weights, (rows, columns)), shape=(n + m, n + m))
    at, to = min_weight_full_bipartite_matching(graph)
    real = (at < n) & (to < m)
    return int(np.count_nonzero(real)), int(graph[at, to].sum() - (n + m))


def check(problem):
    """Compare every mask's pairs and cost with the assignment's."""
    for mask, (pairs, matched) in zip(problem.masks, problem.solve(), strict=True):
        assert np.count_nonzero(matched) == pairs
        expected = by_assignment(problem, mask)
        assert pairs == expected[0]
        # The pixels that we matched can be matched at that cost.
        assert by_assignment(problem, mask, demanded=matched) == expected


@st.composite
def problems(draw):
    """Draw masks in any order: nested, overlapping, repeated, empty."""
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=11))
    numbers = hnp.arrays(np.int8, shape, elements=st.integers(0, 9))
    truth = draw(numbers) < draw(st.integers(0, 6))
    masks = [draw(numbers) < draw(st.integers(0, 6)) for _ in range(draw(st.integers(1, 4)))]
    # From equal positions only to a reach of more than the whole image.
    return Problem(masks, truth, draw(st.sampled_from([0.0, 0.1, 0.2, 0.35, 1.5])))


@settings(max_examples=400, deadline=None)
@given(problems())
def test_small_masks_are_matched_optimally(problem):
    """Pairs and cost are those of the assignment problem for any sequence of masks."""
    check(problem)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("density", [0.01, 0.1, 0.4])
def test_random_masks_are_matched_optimally(seed, density):
    """The same on larger random masks that come and go, dense ones included."""
    random = np.random.default_rng(seed)
    truth = random.random((40, 60)) < 0.1
    masks = [random.random((40, 60)) < density for _ in range(4)]
    check(Problem(masks, truth, 0.04))


def test_soft_maps_are_matched_optimally():
    """The same on the thinned masks of a soft map, down all its thresholds."""
    from skimage.morphology import thin

    random = np.random.default_rng(5)
    strength = gaussian_filter(random.random((60, 90)), 2)
    strength = (strength - strength.min()) / np.ptp(strength)
    truth = thin(gaussian_filter(random.random((60, 90)), 2) > 0.51)
    masks = [thin(strength >= k / 40) for k in range(39, 0, -1)]
    check(Problem(masks, truth, 0.035))


@pytest.mark.real_data
@pytest.mark.parametrize("kind", ["ucm2", "soft"])
def test_real_maps_are_matched_optimally(kind, official_benchmark, bsds500_root):
    """The same on a photograph's gPb-owt-ucm map and on its soft gradients, at full size."""
    from skimage.morphology import thin

    from bsds_utils import open_dataset
    from bsds_utils.benchmark import read_map

    dataset = open_dataset("bsds500", bsds500_root)
    if kind == "ucm2":
        strength = read_map(official_benchmark / "ucm2" / "226043.mat")
    else:
        grey = dataset.image("test", "226043").mean(axis=-1)
        strength = gaussian_filter(gaussian_gradient_magnitude(grey, 2), 2)
        strength = np.sqrt(strength / strength.max())
    truth = dataset.boundaries("test", "226043")[0]
    masks = [thin(strength >= k / 100) for k in range(90, 0, -8)]
    check(Problem(masks, truth, 0.0075))


def test_brute_force():
    """On tiny problems the pairs are those of the best of all one-to-one assignments."""
    random = np.random.default_rng(0)
    for _ in range(200):
        truth, mask = random.random((2, 4, 4)) < 0.25
        ours, true = np.argwhere(mask), np.argwhere(truth)
        if len(ours) > 5 or len(true) > 5:
            continue
        problem = Problem([mask], truth, 0.4)
        limit = 0.4 * np.sqrt(32)
        out = problem.outlier_cost
        best = (0, 0)
        slots = [*range(len(true)), *[None] * len(ours)]
        for choice in set(permutations(slots, len(ours))):
            pairs = [(a, true[b]) for a, b in zip(ours, choice, strict=True) if b is not None]
            lengths = [np.hypot(*(a - b)) for a, b in pairs]
            if all(length <= limit for length in lengths):
                gain = sum(out - round(100 * length) for length in lengths)
                best = max(best, (gain, len(pairs)))
        assert problem.solve()[0][0] == best[1]


def test_a_long_line_is_not_moved_as_a_whole():
    """Beyond an outlier's cost, one match more is not worth moving a whole line for."""
    # Moving n pixels by one costs 100·n; a pair more is worth the outlier cost.
    for length, expected in ((300, 300), (500, 499)):
        predicted, truth = np.zeros((2, 4, 520), bool)
        predicted[1, :length] = True
        truth[1, 1 : length + 1] = True
        problem = Problem([predicted], truth, 0.0075)
        assert problem.outlier_cost // 100 in range(300, 500)
        assert problem.solve()[0][0] == expected
        check(problem)


def test_nothing_to_match():
    """Without true or predicted pixels there are no pairs, and no error."""
    empty, full = np.zeros((5, 7), bool), np.ones((5, 7), bool)
    assert [pairs for pairs, _ in Problem([empty, full, empty], empty, 0.1).solve()] == [0, 0, 0]
    assert [pairs for pairs, _ in Problem([empty, full, empty], full, 0.1).solve()] == [0, 35, 0]


@settings(max_examples=200, deadline=None)
@given(problems())
def test_pairs_are_what_they_cost(problem):
    """Pairs are one to one, within reach, of set pixels, and cost as little as possible."""
    mask = problem.masks[0]
    found = correspond_pixels(mask, problem.truth, problem.max_dist)
    for pixels, allowed in ((found.predicted, mask), (found.true, problem.truth)):
        assert allowed[tuple(pixels.T)].all()
        assert len(set(map(tuple, pixels.tolist()))) == len(pixels)
    distance = np.sqrt(((found.predicted - found.true) ** 2).sum(axis=1))
    assert (distance <= problem.max_dist * np.hypot(*mask.shape) + 1e-9).all()
    unmatched = np.count_nonzero(mask) + np.count_nonzero(problem.truth) - len(distance)
    cost = np.rint(100 * distance).sum() + problem.outlier_cost * unmatched
    assert (len(distance), cost) == by_assignment(problem, mask)


def test_masks_of_different_shapes():
    """Two masks must have one shape, and be masks."""
    with pytest.raises(ValueError, match="one shape"):
        correspond_pixels(np.zeros((2, 3)), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="prediction: expected a binary mask"):
        correspond_pixels(np.full((2, 3), 0.5), np.zeros((2, 3)))
