"""The CTC words: classic arguments and shapes, and parity with Keras 3 where it has the same."""

import numpy as np
import pytest

from hornbeam import backend as K


@pytest.fixture(scope="module")
def probabilities():
    numbers = np.exp(np.random.default_rng(2).normal(size=(3, 6, 5)) * 1.5)
    return (numbers / numbers.sum(-1, keepdims=True)).astype("float32")


LABELS = np.array([[0, 1, 1], [2, 3, 0], [3, 0, 0]])
LABEL_LENGTHS, INPUT_LENGTHS = np.array([[3], [2], [1]]), np.array([[6], [5], [6]])


def test_cost_is_that_of_keras(probabilities):
    from keras import ops

    got = K.get_value(K.ctc_batch_cost(LABELS, probabilities, INPUT_LENGTHS, LABEL_LENGTHS))
    assert got.shape == (3, 1)
    first_is_blank = np.roll(probabilities, 1, -1)  # Keras 3 has the blank wherever it is told
    want = ops.ctc_loss(LABELS + 1, np.log(first_is_blank), LABEL_LENGTHS[:, 0], INPUT_LENGTHS[:, 0], mask_index=0)
    np.testing.assert_allclose(got[:, 0], want, rtol=1e-4)


def test_symbolic_cost_and_its_gradient(probabilities):
    places = [K.placeholder(s, dtype=d) for s, d in [((None, 3), "int32"), ((None, 6, 5), "float32")]]
    lengths = [K.placeholder((None, 1), dtype="int32") for _ in range(2)]
    cost = K.ctc_batch_cost(*places, *lengths)
    assert tuple(cost.shape) == (None, 1)
    found = K.function([*places, *lengths], [cost, *K.gradients(K.sum(cost), places[1])])
    values, gradient = found([LABELS, probabilities, INPUT_LENGTHS, LABEL_LENGTHS])
    np.testing.assert_allclose(
        values, K.get_value(K.ctc_batch_cost(LABELS, probabilities, INPUT_LENGTHS, LABEL_LENGTHS)), rtol=1e-5
    )
    assert np.all(np.isfinite(gradient))
    assert np.all(gradient[1, 5] == 0)  # beyond the second row's length


def test_greedy_reading_is_that_of_keras(probabilities):
    from keras import ops

    (labels,), score = K.ctc_decode(probabilities, INPUT_LENGTHS[:, 0])
    assert labels.shape == (3, 6)
    assert score.shape == (3, 1)
    want, _ = ops.ctc_decode(np.log(probabilities), INPUT_LENGTHS[:, 0], "greedy", mask_index=4, merge_repeated=True)
    for row, known in zip(np.asarray(labels), np.asarray(want[0])):
        assert [x for x in row if x >= 0] == [x for x in known if x >= 0]


def test_beam_search_is_that_of_keras(probabilities):
    from keras import ops

    paths, scores = K.ctc_decode(probabilities, INPUT_LENGTHS[:, 0], greedy=False, beam_width=20, top_paths=2)
    assert len(paths) == 2
    assert scores.shape == (3, 2)
    want, known = ops.ctc_decode(
        np.log(probabilities), INPUT_LENGTHS[:, 0], "beam_search", beam_width=20, top_paths=2, mask_index=4
    )
    for path in range(2):
        for row in range(3):
            mine, theirs = (np.asarray(a)[row] for a in (paths[path], want[path]))
            assert [x for x in mine if x >= 0] == [x for x in theirs if x >= 0]
    np.testing.assert_allclose(scores, known, rtol=1e-4)


def test_more_answers_than_candidates_is_an_error(probabilities):
    with pytest.raises(ValueError, match="top_paths=3, beam_width=2"):
        K.ctc_decode(probabilities, INPUT_LENGTHS[:, 0], greedy=False, beam_width=2, top_paths=3)


def test_padded_labels_as_a_list_of_places():
    sparse = K.ctc_label_dense_to_sparse(LABELS, LABEL_LENGTHS[:, 0])
    assert sparse.indices.tolist() == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [2, 0]]
    assert sparse.values.tolist() == [0, 1, 1, 2, 3, 3]
    assert sparse.dense_shape.tolist() == [3, 3]
    with pytest.raises(TypeError, match=r"takes padded labels"):
        K.ctc_label_dense_to_sparse(K.placeholder((None, 3), dtype="int32"), LABEL_LENGTHS[:, 0])


def test_the_readable_engine_means_the_same(probabilities):
    def results():
        cost = K.ctc_batch_cost(LABELS, probabilities, INPUT_LENGTHS, LABEL_LENGTHS)
        (greedy,), score = K.ctc_decode(probabilities, INPUT_LENGTHS[:, 0])
        paths, scores = K.ctc_decode(probabilities, INPUT_LENGTHS[:, 0], greedy=False, beam_width=20, top_paths=2)
        return [np.asarray(r) for r in (cost, greedy, score, *paths, scores)]

    fast = results()
    with K.use_engine("numpy"):
        plain = results()
    for one, other in zip(fast, plain, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4)
