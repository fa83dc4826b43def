"""Picture files and arrays: load_img, save_img, img_to_array, array_to_img, list_pictures. Pillow does the work."""

import io
import os
import warnings

import numpy as np

from hornbeam import checks, config
from hornbeam.utils.conv_utils import normalize_tuple
from hornbeam.utils.optional import require

# What a color_mode is in Pillow's words, and how many channels it has.
PILLOW_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
EXTENSIONS = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")

# Grayscale pictures that keep their depth: 16 bits, 32 bits.
_DEEP_GRAYS = ("L", "I;16", "I")
# Spellings of a format that Pillow knows only as an extension.
_FORMATS = {"jpg": "jpeg", "tif": "tiff"}


def float_type(owner, dtype):
    """Name of the type of numbers that `dtype` means; None is the default float type, at least float32: nothing
    resamples in half precision.

    Raises:
        ValueError: it is no type of numbers.
    """
    if dtype is None:
        return "float64" if config.floatx() == "float64" else "float32"
    return checks.data_type(owner, np.dtype(dtype).name if isinstance(dtype, type) else dtype)


def known_color_mode(owner, color_mode):
    """`color_mode`, if there is one of that name."""
    if color_mode not in PILLOW_MODES:
        raise checks.unknown_name(f"{owner} color_mode", color_mode, PILLOW_MODES)
    return color_mode


def picture_size(owner, target_size):
    """`target_size` as (height, width)."""
    if isinstance(target_size, (int, np.integer)):
        raise checks.wrong_argument(owner, "target_size", target_size, f"(height, width): ({target_size},) * 2, say")
    return normalize_tuple(target_size, 2, "target_size", owner)


def load_img(
    path, grayscale=False, color_mode="rgb", target_size=None, interpolation="nearest", keep_aspect_ratio=False
):
    """A picture file as a Pillow image, its pixels read.

    A picture that needs more memory than Pillow allows (`PIL.Image.MAX_IMAGE_PIXELS`) is refused, and so is a
    PostScript program, which Pillow would have another program run.

    Args:
        path: name of a file, or a file that is open for reading bytes.
        grayscale: old spelling of `color_mode='grayscale'`.
        color_mode: 'rgb', 'rgba' or 'grayscale', which keeps 16 and 32 bits where a file has them.
        target_size: (height, width) to resize to, or None.
        interpolation: how to resize: 'nearest', 'bilinear', 'bicubic', 'hamming', 'box', 'lanczos'.
        keep_aspect_ratio: cut off what does not fit the form of `target_size` instead of distorting it?

    Raises:
        OSError: the file is missing or damaged. It is a `PIL.UnidentifiedImageError` if nothing in it is a picture.
        ValueError: it is refused, or an argument is unknown.

    Example:
        >>> file = io.BytesIO()
        >>> save_img(file, np.zeros((4, 6, 3)), file_format="png")
        >>> load_img(io.BytesIO(file.getvalue()), target_size=(2, 3)).size  # Pillow says (width, height)
        (3, 2)

    Reference: keras_preprocessing 1.1.2; `keep_aspect_ratio` as in Keras 3.
    """
    if isinstance(grayscale, str):  # newer Keras has color_mode in this place
        color_mode = grayscale
    elif grayscale:
        warnings.warn("load_img(grayscale=True) is the old spelling of color_mode='grayscale'.", stacklevel=2)
        color_mode = "grayscale"
    if isinstance(color_mode, (tuple, list)):  # Keras 1 has target_size in this place
        color_mode, target_size = "rgb", color_mode
    known_color_mode("load_img", color_mode)
    img = _read(path, color_mode)
    if target_size is None:
        return img
    height, width = picture_size("load_img", target_size)
    if img.size == (width, height):
        return img
    if interpolation not in INTERPOLATIONS:
        raise checks.unknown_name("load_img interpolation", interpolation, INTERPOLATIONS)
    method = require("PIL.Image", "load_img").Resampling[interpolation.upper()]
    box = _middle(img.size, width, height) if keep_aspect_ratio else None
    return img.resize((width, height), method, box=box)


def _read(path, color_mode):
    Image = require("PIL.Image", "load_img")
    name = getattr(path, "name", None) or (path if isinstance(path, (str, os.PathLike)) else "The picture")
    if hasattr(path, "read"):
        data = io.BytesIO(path.read())
    else:
        with open(path, "rb") as file:
            data = io.BytesIO(file.read())
    try:
        img = Image.open(data)
        if img.format == "EPS":
            raise ValueError("it is a PostScript program; make a PNG of it first")
        wanted = PILLOW_MODES[color_mode]
        keep = img.mode in (_DEEP_GRAYS if color_mode == "grayscale" else (wanted,))
        img.load()
        return img if keep else img.convert(wanted)
    except Image.DecompressionBombError as error:
        raise ValueError(
            f"{name}: refused, its size would fill the memory ({error}). If you trust it, raise the limit: "
            f"PIL.Image.MAX_IMAGE_PIXELS = ..."
        ) from error
    except Exception as error:  # decoders raise anything; what old code catches is still caught
        kind = ValueError
        if isinstance(error, OSError):
            kind = Image.UnidentifiedImageError if isinstance(error, Image.UnidentifiedImageError) else OSError
        told = "nothing in it is a picture" if kind is Image.UnidentifiedImageError else error
        raise kind(f"{name}: cannot be read as a picture: {told}. Mend it or take it out.") from error


def _middle(size, target_width, target_height):
    """Box (left, top, right, bottom) of the largest part in the middle with the form of the target."""
    width, height = size
    box_height = min(height, width * target_height // target_width)
    box_width = min(width, height * target_width // target_height)
    left, top = (width - box_width) // 2, (height - box_height) // 2
    return left, top, left + box_width, top + box_height


def img_to_array(img, data_format=None, dtype=None):
    """A Pillow image as an array with a channel axis.

    Args:
        img: Pillow image, or an array of two or three axes.
        data_format: 'channels_last', 'channels_first'; None for the default layout.
        dtype: type of the numbers; None for the default float type.

    Shapes:
        image of width W and height H -> (H, W, C), or (C, H, W) with 'channels_first'

    Raises:
        ValueError: there are not two or three axes.

    Example:
        >>> img_to_array(np.ones((2, 3))).shape
        (2, 3, 1)
    """
    layout = checks.data_format("img_to_array", data_format)
    x = np.asarray(img, dtype=float_type("img_to_array", dtype))
    if x.ndim == 2:
        return x[np.newaxis] if layout == "channels_first" else x[..., np.newaxis]
    if x.ndim != 3:
        raise ValueError(f"img_to_array takes one picture of two or three axes, got shape {x.shape}.")
    return x.transpose(2, 0, 1) if layout == "channels_first" else x


def array_to_img(x, data_format=None, scale=True, dtype=None):
    """An array of one picture as a Pillow image: `(x - min(x)) / max(x - min(x)) * 255`, cut to whole numbers.

    With scale=False the numbers are taken as they are, and those outside of 0...255 come out as others; one channel
    that passes 255 gives a picture of 32-bit whole numbers.

    Args:
        x: array of 1, 3 or 4 channels.
        data_format: 'channels_last', 'channels_first'; None for the default layout.
        scale: spread the numbers over 0...255?
        dtype: type to compute in; None for the default float type.

    Shapes:
        (H, W, C), or (C, H, W) with 'channels_first'

    Raises:
        ValueError: it is no single picture, or has another number of channels.

    Example:
        >>> array_to_img(np.array([[[0.0], [2.0]]])).getpixel((1, 0))
        255
    """
    Image = require("PIL.Image", "array_to_img")
    layout = checks.data_format("array_to_img", data_format)
    x = np.asarray(x, dtype=float_type("array_to_img", dtype))
    if x.ndim != 3:
        cure = " Take one of the batch: x[0]." if x.ndim == 4 else ""
        raise ValueError(f"array_to_img takes one picture of three axes, got shape {x.shape}.{cure}")
    if layout == "channels_first":
        x = x.transpose(1, 2, 0)
    channels = x.shape[2]
    if channels not in CHANNELS.values():
        other = "channels_last" if layout == "channels_first" else "channels_first"
        raise ValueError(
            f"array_to_img makes pictures of 1, 3 or 4 channels, got {channels} with data_format={layout!r}. Is it "
            f"{other!r}?"
        )
    if scale:
        x = x - np.min(x)
        highest = np.max(x)
        if highest != 0:
            x /= highest
        x *= 255
    if channels > 1:
        return Image.fromarray(np.ascontiguousarray(x.astype("uint8")))
    return Image.fromarray(x[:, :, 0].astype("int32" if np.max(x) > 255 else "uint8"))


def save_img(path, x, data_format=None, file_format=None, scale=True, **kwargs):
    """Write an array as a picture file.

    Args:
        path: name of the file, or a file open for writing bytes.
        x, data_format, scale: as for :func:`array_to_img`.
        file_format: 'png', 'jpeg' ...; None for what the extension says.
        kwargs: what Pillow's `Image.save` takes, `quality=90` for example.

    Raises:
        ValueError: the array is no picture, or the format is unknown.

    Example:
        >>> file = io.BytesIO()
        >>> save_img(file, np.zeros((2, 2, 1)), file_format="jpg")
        >>> len(file.getvalue()) > 100
        True
    """
    img = array_to_img(x, data_format=data_format, scale=scale)
    name = file_format or os.path.splitext(os.fspath(path) if isinstance(path, (str, os.PathLike)) else "")[1][1:]
    if img.mode == "RGBA" and name.lower() in ("jpg", "jpeg"):
        warnings.warn("save_img: JPEG holds no transparency, the fourth channel is left out.", stacklevel=2)
        img = img.convert("RGB")
    img.save(path, format=file_format and _FORMATS.get(file_format.lower(), file_format), **kwargs)


def validate_filename(filename, white_list_formats):
    """Is it an existing file with one of these extensions?

    Args:
        filename: path.
        white_list_formats: extensions without a dot, in lower case.

    Example:
        >>> validate_filename(__file__, ("png",))
        False
    """
    endings = (white_list_formats,) if isinstance(white_list_formats, str) else tuple(white_list_formats)
    return os.fspath(filename).lower().endswith(endings) and os.path.isfile(filename)


def list_pictures(directory, ext=("jpg", "jpeg", "bmp", "png", "ppm", "tif", "tiff")):
    """Paths of the pictures in a folder and all folders in it, in the order in which the system names them.

    Args:
        directory: the folder.
        ext: extensions without a dot, or a single one.

    Example:
        >>> list_pictures(os.path.dirname(__file__))
        []
    """
    endings = tuple(f".{e}" for e in ([ext] if isinstance(ext, str) else ext))
    return [
        os.path.join(root, name)
        for root, _, names in os.walk(directory)
        for name in names
        if name.lower().endswith(endings)
    ]
