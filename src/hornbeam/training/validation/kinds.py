"""The three kinds of validation: hold-out, K-fold, iterated K-fold. Their arguments are told in full at `k_fold`."""

import numpy as np

from hornbeam import checks
from hornbeam.training.validation.result import ValidationResult
from hornbeam.training.validation.session import Session, Settings
from hornbeam.utils import splits


def k_fold(
    build, x, y=None, k=4, epochs=1, batch_size=None, split="random", *, shuffle=None, seed=None, groups=None,
    labels=None, standardize=False, sample_weight=None, class_weight=None, monitor="val_loss", shuffle_epochs=True,
    callbacks=None, validation_batch_size=None, verbose=1,
):  # fmt: skip
    """Train K models, each on all rows but a K-th, and judge each on the rows it has not seen.

    For data too small for one part of it to be a fair judge. All models are trained in one compiled program, one after
    the other, so that a fold costs what its steps cost; the numbers are those of K calls of `fit`.

    Args:
        build: function without arguments that makes a compiled model; called once for each fold.
        x, y: arrays, as for `fit`.
        k: number of folds.
        epochs, batch_size: as for `fit`.
        split: 'random', 'stratified' (each class is spread evenly over folds), 'group' (rows of a group stay together),
            'time' (models are judged on what follows the rows they learn from), an object with a scikit-learn
            splitter's `split`, or a list of pairs (training rows, held-out rows).
        shuffle: draw which rows are in which fold. None: yes for 'random' and 'stratified'. A time series refuses.
        seed: whole number for the same folds every time; None draws one from NumPy's global generator.
        groups: group of each row, for 'group'.
        labels: class of each row, for 'stratified'; None reads it off `y` (class numbers or one-hot rows).
        standardize: put inputs to mean 0 and deviation 1, both taken from the training rows of each fold alone.
        sample_weight, class_weight: as for `fit`; validation knows sample weights only.
        monitor: number whose mean over folds says which epoch is best; 'mae' means 'val_mae'.
        shuffle_epochs: what `fit` calls shuffle: a new order of the training rows every epoch.
        callbacks: function that makes the list of callbacks for a fold; training then goes through `fit`.
        validation_batch_size: rows a step of validation. None takes the batch size, or more where that changes nothing.
        verbose: 1 shows one progress line for everything, 2 its last state only, 0 nothing.

    Returns:
        A :class:`ValidationResult`: scores, mean, std, curves, best_epoch, and `refit()`.

    Raises:
        TypeError: `build` is a model, or returns none that is compiled. ValueError: it returns the same model again;
            rows that cannot be split so.

    Example:
        >>> from hornbeam import Sequential
        >>> from hornbeam.layers import Dense
        >>> def build():
        ...     model = Sequential([Dense(1, input_shape=(3,))])
        ...     model.compile("sgd", "mse")
        ...     return model
        >>> x = np.ones((8, 3))
        >>> k_fold(build, x, x[:, :1], k=4, epochs=2, verbose=0).scores["loss"].shape
        (4,)
    """
    seed = _seed(seed, split, shuffle)

    def choose(session):
        if not isinstance(split, str):
            return _given_folds(split, session.data, labels, groups)
        return splits.fold_rows(session.data.rows, k, split, _labels(labels, session, split), groups, shuffle, seed)

    settings = Settings(
        epochs, batch_size, class_weight, verbose, shuffle_epochs, standardize, callbacks, validation_batch_size
    )
    return _validate("k_fold", build, (x, y, sample_weight), settings, choose, monitor)


def iterated_k_fold(
    build, x, y=None, k=4, iterations=3, epochs=1, batch_size=None, split="random", *, seed=None, groups=None,
    labels=None, standardize=False, sample_weight=None, class_weight=None, monitor="val_loss", shuffle_epochs=True,
    callbacks=None, validation_batch_size=None, verbose=1,
):  # fmt: skip
    """K-fold validation over and over, the rows shuffled anew before each: P iterations make P * K models.

    The most exact word on very little data. Folds are those of scikit-learn's RepeatedKFold.

    Args:
        iterations: P.
        build, x, y, k, epochs, batch_size, split, seed, groups, labels, standardize, sample_weight, class_weight,
            monitor, shuffle_epochs, callbacks, validation_batch_size, verbose: see :func:`k_fold`.

    Returns:
        A :class:`ValidationResult` of P * K folds.

    Raises:
        ValueError: split='time', which must not be shuffled; and see :func:`k_fold`.
    """
    iterations = checks.integer("iterated_k_fold", "iterations", iterations, least=1)
    if not isinstance(split, str):
        raise TypeError("iterated_k_fold shuffles the rows itself; split is 'random', 'stratified' or 'group'.")
    generator = np.random.RandomState(_seed(seed, split, True))

    def choose(session):
        found, classes = [], _labels(labels, session, split)
        for _ in range(iterations):
            found += splits.fold_rows(session.data.rows, k, split, classes, groups, True, generator)
        return found

    settings = Settings(
        epochs, batch_size, class_weight, verbose, shuffle_epochs, standardize, callbacks, validation_batch_size
    )
    return _validate("iterated_k_fold", build, (x, y, sample_weight), settings, choose, monitor)


def hold_out(
    build, x, y=None, fraction=0.2, epochs=1, batch_size=None, split="random", *, shuffle=None, seed=None, groups=None,
    labels=None, standardize=False, sample_weight=None, class_weight=None, monitor="val_loss", shuffle_epochs=True,
    callbacks=None, validation_batch_size=None, verbose=1,
):  # fmt: skip
    """Train one model on a part of the rows and judge it on the others.

    Enough for large data. Of small data another part would give another score: see :func:`k_fold`.

    Args:
        fraction: how much to hold out. Without shuffling, and for split='time', these are the last rows.
        build, x, y, epochs, batch_size, split, shuffle, seed, groups, labels, standardize, sample_weight, class_weight,
            monitor, shuffle_epochs, callbacks, validation_batch_size, verbose: see :func:`k_fold`.

    Returns:
        A :class:`ValidationResult` of one fold.

    Raises:
        ValueError: a part would be empty; and see :func:`k_fold`.
    """
    if not isinstance(split, str):
        raise TypeError("hold_out takes split='random', 'stratified', 'group' or 'time'; k_fold takes lists of rows.")
    seed = _seed(seed, split, True if split == "group" and shuffle is None else shuffle)

    def choose(session):
        classes = _labels(labels, session, split)
        return [splits.hold_out_rows(session.data.rows, fraction, split, classes, groups, shuffle, seed)]

    settings = Settings(
        epochs, batch_size, class_weight, verbose, shuffle_epochs, standardize, callbacks, validation_batch_size
    )
    return _validate("hold_out", build, (x, y, sample_weight), settings, choose, monitor)


def _seed(seed, split, shuffle):
    """The seed of the folds, drawn before the first model draws its weights; None where nothing is drawn."""
    drawn = isinstance(split, str) and splits.is_shuffled(split, shuffle)  # an error comes before any model is built
    return np.random.randint(2**31 - 1) if seed is None and drawn else seed


def _labels(labels, session, split):
    """Class of each row, if they are wanted."""
    if split != "stratified":
        return None
    if labels is not None:
        return np.asarray(labels)
    target = next((t for t in session.data.targets if t is not None), None)
    if target is None:
        raise ValueError("split='stratified' needs labels: one value a row.")
    target = np.asarray(target)
    if target.ndim == 2 and target.shape[1] > 1:
        return target.argmax(axis=1)
    if target.size != len(target):
        raise ValueError(f"split='stratified' needs labels: y of shape {target.shape} has more than a class a row.")
    return target.reshape(-1)


def _given_folds(split, data, labels, groups):
    """Folds out of a splitter or a list of pairs, checked."""
    if hasattr(split, "split"):
        targets = [t for t in data.targets if t is not None]
        y = np.asarray(labels) if labels is not None else np.asarray(targets[0]).reshape(-1) if targets else None
        split = split.split(np.zeros((data.rows, 1)), y if y is not None and len(y) == data.rows else None, groups)
    found = []
    for number, pair in enumerate(split, 1):
        rest, held_out = (np.asarray(part) for part in pair)
        for rows in (rest, held_out):
            if rows.dtype.kind not in "iu" or rows.ndim != 1 or not len(rows):
                raise ValueError(f"split: fold {number} must be a pair of lists of row numbers, neither empty.")
            if rows.min() < 0 or rows.max() >= data.rows:
                raise ValueError(f"split: fold {number} names rows outside 0 to {data.rows - 1}.")
        if np.isin(held_out, rest).any():
            raise ValueError(f"split: fold {number} holds out rows that it is trained on, so its score means nothing.")
        found.append((rest, held_out))
    if not found:
        raise ValueError("split: there is no fold.")
    return found


def _validate(owner, build, given, settings, choose, monitor):
    """Train and judge on each of the folds that `choose(session)` gives."""
    checks.integer(owner, "epochs", settings.epochs, least=1)
    checks.integer(owner, "batch_size", settings.batch_size, least=1)
    session = Session(build, given, settings, owner)
    folds = choose(session)
    session.check_monitor(monitor)
    session.start_progress(len(folds))
    histories = []
    for number, (rest, held_out) in enumerate(folds, 1):
        histories.append(session.train(rest, held_out, label=f"fold {number}")[2])
    title = f"{owner}: {len(folds)} fold{'s' * (len(folds) > 1)}, {settings.epochs} epochs"
    result = ValidationResult(session, folds, histories, monitor, title)
    session.end_progress({f"val_{name}": value for name, value in result.mean.items()})
    return result
