"""Words for sequences whose labels are not aligned in time: connectionist temporal classification (CTC).

The network gives a probability for each class at each step, one class (the last) standing for "no label here".
"""

from typing import Any, NamedTuple

import numpy as np

from hornbeam import config
from hornbeam.backend.words import is_symbolic, word
from hornbeam.engines import engine


def _logarithms(y_pred):
    return engine.log_softmax(engine.log(y_pred + config.epsilon()), axis=-1)


def _lengths(x):
    return engine.cast(engine.reshape(engine.convert(x), (-1,)), "int32")


@word
def ctc_batch_cost(y_true, y_pred, input_length, label_length):
    """-log of the probability of the labels, summed over all ways to place them in time.

    Labels that need more steps than the input has (one a label, and one more between two equal labels) cannot be
    placed: their cost is infinite and their gradient zero.

    Args:
        y_true: labels, integers from 0 to C - 2, padded with anything.
        y_pred: probabilities of the C classes at each step (softmax); the last class is the blank.
        input_length: number of steps of each row that count.
        label_length: number of labels of each row.

    Shapes:
        y_true (B, L), y_pred (B, T, C), input_length (B, 1), label_length (B, 1) -> (B, 1).

    Example:
        >>> y_pred = np.full((1, 2, 3), 1 / 3, "float32")
        >>> cost = ctc_batch_cost(np.array([[0]]), y_pred, np.array([[2]]), np.array([[1]]))
        >>> round(float(np.exp(-cost[0, 0])), 4)  # "00", "0-" and "-0", out of 9 paths
        0.3333

    Reference:
        Graves et al., Connectionist Temporal Classification, ICML 2006, section 4.1.
    """
    y_true, y_pred = engine.convert(y_true), engine.convert(y_pred)
    cost = engine.ctc_loss(_logarithms(y_pred), y_true, _lengths(input_length), _lengths(label_length))
    return engine.expand_dims(cost, -1)


@word
def ctc_decode(y_pred, input_length, greedy=True, beam_width=100, top_paths=1):
    """The labels that class probabilities over time stand for.

    Greedy reading takes the likeliest class at each step, which is fast but is not the likeliest labelling. Beam
    search sums over placements in time; equal labels in a row stay apart (TensorFlow 1 merged them).

    Args:
        y_pred: probabilities of the C classes at each step; the last class is the blank.
        input_length: (B,) number of steps of each row that count.
        greedy: take the best class at each step, else search.
        beam_width: number of candidates the search keeps.
        top_paths: number of answers of the search.

    Shapes:
        y_pred (B, T, C) -> list of `top_paths` arrays (B, T), -1 after the last label, and (B, top_paths): log
        probabilities. The greedy way gives one array and, (B, 1), the negative sum of the steps' best logarithms.

    Raises:
        ValueError: `top_paths` is above `beam_width`.

    Example:
        >>> y_pred = np.array([[[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]]], "float32")
        >>> ctc_decode(y_pred, np.array([3]))[0][0].tolist()
        [[0, 0, -1]]
    """
    y_pred = engine.convert(y_pred)
    if greedy:
        labels, score = engine.ctc_greedy(engine.log(y_pred + config.epsilon()), _lengths(input_length))
        return [labels], engine.expand_dims(-score, -1)
    if not 1 <= top_paths <= beam_width:
        raise ValueError(
            f"K.ctc_decode: top_paths must be from 1 to beam_width; got top_paths={top_paths}, beam_width={beam_width}."
        )
    labels, scores = engine.ctc_beam_search(_logarithms(y_pred), _lengths(input_length), beam_width, top_paths)
    return [labels[i] for i in range(top_paths)], scores


class SparseLabels(NamedTuple):
    """Labels as a list of places: `indices` (N, 2), `values` (N,), and the `dense_shape` they came from."""

    indices: Any
    values: Any
    dense_shape: Any


def ctc_label_dense_to_sparse(labels, label_lengths):
    """Padded labels as a :class:`SparseLabels`, for code that writes them down; `ctc_batch_cost` takes them padded.

    Args:
        labels: (B, L) integers.
        label_lengths: (B,) number of labels of each row.

    Raises:
        TypeError: the labels have no values yet, or are being compiled: how many there are is not known then.

    Example:
        >>> ctc_label_dense_to_sparse(np.array([[1, 2], [3, 0]]), np.array([2, 1])).values.tolist()
        [1, 2, 3]
    """
    if is_symbolic(labels, label_lengths) or engine.is_traced(labels) or engine.is_traced(label_lengths):
        raise TypeError(
            "K.ctc_label_dense_to_sparse needs labels whose values are known, since their number is the result's size. "
            "K.ctc_batch_cost takes padded labels as they are."
        )
    labels, lengths = np.asarray(labels), np.asarray(label_lengths).reshape(-1)
    indices = np.argwhere(np.arange(labels.shape[1])[None, :] < lengths[:, None])
    return SparseLabels(indices, labels[indices[:, 0], indices[:, 1]], np.array(labels.shape))
