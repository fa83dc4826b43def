"""Which rows are held out: by lot, so that each class keeps its share, by groups, or by time."""

import warnings

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


# --- Folds: every row is held out once ---

SPLITS = ("random", "stratified", "group", "time")


def fold_rows(rows, k, split="random", labels=None, groups=None, shuffle=None, seed=None):
    """List of k pairs (training rows, held-out rows), as scikit-learn's splitters of the same meaning give them.

    With the same `seed`, these are the very rows of KFold, StratifiedKFold, GroupKFold and TimeSeriesSplit.

    Args:
        rows: number of rows N.
        k: number of folds, 2 or more.
        split: 'random': parts of equal size. 'stratified': each class is spread evenly over the folds. 'group': rows
            of one group stay together. 'time': each fold holds out the rows that follow those it trains on, so the
            first part of the rows is never held out.
        labels: class of each row, for 'stratified'.
        groups: group of each row, for 'group'.
        shuffle: draw who goes where. None: yes for 'random' and 'stratified', no otherwise.
        seed: whole number for the same folds every time; None draws from NumPy's global generator; or a RandomState.

    Raises:
        ValueError: too few rows, classes or groups; an order in time that is to be shuffled.

    Example:
        >>> [held_out.tolist() for _, held_out in fold_rows(5, 2, shuffle=False)]
        [[0, 1, 2], [3, 4]]
        >>> [(rest.tolist(), held_out.tolist()) for rest, held_out in fold_rows(4, 3, "time")]
        [([0], [1]), ([0, 1], [2]), ([0, 1, 2], [3])]
    """
    k = checks.integer("fold_rows", "k", k, least=2)
    shuffle = is_shuffled(split, shuffle)
    needed = k + (split == "time")
    if rows < needed:
        raise ValueError(f"{k} folds need {needed} rows or more; got {rows}.")
    generator = _generator(seed)
    if split == "time":
        size = rows // (k + 1)
        starts = [rows - size * (k - i) for i in range(k)]
        return [(np.arange(start), np.arange(start, start + size)) for start in starts]
    if split == "random":
        order = np.arange(rows)
        if shuffle:
            generator.shuffle(order)
        fold_of = np.empty(rows, int)
        fold_of[order] = np.repeat(np.arange(k), [rows // k + (i < rows % k) for i in range(k)])
    elif split == "stratified":
        fold_of = _stratified_folds(_column("labels", labels, rows, split), k, generator if shuffle else None)
    else:
        fold_of = _group_folds(_column("groups", groups, rows, split), k, generator if shuffle else None)
    return [(np.flatnonzero(fold_of != i), np.flatnonzero(fold_of == i)) for i in range(k)]


def hold_out_rows(rows, fraction, split="random", labels=None, groups=None, shuffle=None, seed=None):
    """One pair (training rows, held-out rows).

    Args:
        rows: number of rows N.
        fraction: how much to hold out, in (0, 1); for 'group', of the groups.
        split, labels, groups, shuffle, seed: as for :func:`fold_rows`. Without shuffling, and for 'time', the last rows
            are held out.

    Raises:
        ValueError: a part would be empty; an order in time that is to be shuffled.

    Example:
        >>> hold_out_rows(5, 0.4, "time")[1].tolist()
        [3, 4]
    """
    if not 0 < fraction < 1:
        raise checks.wrong_argument("hold_out", "fraction", fraction, "a number between 0 and 1")
    shuffle = is_shuffled(split, True if shuffle is None and split == "group" else shuffle)
    generator = _generator(seed)
    if split == "stratified" and shuffle:
        labels = _column("labels", labels, rows, split)
        rest, held_out = stratified_split(labels, fraction, int(generator.randint(2**31 - 1)))
        rest, held_out = np.sort(rest), np.sort(held_out)
    elif split == "group":
        names, group_of = np.unique(_column("groups", groups, rows, split), return_inverse=True)
        order = generator.permutation(len(names)) if shuffle else np.arange(len(names))[::-1]
        chosen = np.isin(group_of, order[: int(np.ceil(len(names) * fraction))])
        rest, held_out = np.flatnonzero(~chosen), np.flatnonzero(chosen)
    else:
        order = generator.permutation(rows) if shuffle else np.arange(rows)
        at = int(rows * (1 - fraction))
        rest, held_out = np.sort(order[:at]), np.sort(order[at:])
    if not len(rest) or not len(held_out):
        raise ValueError(f"hold_out: {fraction} of {rows} rows leaves one part empty.")
    return rest, held_out


def is_shuffled(split, shuffle=None):
    """Is it drawn which rows are held out? `shuffle` None: for 'random' and 'stratified'.

    Raises:
        ValueError: there is no such split; an order in time is to be shuffled.
    """
    if split not in SPLITS:
        raise checks.unknown_name("split", split, SPLITS)
    if split == "time" and shuffle:
        raise ValueError(
            "A time series must not be shuffled: the model would learn from what follows the rows it is judged on. "
            "Leave shuffle out with split='time'."
        )
    return split in ("random", "stratified") if shuffle is None else bool(shuffle)


def _generator(seed):
    if seed is None or hasattr(seed, "permutation"):
        return np.random if seed is None else seed
    return np.random.RandomState(seed)


def _column(what, values, rows, split):
    if values is None:
        raise ValueError(f"split={split!r} needs {what}: one value a row.")
    values = np.asarray(values)
    if values.shape != (rows,):
        raise ValueError(f"{what} must be one value for each of {rows} rows; got shape {values.shape}.")
    return values


def _stratified_folds(labels, k, generator):
    """Fold of each row. Counts come from dealing the sorted rows out one by one, so that sizes are even as well."""
    _, first, found, counts = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    if counts.max() < k:
        raise ValueError(
            f"Stratified into {k} folds, every fold should hold each class; the largest class has {counts.max()} rows. "
            f"Take fewer folds, or split='random' where the labels are no classes."
        )
    if counts.min() < k:
        warnings.warn(
            f"The smallest class has {counts.min()} rows, fewer than {k} folds: some folds will lack it.", stacklevel=4
        )
    rank = np.empty(len(first), int)
    rank[np.argsort(first)] = np.arange(len(first))  # classes in the order they come in
    classes = rank[found]
    dealt = np.sort(classes)
    shares = [np.bincount(dealt[i::k], minlength=len(first)) for i in range(k)]
    fold_of = np.empty(len(labels), int)
    for number in range(len(first)):
        own = np.repeat(np.arange(k), [share[number] for share in shares])
        if generator is not None:
            generator.shuffle(own)
        fold_of[classes == number] = own
    return fold_of


def _group_folds(groups, k, generator):
    """Fold of each row: the largest group still waiting joins the smallest fold, or groups are dealt out by lot."""
    names, group_of, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(names) < k:
        raise ValueError(f"{k} folds need {k} groups or more; got {len(names)}.")
    fold_of = np.empty(len(names), int)
    if generator is not None:
        for number, members in enumerate(np.array_split(generator.permutation(len(names)), k)):
            fold_of[members] = number
        return fold_of[group_of]
    filled = np.zeros(k, int)
    for group in np.argsort(sizes, kind="stable")[::-1]:
        fold_of[group] = np.argmin(filled)
        filled[fold_of[group]] += sizes[group]
    return fold_of[group_of]
