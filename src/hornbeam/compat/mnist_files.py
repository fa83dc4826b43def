"""MNIST as TensorFlow's tutorials read it: `read_data_sets` on the four IDX files, batches by `next_batch`."""

from collections import namedtuple
from pathlib import Path

import numpy as np

from hornbeam import checks
from hornbeam.datasets.idx import read_idx
from hornbeam.utils.np_utils import to_categorical

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")

Datasets = namedtuple("Datasets", ["train", "validation", "test"])


class DataSet:
    """Images and labels, handed out batch by batch.

    Args:
        images: (N, 28, 28, 1) or (N, 784).
        labels: (N,) or, one-hot, (N, 10).
        dtype: 'float32' brings pixels to [0, 1]; 'uint8' leaves them.
        reshape: a row of pixels an image?

    Example:
        >>> rows = DataSet(np.full((3, 2, 2, 1), 255, "uint8"), np.arange(3))
        >>> images, labels = rows.next_batch(2, shuffle=False)
        >>> images.shape, float(images.max()), labels.tolist(), rows.num_examples
        ((2, 4), 1.0, [0, 1], 3)
    """

    def __init__(self, images, labels, dtype="float32", reshape=True):
        name = np.dtype(getattr(dtype, "as_numpy_dtype", dtype)).name
        if name not in ("float32", "uint8"):
            raise checks.wrong_argument("DataSet", "dtype", dtype, "'float32' or 'uint8'")
        if len(images) != len(labels):
            raise ValueError(f"DataSet: {len(images)} images and {len(labels)} labels. Give as many of both.")
        images = images.reshape(len(images), -1) if reshape else images
        self._images = images.astype("float32") * np.float32(1 / 255) if name == "float32" else images
        self._labels = labels
        self._epochs_completed = 0
        self._at = 0

    images = property(lambda self: self._images, doc="All images.")
    labels = property(lambda self: self._labels, doc="All labels.")
    num_examples = property(lambda self: len(self._images), doc="How many there are.")
    epochs_completed = property(lambda self: self._epochs_completed, doc="How often all were handed out.")

    def next_batch(self, batch_size, fake_data=False, shuffle=True):
        """The next `batch_size` (images, labels); a batch across the end goes on with the next, newly ordered pass."""
        if fake_data:
            raise ValueError("next_batch: there is no fake data here. Leave fake_data out.")
        if shuffle and self._at == 0 and self._epochs_completed == 0:
            self._reorder()
        parts, wanted = [], batch_size
        while wanted > self.num_examples - self._at:
            parts.append((self._images[self._at :], self._labels[self._at :]))
            wanted -= self.num_examples - self._at
            self._epochs_completed += 1
            self._at = 0
            if shuffle:
                self._reorder()
            if not self.num_examples:
                raise ValueError("next_batch: there are no examples.")
        parts.append((self._images[self._at : self._at + wanted], self._labels[self._at : self._at + wanted]))
        self._at += wanted
        if len(parts) == 1:
            return parts[0]
        return tuple(np.concatenate(group) for group in zip(*parts))

    def _reorder(self):
        order = np.random.permutation(self.num_examples)
        self._images, self._labels = self._images[order], self._labels[order]


def read_data_sets(
    train_dir, fake_data=False, one_hot=False, dtype="float32", reshape=True, validation_size=5000, seed=None,
    source_url=None,
):  # fmt: skip
    """The MNIST digits in a folder, as `Datasets(train, validation, test)`.

    Args:
        train_dir: folder of the four IDX files, plain or with `.gz`.
        fake_data: not supported.
        one_hot: labels as rows of ten?
        dtype: 'float32' brings pixels to [0, 1]; 'uint8' leaves them.
        reshape: a row of 784 pixels an image? Else (28, 28, 1).
        validation_size: so many of the first training rows are set apart, 5000.
        seed, source_url: not looked at; NumPy's seed orders the batches, and nothing is fetched.

    Raises:
        ValueError: `validation_size` is out of range. FileNotFoundError: a file is not there; says which.
    """
    if fake_data:
        raise ValueError("read_data_sets: there is no fake data here. Leave fake_data out.")
    images, labels, test_images, test_labels = (read_idx(_place(train_dir, name)) for name in FILES)
    if not 0 <= validation_size <= len(images):
        raise checks.wrong_argument("read_data_sets", "validation_size", validation_size, f"in [0, {len(images)}]")
    if one_hot:
        labels, test_labels = to_categorical(labels, 10, "float64"), to_categorical(test_labels, 10, "float64")

    def rows(images, labels):
        return DataSet(images[..., None], labels, dtype, reshape)

    cut = validation_size
    return Datasets(
        train=rows(images[cut:], labels[cut:]), validation=rows(images[:cut], labels[:cut]),
        test=rows(test_images, test_labels),
    )  # fmt: skip


def _place(folder, name):
    for path in (Path(folder) / f"{name}.gz", Path(folder) / name):
        if path.exists():
            return path
    raise FileNotFoundError(
        f"read_data_sets: {Path(folder) / name}.gz is not there. It reads four files: {', '.join(FILES)}, each with "
        f".gz or without. Put them into {str(folder)!r}, or load the same digits with keras.datasets.mnist.load_data()."
    )
