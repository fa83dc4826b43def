"""Turn, shift, shear, zoom, flip and recolour one picture: the transformations, and each of them at random."""

import numpy as np

from hornbeam.preprocessing.image.pictures import array_to_img, img_to_array
from hornbeam.utils.optional import require


def flip_axis(x, axis):
    """`x` read backwards on one axis (a view).

    Example:
        >>> flip_axis([[1, 2], [3, 4]], 1).tolist()
        [[2, 1], [4, 3]]
    """
    return np.flip(np.asarray(x), axis)


def transform_matrix_offset_center(matrix, x, y):
    """`matrix` about the middle of a picture instead of its corner: `O @ matrix @ O^-1`, O the shift by
    (x / 2 + 0.5, y / 2 + 0.5).

    Args:
        matrix: (3, 3), of the plane.
        x, y: rows and columns of the picture.

    Example:
        >>> transform_matrix_offset_center(np.diag([-1.0, 1.0, 1.0]), 3, 3)[0].tolist()
        [-1.0, 0.0, 4.0]
    """
    middle_x, middle_y = float(x) / 2 + 0.5, float(y) / 2 + 0.5
    there = np.array([[1, 0, middle_x], [0, 1, middle_y], [0, 0, 1]])
    back = np.array([[1, 0, -middle_x], [0, 1, -middle_y], [0, 0, 1]])
    return np.dot(np.dot(there, matrix), back)


def _matrix(theta, tx, ty, shear, zx, zy):
    """Product of the matrices of those transformations that do something, or None."""
    matrices = []
    if theta != 0:
        theta = np.deg2rad(theta)
        sine, cosine = np.sin(theta), np.cos(theta)
        matrices.append(np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]]))
    if tx != 0 or ty != 0:
        matrices.append(np.array([[1, 0, tx], [0, 1, ty], [0, 0, 1]]))
    if shear != 0:
        shear = np.deg2rad(shear)
        matrices.append(np.array([[1, -np.sin(shear), 0], [0, np.cos(shear), 0], [0, 0, 1]]))
    if zx != 1 or zy != 1:
        matrices.append(np.array([[zx, 0, 0], [0, zy, 0], [0, 0, 1]]))
    if not matrices:
        return None
    product = matrices[0]
    for matrix in matrices[1:]:
        product = np.dot(product, matrix)
    return product


def apply_affine_transform(
    x, theta=0, tx=0, ty=0, shear=0, zx=1, zy=1, row_axis=0, col_axis=1, channel_axis=2, fill_mode="nearest", cval=0.0,
    order=1,
):  # fmt: skip
    """Turn, shift, shear and zoom one picture, in one resampling: `y[p] = x[M p]`.

    M is the product rotation, shift, shear, zoom, about the middle. It says where a pixel of the result comes from: a
    positive `tx` moves the picture up, zooms below 1 enlarge it. With nothing to do, `x` itself comes back.

    Args:
        x: array of one picture.
        theta, shear: angles in degrees.
        tx, ty: shift on the row axis and on the column axis, in pixels.
        zx, zy: zoom on the row axis and on the column axis.
        row_axis, col_axis, channel_axis: what the axes of `x` are.
        fill_mode: what lies outside: 'nearest' (the edge), 'reflect', 'wrap', 'constant' (`cval`).
        cval: number for 'constant'.
        order: of the splines, 0 (nearest pixel) to 5; 1 is linear.

    Shapes:
        (H, W, C) -> (H, W, C), in the order of axes that was given

    Raises:
        ValueError: `x` is no single picture.

    Example:
        >>> apply_affine_transform(np.arange(4.0).reshape(1, 4, 1), ty=1).ravel().tolist()
        [1.0, 2.0, 3.0, 3.0]

    Reference: keras_preprocessing 1.1.2, to the last bit.
    """
    matrix = _matrix(theta, tx, ty, shear, zx, zy)
    if matrix is None:
        return x
    if x.ndim != 3:
        raise ValueError(f"apply_affine_transform takes one picture of three axes, got shape {x.shape}.")
    matrix = transform_matrix_offset_center(matrix, x.shape[row_axis], x.shape[col_axis])
    return _resampled(x, matrix[:2, :2], matrix[:2, 2], channel_axis, fill_mode, cval, order)


def _resampled(x, matrix, offset, channel_axis, fill_mode, cval, order):
    if x.dtype == np.float16:  # SciPy has no half precision
        return _resampled(x.astype(np.float32), matrix, offset, channel_axis, fill_mode, cval, order).astype(x.dtype)
    affine_transform = require("scipy.ndimage", "apply_affine_transform").affine_transform
    channels = np.moveaxis(x, channel_axis, 0)
    out = np.empty(channels.shape, x.dtype)
    # One call for all channels interpolates between channels as well and takes twice as long.
    for channel, result in zip(channels, out):
        affine_transform(channel, matrix, offset, output=result, order=order, mode=fill_mode, cval=cval)
    # Channel by channel in memory, as in the classic: a later mean adds up in that order, to the last bit.
    return np.moveaxis(out, 0, channel_axis)


# --- At random: numbers come from numpy's global generator ---


def random_rotation(
    x, rg, row_axis=1, col_axis=2, channel_axis=0, fill_mode="nearest", cval=0.0, interpolation_order=1
):
    """Turn a picture by an angle from U(-rg, rg).

    As in the classic, the middle is taken from axes 0 and 1 of `x` whatever `row_axis` and `col_axis` say: with the
    channels first, call :func:`apply_affine_transform` with the axes instead.

    Args:
        x: array of one picture.
        rg: degrees.
        channel_axis: which axis of `x` holds the channels, 0.
        row_axis, col_axis, fill_mode, cval, interpolation_order: see :func:`apply_affine_transform`.

    Example:
        >>> random_rotation(np.ones((4, 4, 1)), 90, channel_axis=2).mean().item()
        1.0
    """
    theta = np.random.uniform(-rg, rg)
    return apply_affine_transform(
        x, theta=theta, channel_axis=channel_axis, fill_mode=fill_mode, cval=cval, order=interpolation_order
    )


def random_shift(
    x, wrg, hrg, row_axis=1, col_axis=2, channel_axis=0, fill_mode="nearest", cval=0.0, interpolation_order=1
):
    """Shift a picture by U(-hrg, hrg) of its height and U(-wrg, wrg) of its width.

    Args:
        x: array of one picture.
        wrg, hrg: shares of the width and of the height.
        row_axis, col_axis, channel_axis: what the axes of `x` are.
        fill_mode, cval, interpolation_order: see :func:`apply_affine_transform`.

    Example:
        >>> random_shift(np.ones((4, 4, 1)), 0.5, 0.5, 0, 1, 2).mean().item()
        1.0
    """
    tx = np.random.uniform(-hrg, hrg) * x.shape[row_axis]
    ty = np.random.uniform(-wrg, wrg) * x.shape[col_axis]
    return apply_affine_transform(
        x, tx=tx, ty=ty, channel_axis=channel_axis, fill_mode=fill_mode, cval=cval, order=interpolation_order
    )


def random_shear(
    x, intensity, row_axis=1, col_axis=2, channel_axis=0, fill_mode="nearest", cval=0.0, interpolation_order=1
):
    """Shear a picture by an angle from U(-intensity, intensity), in degrees.

    Arguments and the middle as for :func:`random_rotation`.

    Example:
        >>> random_shear(np.ones((4, 4, 1)), 20, channel_axis=2).mean().item()
        1.0
    """
    shear = np.random.uniform(-intensity, intensity)
    return apply_affine_transform(
        x, shear=shear, channel_axis=channel_axis, fill_mode=fill_mode, cval=cval, order=interpolation_order
    )


def random_zoom(
    x, zoom_range, row_axis=1, col_axis=2, channel_axis=0, fill_mode="nearest", cval=0.0, interpolation_order=1
):
    """Zoom a picture, rows and columns each by a factor from U(zoom_range[0], zoom_range[1]).

    Other arguments and the middle as for :func:`random_rotation`.

    Args:
        x: array of one picture.
        zoom_range: two numbers, around 1; below 1 the picture grows.

    Raises:
        ValueError: `zoom_range` is not two numbers.

    Example:
        >>> random_zoom(np.ones((4, 4, 1)), (0.5, 2), channel_axis=2).mean().item()
        1.0
    """
    lowest, highest = _two_numbers("random_zoom", "zoom_range", zoom_range)
    zx, zy = (1, 1) if lowest == 1 and highest == 1 else np.random.uniform(lowest, highest, 2)
    return apply_affine_transform(
        x, zx=zx, zy=zy, channel_axis=channel_axis, fill_mode=fill_mode, cval=cval, order=interpolation_order
    )


def _two_numbers(owner, argument, value):
    try:
        lowest, highest = value
    except (TypeError, ValueError):
        raise ValueError(f"{owner}: {argument} must be two numbers, (lowest, highest); got {value!r}.") from None
    return lowest, highest


# --- Colours ---


def apply_channel_shift(x, intensity, channel_axis=0):
    """Add `intensity` to all channels: `clip(x + intensity, min(x), max(x))`.

    Args:
        x: array of one picture.
        intensity: number.
        channel_axis: which axis of `x` holds the channels, 0; all are treated alike.

    Example:
        >>> apply_channel_shift(np.array([0.0, 1.0, 2.0]), 1.5).tolist()
        [1.5, 2.0, 2.0]
    """
    channels = np.ascontiguousarray(np.moveaxis(x, channel_axis, 0))  # in memory as after an affine transformation
    return np.moveaxis(np.clip(channels + intensity, np.min(x), np.max(x)), 0, channel_axis)


def random_channel_shift(x, intensity_range, channel_axis=0):
    """Add a number from U(-intensity_range, intensity_range) to all channels.

    Example:
        >>> random_channel_shift(np.zeros((2, 2, 1)), 10).max().item()  # never beyond what x holds
        0.0
    """
    intensity = np.random.uniform(-intensity_range, intensity_range)
    return apply_channel_shift(x, intensity, channel_axis=channel_axis)


def apply_brightness_shift(x, brightness, scale=True):
    """Make a picture lighter or darker, by way of a Pillow image: the result is float32 in 0...255, cut at both ends.

    As in the classic, the numbers are first spread over 0...255; with scale=False they are taken as they are.

    Args:
        x: array (H, W, C) of one picture.
        brightness: 0 is black, 1 as it was, 2 twice as light.
        scale: spread the numbers over 0...255 first?

    Example:
        >>> apply_brightness_shift(np.array([[[0.0], [1.0]]]), 0.4).ravel().tolist()
        [0.0, 102.0]
    """
    enhance = require("PIL.ImageEnhance", "apply_brightness_shift")
    img = array_to_img(x, "channels_last", scale=scale, dtype="float32")
    return img_to_array(enhance.Brightness(img).enhance(brightness), "channels_last", "float32")


def random_brightness(x, brightness_range, scale=True):
    """:func:`apply_brightness_shift` by a number from U(brightness_range[0], brightness_range[1]).

    Raises:
        ValueError: `brightness_range` is not two numbers.

    Example:
        >>> random_brightness(np.zeros((2, 2, 3)), (0.5, 1.5)).shape
        (2, 2, 3)
    """
    lowest, highest = _two_numbers("random_brightness", "brightness_range", brightness_range)
    return apply_brightness_shift(x, np.random.uniform(lowest, highest), scale)
