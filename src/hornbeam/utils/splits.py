"""Rows chosen for holding out, so that each class keeps its share."""

import numpy as np

from hornbeam import checks


def stratified_split(labels, fraction, seed=None):
    """Row numbers (rest, held_out), both in random order; every class gives the same share of its rows.

    The number held out is exactly round(fraction * rows): each class gives the whole part of its share, and the rows
    still missing come from the classes whose share was cut most.

    Args:
        labels: class of each row, one axis.
        fraction: how much to hold out, in (0, 1).
        seed: whole number for the same rows every time; None for others each time.

    Shapes:
        labels (B,) -> (B - H,), (H,)

    Raises:
        ValueError: `fraction` or the shape of `labels` is wrong.

    Example:
        >>> rest, held_out = stratified_split([0] * 6 + [1] * 3, 1 / 3, seed=0)
        >>> sorted(int(row) // 6 for row in held_out)  # two rows of class 0, one of class 1
        [0, 0, 1]
    """
    labels = np.asarray(labels)
    if labels.ndim != 1:
        raise ValueError(f"stratified_split takes one label a row; got labels of shape {labels.shape}.")
    if not 0 < fraction < 1:
        raise checks.wrong_argument("stratified_split", "fraction", fraction, "a number between 0 and 1")
    generator = np.random.default_rng(seed)
    classes, counts = np.unique(labels, return_counts=True)
    shares = counts * fraction
    take = np.floor(shares).astype(int)
    missing = int(round(len(labels) * fraction)) - int(take.sum())
    take[np.argsort(take - shares, kind="stable")[:missing]] += 1
    rows = [generator.permutation(np.flatnonzero(labels == name)) for name in classes]
    held_out = np.concatenate([own[:n] for own, n in zip(rows, take)])
    rest = np.concatenate([own[n:] for own, n in zip(rows, take)])
    return generator.permutation(rest), generator.permutation(held_out)
