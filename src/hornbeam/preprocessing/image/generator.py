"""ImageDataGenerator: random transformations, standardisation, and batches of arrays, folders and tables."""

import warnings
from typing import Any

import numpy as np

from hornbeam import checks
from hornbeam.preprocessing.image.affine import (
    apply_affine_transform,
    apply_brightness_shift,
    apply_channel_shift,
    flip_axis,
)
from hornbeam.preprocessing.image.dataframe import DataFrameIterator
from hornbeam.preprocessing.image.files import DirectoryIterator
from hornbeam.preprocessing.image.iterators import NumpyArrayIterator, warn_of_channels
from hornbeam.preprocessing.image.pictures import float_type
from hornbeam.utils.optional import require

# The first four are the classics; the others are SciPy's own.
FILL_MODES = ("nearest", "reflect", "wrap", "constant", "mirror", "grid-constant", "grid-mirror", "grid-wrap")
_AXES = {"channels_last": (3, 1, 2), "channels_first": (1, 2, 3)}  # of channels, rows, columns
_NUMBERS = (int, float, np.integer, np.floating)
_TINY = 1e-6  # keeps a division by a standard deviation finite


class ImageDataGenerator(checks.Constructed):
    """Pictures transformed at random while a model trains: turned, shifted, sheared, zoomed, flipped, recoloured.

    All random numbers come from numpy's global generator, in the classic's order: with the same `np.random.seed` the
    pictures are those of keras_preprocessing 1.1.2. What `rescale`, the means and `preprocessing_function` do is done
    last; `featurewise_*` and `zca_whitening` need :meth:`fit` first.

    Args:
        featurewise_center, featurewise_std_normalization: subtract each channel's mean over the data, divide by its
            standard deviation?
        samplewise_center, samplewise_std_normalization: the same for each picture by itself?
        zca_whitening: take the correlation between pixels out? For small pictures: the matrix is (H W C) squared.
        zca_epsilon: added to its eigenvalues, 1e-6.
        rotation_range: degrees; the angle is from U(-r, r).
        width_shift_range, height_shift_range: a float below 1 is a share of the size, one from 1 on is pixels, drawn
            from U(-r, r); a whole number n means -(n - 1) ... n - 1 pixels; a list means one of its elements, with
            either sign.
        brightness_range: (lowest, highest), see `apply_brightness_shift`; or None.
        shear_range: degrees.
        zoom_range: r for U(1 - r, 1 + r), or (lowest, highest); below 1 the picture grows.
        channel_shift_range: what is added to all channels is from U(-r, r).
        fill_mode, cval: what lies outside: 'nearest', 'reflect', 'wrap', 'constant' (`cval`).
        horizontal_flip, vertical_flip: flip every second picture, by chance?
        rescale: factor, 1/255 for example; None or 0 for none.
        preprocessing_function: from one picture to one of the same shape, before `rescale`; or None.
        data_format: 'channels_last', 'channels_first'; None for the default layout.
        validation_split: share of the data that `subset='validation'` means, in [0, 1).
        interpolation_order: of the splines, 0 to 5; 1 is linear.
        dtype: type of the batches; None for the default float type.

    Raises:
        ValueError, TypeError: an argument is out of its range.

    Example:
        >>> generator = ImageDataGenerator(rescale=1 / 255, rotation_range=20, horizontal_flip=True)
        >>> x, y = next(generator.flow(np.full((8, 6, 6, 3), 255.0), np.arange(8), batch_size=4))
        >>> x.shape, x.max().item(), y.shape
        ((4, 6, 6, 3), 1.0, (4,))

    Reference: keras_preprocessing 1.1.2.
    """

    def __init__(
        self, featurewise_center=False, samplewise_center=False, featurewise_std_normalization=False,
        samplewise_std_normalization=False, zca_whitening=False, zca_epsilon=1e-6, rotation_range=0,
        width_shift_range=0.0, height_shift_range=0.0, brightness_range=None, shear_range=0.0, zoom_range=0.0,
        channel_shift_range=0.0, fill_mode="nearest", cval=0.0, horizontal_flip=False, vertical_flip=False,
        rescale=None, preprocessing_function=None, data_format=None, validation_split=0.0, interpolation_order=1,
        dtype=None,
    ):  # fmt: skip
        self.featurewise_center = featurewise_center
        self.samplewise_center = samplewise_center
        self.featurewise_std_normalization = featurewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening = zca_whitening
        self.zca_epsilon = zca_epsilon
        self.rotation_range = _number("rotation_range", rotation_range)
        self.width_shift_range = _shift_range("width_shift_range", width_shift_range)
        self.height_shift_range = _shift_range("height_shift_range", height_shift_range)
        self.shear_range = _number("shear_range", shear_range)
        self.zoom_range = (
            [1 - zoom_range, 1 + zoom_range] if isinstance(zoom_range, _NUMBERS) else _pair("zoom_range", zoom_range)
        )
        self.channel_shift_range = _number("channel_shift_range", channel_shift_range)
        if fill_mode not in FILL_MODES:
            raise checks.unknown_name("ImageDataGenerator fill_mode", fill_mode, FILL_MODES)
        self.fill_mode = fill_mode
        self.cval = cval
        self.horizontal_flip = horizontal_flip
        self.vertical_flip = vertical_flip
        self.rescale: Any = rescale
        if preprocessing_function and not callable(preprocessing_function):
            name, wanted = "preprocessing_function", "a function of one picture"
            raise checks.wrong_argument("ImageDataGenerator", name, preprocessing_function, wanted)
        self.preprocessing_function: Any = preprocessing_function
        self.dtype = float_type("ImageDataGenerator", dtype)
        if interpolation_order not in range(6):
            raise checks.wrong_argument("ImageDataGenerator", "interpolation_order", interpolation_order, "0 to 5")
        self.interpolation_order = interpolation_order
        self.data_format = checks.data_format("ImageDataGenerator", data_format)
        self.channel_axis, self.row_axis, self.col_axis = _AXES[self.data_format]
        self._validation_split = checks.fraction("ImageDataGenerator", "validation_split", validation_split or 0.0)
        self.brightness_range = None if brightness_range is None else _pair("brightness_range", brightness_range)
        self.mean = None
        self.std = None
        self.principal_components: Any = None
        self._settle()

    def _settle(self):
        """What is standardised by one statistic needs another, or makes it needless."""
        if self.zca_whitening:
            self._switch("featurewise_center", True, "zca_whitening")
            self._switch("featurewise_std_normalization", False, "zca_whitening")
        if self.featurewise_std_normalization:
            self._switch("featurewise_center", True, "featurewise_std_normalization")
        if self.samplewise_std_normalization:
            self._switch("samplewise_center", True, "samplewise_std_normalization")

    def _switch(self, name, value, reason):
        if bool(getattr(self, name)) != value:
            setattr(self, name, value)
            warnings.warn(f"ImageDataGenerator: {reason} means {name}={value}, whatever was said.", stacklevel=4)

    # --- Batches ---

    def flow(
        self, x, y=None, batch_size=32, shuffle=True, sample_weight=None, seed=None, save_to_dir=None, save_prefix="",
        save_format="png", subset=None, ignore_class_split=False,
    ):  # fmt: skip
        """Batches of pictures in an array. Arguments as for :class:`NumpyArrayIterator`."""
        return NumpyArrayIterator(
            x, y, self, batch_size=batch_size, shuffle=shuffle, sample_weight=sample_weight, seed=seed,
            data_format=self.data_format, save_to_dir=save_to_dir, save_prefix=save_prefix, save_format=save_format,
            subset=subset, dtype=self.dtype, ignore_class_split=ignore_class_split,
        )  # fmt: skip

    def flow_from_directory(
        self, directory, target_size=(256, 256), color_mode="rgb", classes=None, class_mode="categorical",
        batch_size=32, shuffle=True, seed=None, save_to_dir=None, save_prefix="", save_format="png",
        follow_links=False, subset=None, interpolation="nearest", keep_aspect_ratio=False,
    ):  # fmt: skip
        """Batches of picture files in folders, one a class. Arguments as for :class:`DirectoryIterator`."""
        return DirectoryIterator(
            directory, self, target_size=target_size, color_mode=color_mode, classes=classes, class_mode=class_mode,
            batch_size=batch_size, shuffle=shuffle, seed=seed, data_format=self.data_format, save_to_dir=save_to_dir,
            save_prefix=save_prefix, save_format=save_format, follow_links=follow_links, subset=subset,
            interpolation=interpolation, dtype=self.dtype, keep_aspect_ratio=keep_aspect_ratio,
        )  # fmt: skip

    def flow_from_dataframe(
        self, dataframe, directory=None, x_col="filename", y_col="class", weight_col=None, target_size=(256, 256),
        color_mode="rgb", classes=None, class_mode="categorical", batch_size=32, shuffle=True, seed=None,
        save_to_dir=None, save_prefix="", save_format="png", subset=None, interpolation="nearest",
        validate_filenames=True, keep_aspect_ratio=False, **kwargs,
    ):  # fmt: skip
        """Batches of picture files that a table lists. Arguments as for :class:`DataFrameIterator`; the old
        `has_ext`, `sort` and `drop_duplicates` are taken and do nothing, class_mode='other' is the old name of 'raw'.

        Raises:
            TypeError: an argument is unknown.
        """
        for name in kwargs:
            if name not in _DROPPED:
                raise checks.unknown_keywords("flow_from_dataframe", [name], [*_DROPPED, "subset", "interpolation"])
            warnings.warn(
                f"flow_from_dataframe({name}=...) does nothing any more: {_DROPPED[name]}.", DeprecationWarning,
                stacklevel=2,
            )  # fmt: skip
        if class_mode == "other":
            warnings.warn("class_mode='other' is now called 'raw'.", DeprecationWarning, stacklevel=2)
            class_mode = "raw"
        return DataFrameIterator(
            dataframe, directory, self, x_col=x_col, y_col=y_col, weight_col=weight_col, target_size=target_size,
            color_mode=color_mode, classes=classes, class_mode=class_mode, batch_size=batch_size, shuffle=shuffle,
            seed=seed, data_format=self.data_format, save_to_dir=save_to_dir, save_prefix=save_prefix,
            save_format=save_format, subset=subset, interpolation=interpolation, dtype=self.dtype,
            validate_filenames=validate_filenames, keep_aspect_ratio=keep_aspect_ratio,
        )  # fmt: skip

    # --- One picture ---

    def get_random_transform(self, img_shape, seed=None):
        """Draw what is to be done to a picture of this shape.

        Args:
            img_shape: shape of one picture.
            seed: for `np.random.seed`, or None.

        Returns a dict: theta, tx, ty, shear, zx, zy, flip_horizontal, flip_vertical, channel_shift_intensity,
        brightness.
        """
        if seed is not None:
            np.random.seed(seed)
        uniform = np.random.uniform
        # The order of the draws is the classic's, and so is drawing for flips that are not wanted.
        theta = uniform(-self.rotation_range, self.rotation_range) if self.rotation_range else 0
        tx = _draw_shift(self.height_shift_range, img_shape[self.row_axis - 1])
        ty = _draw_shift(self.width_shift_range, img_shape[self.col_axis - 1])
        shear = uniform(-self.shear_range, self.shear_range) if self.shear_range else 0
        lowest, highest = self.zoom_range
        zx, zy = (1, 1) if lowest == 1 and highest == 1 else uniform(lowest, highest, 2)
        flip_horizontal = (np.random.random() < 0.5) * self.horizontal_flip
        flip_vertical = (np.random.random() < 0.5) * self.vertical_flip
        intensity = self.channel_shift_range
        return {
            "theta": theta, "tx": tx, "ty": ty, "shear": shear, "zx": zx, "zy": zy,
            "flip_horizontal": flip_horizontal, "flip_vertical": flip_vertical,
            "channel_shift_intensity": uniform(-intensity, intensity) if intensity != 0 else None,
            "brightness": None if self.brightness_range is None else uniform(*self.brightness_range),
        }  # fmt: skip

    def apply_transform(self, x, transform_parameters):
        """Do to a picture what a dict of :meth:`get_random_transform` says; what it leaves out is not done.

        Args:
            x: array of one picture.
            transform_parameters: the dict. `tx` and `ty` are pixels on the row and column axes.
        """
        given = transform_parameters.get
        channel_axis, row_axis, col_axis = self.channel_axis - 1, self.row_axis - 1, self.col_axis - 1
        x = apply_affine_transform(
            x, given("theta", 0), given("tx", 0), given("ty", 0), given("shear", 0), given("zx", 1), given("zy", 1),
            row_axis=row_axis, col_axis=col_axis, channel_axis=channel_axis, fill_mode=self.fill_mode,
            cval=self.cval, order=self.interpolation_order,
        )  # fmt: skip
        if given("channel_shift_intensity") is not None:
            x = apply_channel_shift(x, given("channel_shift_intensity"), channel_axis)
        if given("flip_horizontal", False):
            x = flip_axis(x, col_axis)
        if given("flip_vertical", False):
            x = flip_axis(x, row_axis)
        if given("brightness") is not None:
            x = apply_brightness_shift(np.moveaxis(x, channel_axis, 2), given("brightness"))
            x = np.moveaxis(x, 2, channel_axis)
        return x

    def random_transform(self, x, seed=None):
        """One picture, transformed at random.

        Args:
            x: array of one picture.
            seed: for `np.random.seed`, or None.
        """
        return self.apply_transform(x, self.get_random_transform(x.shape, seed))

    def standardize(self, x):
        """`preprocessing_function`, `rescale`, means, deviations and whitening, in this order.

        Floats are changed in place (give a copy to keep them); whole numbers become floats first.

        Args:
            x: array of one picture, or a batch of them.
        """
        if self.preprocessing_function:
            x = self.preprocessing_function(x)
        if self.rescale or self.samplewise_center or self.featurewise_center:
            x = self._changeable(x)
        if self.rescale:
            x *= self.rescale
        if self.samplewise_center:
            x -= np.mean(x, keepdims=True)
        if self.samplewise_std_normalization:
            x /= np.std(x, keepdims=True) + _TINY
        if self.featurewise_center and self._is_fitted("featurewise_center", self.mean):
            x -= self.mean
        if self.featurewise_std_normalization and self._is_fitted("featurewise_std_normalization", self.std):
            x /= self.std + _TINY
        if self.zca_whitening and self._is_fitted("zca_whitening", self.principal_components):
            flat = np.reshape(x, (-1, np.prod(x.shape[-3:])))
            x = np.reshape(np.dot(flat, self.principal_components), x.shape)
        return x

    def _changeable(self, x) -> Any:
        """`x`, or a copy if it cannot be changed in place."""
        x = np.asarray(x)
        if x.dtype.kind in "iub":
            return x.astype(np.result_type(self.dtype, np.float32))
        return x if x.flags.writeable else x.copy()

    def _is_fitted(self, name, statistic):
        if statistic is None:
            warnings.warn(
                f"ImageDataGenerator: {name} is not done, its numbers are not known. Call fit(x_train) first.",
                stacklevel=3,
            )
        return statistic is not None

    # --- Statistics ---

    def fit(self, x, augment=False, rounds=1, seed=None):
        """Compute what featurewise_center, featurewise_std_normalization and zca_whitening need.

        Give it the training part alone. `rescale` is applied, `preprocessing_function` is not (the classic's way).

        Args:
            x: pictures.
            augment: take the statistics of transformed pictures?
            rounds: how many transformed pictures of each, 1.
            seed: for `np.random.seed`, or None.

        Shapes:
            x (N, H, W, C), or (N, C, H, W) with 'channels_first'

        Raises:
            ValueError: `x` is no array of four axes.
        """
        x = np.array(x, dtype=self.dtype)
        if x.ndim != 4 or not len(x):
            cure = " Add a channel axis: x[..., np.newaxis]." if x.ndim == 3 else ""
            raise ValueError(f"ImageDataGenerator.fit takes pictures of four axes, got shape {x.shape}.{cure}")
        warn_of_channels("ImageDataGenerator.fit", x.shape, self.data_format)
        if seed is not None:
            np.random.seed(seed)
        if self.rescale:
            x *= self.rescale
        if augment:
            x = self._augmented(x, checks.integer("ImageDataGenerator.fit", "rounds", rounds, least=1))
        self._learn(x)

    def _augmented(self, x, rounds):
        """All pictures transformed, `rounds` times over."""
        out = np.empty((rounds * len(x), *x.shape[1:]), dtype=self.dtype)
        for row in range(len(out)):
            out[row] = self.random_transform(x[row % len(x)])
        return out

    def _learn(self, x):
        """Statistics of pictures that may be changed."""
        axes = (0, self.row_axis, self.col_axis)
        if self.featurewise_center:
            self.mean = x.mean(axis=axes, keepdims=True)[0]
            x -= self.mean
        if self.featurewise_std_normalization:
            self.std = x.std(axis=axes, keepdims=True)[0]
            x /= self.std + _TINY
        if self.zca_whitening:
            linalg = require("scipy.linalg", "zca_whitening")
            flat = x.reshape(len(x), -1)
            vectors, values, _ = linalg.svd(np.dot(flat.T, flat) / len(flat))
            self.principal_components = (vectors * (1.0 / np.sqrt(values + self.zca_epsilon))).dot(vectors.T)


# Arguments of flow_from_dataframe that the classic dropped, and why.
_DROPPED = {
    "has_ext": "names in the table carry their extension",
    "sort": "rows keep the order of the table",
    "drop_duplicates": "call frame.drop_duplicates() first",
}


def _number(argument, value):
    if not isinstance(value, _NUMBERS):
        raise checks.wrong_argument("ImageDataGenerator", argument, value, "a number")
    return value


def _pair(argument, value):
    is_sequence = isinstance(value, (tuple, list, np.ndarray))
    if not is_sequence or len(value) != 2 or not all(isinstance(v, _NUMBERS) for v in value):
        kinds = "a number or two numbers" if argument == "zoom_range" else "two numbers"
        raise checks.wrong_argument("ImageDataGenerator", argument, value, f"{kinds}, (lowest, highest)")
    return list(value)


def _shift_range(argument, value):
    if isinstance(value, _NUMBERS):
        return value
    if np.ndim(value) != 1 or np.asarray(value).dtype.kind not in "iuf":
        raise checks.wrong_argument("ImageDataGenerator", argument, value, "a number or a list of numbers")
    return list(value)


def _draw_shift(shift_range, size):
    """Pixels to shift by; see `width_shift_range` of ImageDataGenerator."""
    if not shift_range:
        return 0
    whole = isinstance(shift_range, (int, np.integer)) and shift_range > 0
    if whole or isinstance(shift_range, (list, tuple)):
        shift = np.random.choice(shift_range) * np.random.choice([-1, 1])
    else:
        shift = np.random.uniform(-shift_range, shift_range)
    return shift * size if np.max(shift_range) < 1 else shift
