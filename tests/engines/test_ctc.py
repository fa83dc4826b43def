"""CTC against counting: every path of a tiny problem is written out and added up."""

import collections
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hornbeam.engines.jax import ctc


def read(path, blank):
    merged = [label for label, _ in itertools.groupby(path)]
    return tuple(label for label in merged if label != blank)


def all_labellings(log_probabilities):
    """Probability of every labelling, over all paths of one row (T, C)."""
    steps, classes = log_probabilities.shape
    found = collections.defaultdict(float)
    for path in itertools.product(range(classes), repeat=steps):
        found[read(path, classes - 1)] += np.exp(sum(log_probabilities[t, c] for t, c in enumerate(path)))
    return found


@pytest.fixture(scope="module")
def rows():
    numbers = np.random.default_rng(1).normal(size=(4, 5, 4)) * 1.5
    return np.asarray(jax.nn.log_softmax(jnp.asarray(numbers, "float32"), -1))


def test_loss_adds_up_all_paths(rows):
    labels = np.array([[0, 1, 2], [1, 1, 0], [2, 0, 0], [0, 0, 0]])
    label_lengths, input_lengths = np.array([3, 2, 1, 0]), np.array([5, 5, 4, 3])
    got = ctc.ctc_loss(rows, labels, input_lengths, label_lengths)
    for row in range(4):
        want = all_labellings(rows[row, : input_lengths[row]])[tuple(labels[row, : label_lengths[row]])]
        assert np.exp(-got[row]) == pytest.approx(want, rel=1e-5)


def test_loss_gradient_is_that_of_central_differences(rows):
    labels, label_lengths, input_lengths = np.array([[0, 0, 1]]), np.array([3]), np.array([5])

    def loss(x):
        return ctc.ctc_loss(jax.nn.log_softmax(x, -1), labels, input_lengths, label_lengths)[0]

    gradient, bump = jax.jit(jax.grad(loss))(rows[:1]), 1e-2
    loss = jax.jit(loss)
    for place in [(0, 0, 0), (0, 2, 3), (0, 4, 1)]:
        step = np.zeros_like(rows[:1])
        step[place] = bump
        slope = float(loss(rows[:1] + step) - loss(rows[:1] - step)) / (2 * bump)
        assert float(gradient[place]) == pytest.approx(slope, abs=2e-3)


def test_labels_that_do_not_fit_cost_infinitely_and_give_no_gradient(rows):
    # Two equal labels need a blank between them: 3 steps, and there are 2.
    labels, lengths = np.array([[1, 1]]), np.array([2])
    value, gradient = jax.value_and_grad(lambda x: ctc.ctc_loss(x, labels, lengths, lengths)[0])(rows[:1])
    assert np.isinf(value)
    assert np.all(np.asarray(gradient) == 0)


def test_nothing_to_read_and_nothing_to_label_costs_nothing(rows):
    none = np.array([0])
    assert float(ctc.ctc_loss(rows[:1], np.array([[1, 2]]), none, none)[0]) == 0
    assert ctc.ctc_loss(rows[:0], np.zeros((0, 2), int), np.zeros(0, int), np.zeros(0, int)).shape == (0,)


def test_greedy_merges_repeats_and_drops_blanks():
    best = np.array([[0, 0, 2, 0, 1], [2, 2, 2, 2, 2], [1, 0, 0, 1, 1]])  # 2 is the blank
    logs = np.log(np.eye(3)[best] * 0.7 + 0.1).astype("float32")
    labels, score = ctc.ctc_greedy(logs, np.array([5, 5, 3]))
    assert np.asarray(labels).tolist() == [[0, 0, 1, -1, -1], [-1] * 5, [1, 0, -1, -1, -1]]
    np.testing.assert_allclose(score, np.log(0.8) * np.array([5, 5, 3]), rtol=1e-5)


def test_beam_search_finds_the_likeliest_labellings(rows):
    lengths = np.array([5, 4, 5, 3])
    labels, scores = ctc.ctc_beam_search(rows, lengths, 300, 3)  # wide enough to keep every prefix
    for row in range(4):
        known = sorted(all_labellings(rows[row, : lengths[row]]).items(), key=lambda item: -item[1])[:3]
        for place, (labelling, probability) in enumerate(known):
            assert tuple(x for x in np.asarray(labels[place, row]) if x >= 0) == labelling
            assert np.exp(scores[row, place]) == pytest.approx(probability, rel=1e-5)


def test_a_narrow_beam_never_claims_more_than_the_whole_probability(rows):
    labels, scores = ctc.ctc_beam_search(rows, np.array([5, 5, 5, 5]), 4, 1)
    for row in range(4):
        found = tuple(x for x in np.asarray(labels[0, row]) if x >= 0)
        assert np.exp(scores[row, 0]) <= all_labellings(rows[row])[found] * (1 + 1e-5)
