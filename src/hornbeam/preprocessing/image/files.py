"""Batches of picture files: what the iterators over folders and over tables share, and the one over folders."""

import os
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from hornbeam import checks
from hornbeam.preprocessing.image.iterators import Iterator, put_transformed, save_rows, subset_bounds
from hornbeam.preprocessing.image.pictures import (
    CHANNELS,
    INTERPOLATIONS,
    float_type,
    img_to_array,
    known_color_mode,
    load_img,
    picture_size,
)


class BatchFromFilesMixin:
    """What makes a batch of picture files; stands before :class:`Iterator` among the bases of a class.

    The class gives `filepaths`, `labels` and `sample_weight`, and the attributes `class_mode`, `dtype`, and, for
    class modes that need them, `classes` and `class_indices`.

    Example:
        >>> issubclass(DirectoryIterator, BatchFromFilesMixin)
        True

    Reference: keras_preprocessing 1.1.2.
    """

    def set_processing_attrs(
        self, image_data_generator, target_size, color_mode, data_format, save_to_dir, save_prefix, save_format,
        subset, interpolation, keep_aspect_ratio=False,
    ):  # fmt: skip
        """Keep how files become a batch. Arguments as for :class:`DirectoryIterator`.

        Raises:
            ValueError: one of them is wrong.
        """
        owner = type(self).__name__
        self.image_data_generator = image_data_generator
        self.target_size = picture_size(owner, target_size)
        self.color_mode = known_color_mode(owner, color_mode)
        self.data_format = checks.data_format(owner, data_format)
        channels = (CHANNELS[color_mode],)
        last = self.data_format == "channels_last"
        self.image_shape = self.target_size + channels if last else channels + self.target_size
        self.save_to_dir = save_to_dir
        self.save_prefix = save_prefix
        self.save_format = save_format
        if interpolation not in INTERPOLATIONS:
            raise checks.unknown_name(f"{owner} interpolation", interpolation, INTERPOLATIONS)
        self.interpolation = interpolation
        self.keep_aspect_ratio = keep_aspect_ratio
        self.split = subset_bounds(owner, subset, image_data_generator)
        self.subset = subset

    def _get_batches_of_transformed_samples(self, index_array):
        x = np.empty((len(index_array), *self.image_shape), dtype=self.dtype)
        paths = self.filepaths
        for row, index in enumerate(index_array):
            img = load_img(
                paths[index], color_mode=self.color_mode, target_size=self.target_size,
                interpolation=self.interpolation, keep_aspect_ratio=self.keep_aspect_ratio,
            )  # fmt: skip
            put_transformed(x, row, img_to_array(img, self.data_format, "float32"), self.image_data_generator)
        if self.save_to_dir:
            save_rows(self, x, index_array, 10**7)
        if self.class_mode is None:
            return x
        batch = x, self._targets_of(index_array, x)
        return batch if self.sample_weight is None else (*batch, self.sample_weight[index_array])

    def _targets_of(self, index_array, x):
        if self.class_mode == "input":
            return x.copy()
        if self.class_mode == "multi_output":
            return [output[index_array] for output in self.labels]
        if self.class_mode == "raw":
            return self.labels[index_array]
        if self.class_mode == "categorical":
            y = np.zeros((len(x), len(self.class_indices)), dtype=self.dtype)
            for row, index in enumerate(index_array):
                y[row, self.classes[index]] = 1.0
            return y
        return np.array([self.classes[index] for index in index_array], dtype=self.dtype)

    @property
    def filepaths(self):
        """List of paths, one for each row."""
        raise NotImplementedError(f"{type(self).__name__} must define the property filepaths.")

    @property
    def labels(self):
        """Targets of all rows."""
        raise NotImplementedError(f"{type(self).__name__} must define the property labels.")

    @property
    def sample_weight(self):
        """Weights of all rows, or None."""
        raise NotImplementedError(f"{type(self).__name__} must define the property sample_weight.")


def known_class_mode(owner, class_mode, allowed):
    """`class_mode`, if `owner` has it.

    Raises:
        ValueError: it has not.
    """
    if class_mode not in allowed:
        known = sorted(mode for mode in allowed if mode is not None)
        raise checks.unknown_name(f"{owner} class_mode", class_mode, known, cure="None gives pictures without targets.")
    return class_mode


def class_names(owner, classes):
    """`classes` as a list of names; an empty one if none were given.

    Raises:
        TypeError: a single text.
    """
    if isinstance(classes, str):
        raise TypeError(f"{owner}: classes must be a list of names; got {classes!r}. Write [{classes!r}].")
    return list(classes) if classes is not None else []


class DirectoryIterator(BatchFromFilesMixin, Iterator):
    """Batches of picture files in folders, one folder a class; what `flow_from_directory` gives.

    Args:
        directory: folder of the class folders.
        image_data_generator: ImageDataGenerator, or None to take the pictures as they are.
        target_size: (height, width) that all pictures are resized to.
        color_mode: 'rgb', 'rgba' or 'grayscale'.
        classes: names of the class folders in the order of their numbers; None for all, in alphabetical order.
        class_mode: targets: 'categorical' one-hot rows, 'binary' and 'sparse' class numbers, 'input' the pictures
            themselves, None nothing.
        batch_size, shuffle, seed: see :class:`Iterator`.
        data_format: 'channels_last', 'channels_first'; None for the default layout.
        save_to_dir, save_prefix, save_format: folder, beginning of the names and format of the pictures to save.
        follow_links: look into folders that are symbolic links?
        subset: 'training' or 'validation': which part of each class, by the generator's `validation_split`; the first
            files are the validation part.
        interpolation: how to resize, see `load_img`.
        dtype: type of the batches; None for the default float type.
        keep_aspect_ratio: cut off instead of distorting, see `load_img`?

    Attributes:
        filenames: files, from `directory` on, class by class. filepaths: their paths.
        classes: class number of each file. class_indices: class name -> number.
        samples: number of files. num_classes: number of classes.

    Shapes:
        (B, H, W, C) of pictures; targets (B, classes), (B,) or (B, H, W, C)

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: there is no picture, a class folder is missing, an argument is wrong.

    Example:
        >>> import tempfile
        >>> from hornbeam.preprocessing.image import save_img
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("cats", "dogs"):
        ...         os.mkdir(os.path.join(folder, name))
        ...         save_img(os.path.join(folder, name, "1.png"), np.zeros((4, 4, 3)))
        ...     batches = DirectoryIterator(folder, None, target_size=(2, 2))
        ...     x, y = next(batches)
        Found 2 images belonging to 2 classes.
        >>> x.shape, batches.class_indices
        ((2, 2, 2, 3), {'cats': 0, 'dogs': 1})

    Reference: keras_preprocessing 1.1.2.
    """

    allowed_class_modes = {"categorical", "binary", "sparse", "input", None}

    def __init__(
        self, directory, image_data_generator, target_size=(256, 256), color_mode="rgb", classes=None,
        class_mode="categorical", batch_size=32, shuffle=True, seed=None, data_format=None, save_to_dir=None,
        save_prefix="", save_format="png", follow_links=False, subset=None, interpolation="nearest", dtype=None,
        keep_aspect_ratio=False,
    ):  # fmt: skip
        self.set_processing_attrs(
            image_data_generator, target_size, color_mode, data_format, save_to_dir, save_prefix, save_format, subset,
            interpolation, keep_aspect_ratio,
        )  # fmt: skip
        owner = type(self).__name__
        self.directory = directory
        self.class_mode = known_class_mode(owner, class_mode, self.allowed_class_modes)
        self.dtype = float_type(owner, dtype)
        names = _class_folders(owner, directory, classes)
        self.num_classes = len(names)
        self.class_indices = {name: number for number, name in enumerate(names)}
        with ThreadPoolExecutor() as pool:
            found = list(pool.map(lambda name: self._files_of(name, follow_links), names))
        self.filenames = [name for files in found for name in files]
        self.classes = np.repeat(np.arange(len(names), dtype="int32"), [len(files) for files in found])
        self.samples = len(self.filenames)
        print(f"Found {self.samples} images belonging to {self.num_classes} classes.")
        self._check_found()
        self._filepaths = [os.path.join(directory, name) for name in self.filenames]
        super().__init__(self.samples, batch_size, shuffle, seed)

    def _files_of(self, class_name, follow_links):
        """Names of the pictures of one class, from the folder above on."""
        folder = os.path.join(self.directory, class_name)
        files = []
        for root, _, names in sorted(os.walk(folder, followlinks=follow_links), key=lambda entry: entry[0]):
            inner = os.path.relpath(root, folder)
            start = class_name if inner == os.curdir else os.path.join(class_name, inner)
            files += [os.path.join(start, n) for n in sorted(names) if n.lower().endswith(self.white_list_formats)]
        if self.split is None:
            return files
        begin, end = (int(share * len(files)) for share in self.split)
        return files[begin:end]

    def _check_found(self):
        owner = type(self).__name__
        if any(name.lower().endswith(".tiff") for name in self.filenames):
            warnings.warn(
                f"{owner}: .tiff files of several bands come out distorted; look at some of the pictures.", stacklevel=4
            )
        if self.class_mode == "binary" and self.num_classes > 2:
            warnings.warn(
                f"{owner}: class_mode='binary' is meant for two classes, here are {self.num_classes} "
                f"({', '.join(list(self.class_indices)[:5])} ...). For more, take 'categorical' or 'sparse'.",
                stacklevel=4,
            )
        if self.samples:
            return
        endings = ", ".join(self.white_list_formats)
        loose = sum(name.lower().endswith(self.white_list_formats) for name in os.listdir(self.directory))
        if self.subset is not None:
            cure = f"The subset {self.subset!r} may be too small a part of each class: look at validation_split."
        elif loose:
            cure = (
                f"{loose} pictures lie in the folder itself. Give each class a folder in it, or take all as one "
                f"class: classes=['.']."
            )
        else:
            cure = f"Each class needs a folder in it, with files that end in {endings}."
        raise ValueError(f"{owner}: no pictures in {os.fspath(self.directory)!r}. {cure}")

    @property
    def filepaths(self):
        """List of paths, one for each row."""
        return self._filepaths

    @property
    def labels(self):
        """Class number of each row."""
        return self.classes

    @property
    def sample_weight(self):
        """None: folders give no weights."""


def _class_folders(owner, directory, classes):
    """Names of the class folders, all of which exist."""
    place = os.fspath(directory)
    if not os.path.isdir(place):
        kind = "is no folder" if os.path.exists(place) else f"does not exist (seen from {os.getcwd()})"
        raise FileNotFoundError(f"{owner}: {place!r} {kind}. Give the folder that holds one folder for each class.")
    there = sorted(name for name in os.listdir(place) if os.path.isdir(os.path.join(place, name)))
    names = class_names(owner, classes) or there
    for name in names:
        if not os.path.isdir(os.path.join(place, name)):
            raise checks.unknown_name(f"{owner} class", name, there, cure=f"There is no such folder in {place!r}.")
    return names
