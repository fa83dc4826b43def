"""Batches without end in random order: Iterator, which others derive from, and NumpyArrayIterator for arrays."""

import os
import threading
import warnings

import numpy as np

from hornbeam import checks
from hornbeam.preprocessing.image.pictures import CHANNELS, EXTENSIONS, float_type, save_img
from hornbeam.utils.sequences import Sequence

SUBSETS = ("training", "validation")


class Iterator(Sequence):
    """Base of the picture iterators: batches by number (a Sequence) and by `next`, which goes on without end.

    A derived class defines `_get_batches_of_transformed_samples(index_array)`, from row numbers to a batch. `next` may
    be called from several threads. Random numbers are numpy's global ones: with `seed`, `np.random.seed(seed + batches
    seen)` is called before each batch, as in the classic. Several worker threads share that generator, so that only
    one worker (or none) gives the same pictures every time.

    Args:
        n: number of rows.
        batch_size: rows of a batch; the last one of a pass may be shorter.
        shuffle: a new order for every pass?
        seed: whole number or None.

    Attributes:
        index_array: row numbers in the order of this pass; None before the first batch.
        batch_index: number of the batch that `next` gives next.
        total_batches_seen: number of batches made so far.

    Raises:
        ValueError: there is no batch of that number.

    Example:
        >>> class Rows(Iterator):
        ...     def _get_batches_of_transformed_samples(self, index_array):
        ...         return index_array * 10
        >>> rows = Rows(3, batch_size=2, shuffle=False, seed=None)
        >>> len(rows), rows[1].tolist(), [next(rows).tolist() for _ in range(3)]
        (2, [20], [[0, 10], [20], [0, 10]])

    Reference: keras_preprocessing 1.1.2.
    """

    white_list_formats = EXTENSIONS

    def __init__(self, n, batch_size, shuffle, seed):
        self.n = n
        self.batch_size = checks.integer(type(self).__name__, "batch_size", batch_size, least=1)
        self.seed = seed
        self.shuffle = shuffle
        self.batch_index = 0
        self.total_batches_seen = 0
        self.lock = threading.Lock()
        self.index_array = None
        self.index_generator = self._flow_index()

    def _set_index_array(self):
        self.index_array = np.random.permutation(self.n) if self.shuffle else np.arange(self.n)

    def _seed_next(self):
        if self.seed is not None:
            np.random.seed(self.seed + self.total_batches_seen)

    def __len__(self):
        return -(-self.n // self.batch_size)

    def __getitem__(self, idx):
        number = idx + len(self) if idx < 0 else idx
        if not 0 <= number < len(self):
            raise ValueError(f"{type(self).__name__}: there is no batch {idx}; it has {len(self)}, counted from 0.")
        with self.lock:
            self._seed_next()
            self.total_batches_seen += 1
            if self.index_array is None:
                self._set_index_array()
            rows = self.index_array[self.batch_size * number : self.batch_size * (number + 1)]
        return self._get_batches_of_transformed_samples(rows)

    def on_epoch_end(self):
        """A new order for the next pass over the batches by number."""
        self._set_index_array()

    def reset(self):
        """Let `next` begin a new pass."""
        self.batch_index = 0

    def _flow_index(self):
        while True:
            self._seed_next()
            if self.batch_index == 0 or self.index_array is None:
                self._set_index_array()
            first = self.batch_index * self.batch_size % self.n if self.n else 0
            self.batch_index = self.batch_index + 1 if self.n > first + self.batch_size else 0
            self.total_batches_seen += 1
            yield self.index_array[first : first + self.batch_size]

    def __iter__(self):
        return self

    def __next__(self, *args, **kwargs):
        return self.next(*args, **kwargs)

    def next(self):
        """The next batch."""
        with self.lock:
            rows = next(self.index_generator)
        return self._get_batches_of_transformed_samples(rows)  # other threads may work at the same time

    def _get_batches_of_transformed_samples(self, index_array):
        raise NotImplementedError(
            f"{type(self).__name__} must define _get_batches_of_transformed_samples(self, index_array), which makes a "
            f"batch of the rows with these numbers."
        )

    def __getstate__(self):
        # Worker processes must agree on the order, so it is drawn before the first of them gets its copy.
        if self.index_array is None:
            self._seed_next()
            self._set_index_array()
        return {name: value for name, value in vars(self).items() if name not in ("lock", "index_generator")}

    def __setstate__(self, state):
        vars(self).update(state, lock=threading.Lock(), index_generator=self._flow_index())


def put_transformed(batch, row, x, generator):
    """Write one picture into a batch: transformed at random, standardised.

    Args:
        batch: array (B, ...) to write into.
        row: where.
        x: the picture; it may be changed.
        generator: ImageDataGenerator, or None to take the picture as it is.

    Raises:
        ValueError: what comes out has another shape.
    """
    if generator is not None:
        x = generator.apply_transform(x, generator.get_random_transform(x.shape))
        x = generator.standardize(x)
    try:
        batch[row] = x
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"A picture of shape {batch.shape[1:]} came back as {type(x).__name__} of shape {np.shape(x)} from its "
            f"transformations. A preprocessing_function returns an array of the shape it gets."
        ) from error


def save_rows(iterator, batch, index_array, most):
    """Write the pictures of a batch into `iterator.save_to_dir` as `prefix_index_number.format`.

    Args:
        iterator: has save_to_dir, save_prefix, save_format, data_format.
        batch: array (B, ...).
        index_array: numbers of the rows.
        most: the number in a name is drawn below this.
    """
    os.makedirs(iterator.save_to_dir, exist_ok=True)
    for x, index in zip(batch, index_array):
        name = f"{iterator.save_prefix}_{index}_{np.random.randint(most)}.{iterator.save_format}"
        save_img(os.path.join(iterator.save_to_dir, name), x, data_format=iterator.data_format)


def subset_bounds(owner, subset, generator):
    """Shares (begin, end) of the rows that `subset` means; the validation part comes first.

    Args:
        owner: who asks, for the message.
        subset: 'training', 'validation', or None for all.
        generator: ImageDataGenerator, which knows `validation_split`.

    Raises:
        ValueError: there is no such subset, or nothing is held out.
    """
    if subset is None:
        return None
    if subset not in SUBSETS:
        raise checks.unknown_name(f"{owner} subset", subset, SUBSETS)
    held_out = getattr(generator, "_validation_split", 0.0)
    if subset == "training":
        return held_out, 1
    if not held_out:
        raise ValueError(
            f"{owner}(subset='validation'): nothing is held out. Say how much: "
            f"ImageDataGenerator(validation_split=0.2)."
        )
    return 0, held_out


class NumpyArrayIterator(Iterator):
    """Batches of pictures in an array, each transformed at random; what `ImageDataGenerator.flow` gives.

    A batch is x, (x, y) or (x, y, sample_weight); x is a list if further inputs were given.

    Args:
        x: array of pictures; or a tuple (pictures, array or list of arrays that go along as they are).
        y: targets, or None.
        image_data_generator: ImageDataGenerator.
        batch_size, shuffle, seed: see :class:`Iterator`.
        sample_weight: weight of each row, or None.
        data_format: 'channels_last', 'channels_first'; None for the default layout.
        save_to_dir, save_prefix, save_format: folder, beginning of the names and format of the pictures to save.
        subset: 'training' or 'validation': which part of the rows, by the generator's `validation_split`; the first
            rows are the validation part.
        dtype: type of the pictures; None for the default float type.
        ignore_class_split: take a subset even if its classes are not those of the other?

    Shapes:
        x (N, H, W, C) -> (B, H, W, C)

    Raises:
        ValueError: lengths or ranks do not fit; there is no picture; the subset has other classes.

    Example:
        >>> from hornbeam.preprocessing.image import ImageDataGenerator
        >>> batches = NumpyArrayIterator(np.zeros((5, 4, 4, 1)), np.arange(5), ImageDataGenerator(), batch_size=2)
        >>> [y.tolist() for x, y in (batches[0], batches[2])]
        [[0, 1], [4]]

    Reference: keras_preprocessing 1.1.2, which does not divide `sample_weight` among the subsets; `ignore_class_split`
    as in newer Keras.
    """

    def __init__(
        self, x, y, image_data_generator, batch_size=32, shuffle=False, sample_weight=None, seed=None,
        data_format=None, save_to_dir=None, save_prefix="", save_format="png", subset=None, dtype=None,
        ignore_class_split=False,
    ):  # fmt: skip
        self.dtype = float_type("flow", dtype)
        self.data_format = checks.data_format("flow", data_format)
        self.image_data_generator = image_data_generator
        self.save_to_dir = save_to_dir
        self.save_prefix = save_prefix
        self.save_format = save_format
        x, further = _pictures_and_further(x)
        for name, rows in (("y", y), ("sample_weight", sample_weight), *(("x[1]", rows) for rows in further)):
            if rows is not None and len(rows) != len(x):
                raise ValueError(f"flow: {name} has {len(rows)} rows, x has {len(x)} pictures; they go in pairs.")
        part = _part_of(len(x), subset, image_data_generator, None if ignore_class_split else y)
        self.x = np.asarray(x[part], dtype=self.dtype)
        self.x_misc = [rows[part] for rows in further]
        self.y = None if y is None else np.asarray(y[part])
        self.sample_weight = None if sample_weight is None else np.asarray(sample_weight[part])
        self._check_pictures(subset)
        super().__init__(len(self.x), batch_size, shuffle, seed)

    def _check_pictures(self, subset):
        if self.x.ndim != 4:
            cure = " Add a channel axis: x[..., np.newaxis]." if self.x.ndim == 3 else ""
            raise ValueError(f"flow takes pictures as an array of four axes, got shape {self.x.shape}.{cure}")
        if not len(self.x):
            where = f" in the subset {subset!r}: validation_split leaves none there" if subset else ""
            raise ValueError(f"flow: there are no pictures{where}. Give it more rows.")
        warn_of_channels("flow", self.x.shape, self.data_format)

    def _get_batches_of_transformed_samples(self, index_array):
        x = np.empty((len(index_array), *self.x.shape[1:]), dtype=self.dtype)
        for row, index in enumerate(index_array):
            put_transformed(x, row, self.x[index].copy(), self.image_data_generator)
        if self.save_to_dir:
            save_rows(self, x, index_array, 10**4)
        inputs = [x, *(rows[index_array] for rows in self.x_misc)] if self.x_misc else x
        if self.y is None:
            return inputs
        if self.sample_weight is None:
            return inputs, self.y[index_array]
        return inputs, self.y[index_array], self.sample_weight[index_array]


def _pictures_and_further(x):
    """(pictures, list of arrays that go along)."""
    if not isinstance(x, (tuple, list)):
        return x if hasattr(x, "shape") else np.asarray(x), []
    if len(x) != 2 or np.ndim(x[0]) != 4:
        raise ValueError(
            f"flow takes x as an array of pictures, or as a pair (pictures, further inputs); got a "
            f"{type(x).__name__} of {len(x)}. Make one array of many pictures: np.stack(x)."
        )
    further = x[1] if isinstance(x[1], list) else [x[1]]
    return x[0], [np.asarray(rows) for rows in further]


def _part_of(count, subset, generator, labels):
    """Slice of the rows that belong to a subset."""
    bounds = subset_bounds("flow", subset, generator)
    if bounds is None:
        return slice(None)
    begin, end = (int(count * share) for share in bounds)
    held_out = end if subset == "validation" else begin
    if labels is not None and not np.array_equal(np.unique(labels[:held_out]), np.unique(labels[held_out:])):
        raise ValueError(
            f"flow(subset={subset!r}): the first {held_out} of {count} rows, which are held out, have other classes "
            f"than the rest. Are the rows sorted by class? Shuffle them, or say ignore_class_split=True."
        )
    return slice(begin, end)


def warn_of_channels(owner, shape, data_format):
    """Warn of pictures that have not 1, 3 or 4 channels: their axes may come in another order."""
    channels = shape[3 if data_format == "channels_last" else 1]
    if channels not in CHANNELS.values():
        warnings.warn(
            f"{owner}: pictures of shape {shape} have {channels} channels with data_format={data_format!r}, where 1, "
            f"3 or 4 are usual. Is the layout another?",
            stacklevel=4,
        )
