"""Settings every room reads: float type, fuzz factor, image layout, and which engine computes.

Sources, later ones win: built-in defaults, ``~/.keras/keras.json`` (or ``$KERAS_HOME/keras.json``), the environment
variables ``KERAS_BACKEND`` and ``HORNBEAM_BACKEND``, and the setters below.
"""

import json
import os
import sys
import warnings
from pathlib import Path

ENGINES = ("jax", "numpy")
# Keras itself writes one of these into keras.json at its first import, so finding one there is no wish of the user's.
KERAS_ENGINES = ("tensorflow", "theano", "cntk", "torch", "openvino")
FLOAT_TYPES = ("float16", "bfloat16", "float32", "float64")
DATA_FORMATS = ("channels_last", "channels_first")


def keras_home():
    """Folder of settings, data sets and downloaded weights: ``$KERAS_HOME`` or ``~/.keras``."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")


def programs_folder():
    """Folder of compiled programs, None if none are kept: ``$HORNBEAM_PROGRAM_CACHE`` ('off' for none), or
    `hornbeam/programs` in the user's cache folder, ``$XDG_CACHE_HOME``, ``~/.cache``, ``~/Library/Caches`` or
    ``%LOCALAPPDATA%``."""
    asked = os.environ.get("HORNBEAM_PROGRAM_CACHE", "")
    if asked.lower() in ("0", "off", "false", "no"):
        return None
    if asked:
        return Path(asked).expanduser()
    try:
        home = Path.home()
    except RuntimeError:  # a user without one
        return None
    if sys.platform == "win32":
        caches = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        caches = home / "Library" / "Caches"
    else:
        caches = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return caches / "hornbeam" / "programs"


def _read_settings_file():
    path = keras_home() / "keras.json"
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except OSError:  # no file, or none we may read: defaults serve
        return {}
    except ValueError as error:
        warnings.warn(f"{path} is not valid JSON ({error}); it is ignored. Mend or delete it.", stacklevel=2)
        return {}
    return settings if isinstance(settings, dict) else {}


def _choose_engine(settings):
    for variable in ("HORNBEAM_BACKEND", "KERAS_BACKEND"):
        name = os.environ.get(variable)
        if name:
            return _known_engine(name, f"the environment variable {variable}")
    name = settings.get("backend", ENGINES[0])
    if name in KERAS_ENGINES:
        return ENGINES[0]
    return _known_engine(name, f"{keras_home() / 'keras.json'}")


def _known_engine(name, source):
    if name not in ENGINES:
        raise ValueError(
            f"{source} asks for the engine {name!r}, which Hornbeam does not have. "
            f"It has: {', '.join(ENGINES)}. Set HORNBEAM_BACKEND={ENGINES[0]} or remove the setting."
        )
    return name


def _checked(name, value, choices):
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; got {value!r}.")
    return value


_file = _read_settings_file()
_engine = _choose_engine(_file)
_floatx = _checked("floatx in keras.json", _file.get("floatx", "float32"), FLOAT_TYPES)
_epsilon = float(_file.get("epsilon", 1e-7))
_image_data_format = _checked(
    "image_data_format in keras.json", _file.get("image_data_format", "channels_last"), DATA_FORMATS
)


def backend():
    """Name of the engine in use, such as ``'jax'``."""
    return _engine


def floatx():
    """Default float type of weights and computations, such as ``'float32'``."""
    return _floatx


def set_floatx(floatx):
    """Set the default float type.

    Args:
        floatx: 'float16', 'bfloat16', 'float32' or 'float64'.

    Raises:
        ValueError: for any other name.
    """
    global _floatx
    _floatx = _checked("floatx", str(floatx), FLOAT_TYPES)
    for listener in float_listeners:
        listener(_floatx)


# Engines that must be told of a new float type (double precision is a mode of its own there) add a function here.
float_listeners = []


def epsilon():
    """Fuzz factor that keeps logarithms and divisions finite, 1e-7 by default."""
    return _epsilon


def set_epsilon(e):
    """Set the fuzz factor that :func:`epsilon` returns."""
    global _epsilon
    _epsilon = float(e)


def image_data_format():
    """Default layout of images: 'channels_last' (B, H, W, C) or 'channels_first' (B, C, H, W)."""
    return _image_data_format


def set_image_data_format(data_format):
    """Set the default image layout.

    Args:
        data_format: 'channels_last' or 'channels_first'.

    Raises:
        ValueError: for any other name.
    """
    global _image_data_format
    _image_data_format = _checked("data_format", data_format, DATA_FORMATS)


def normalize_data_format(value):
    """The layout that `value` means: itself, checked, or the default for None.

    Raises:
        ValueError: if `value` names no layout.
    """
    return image_data_format() if value is None else _checked("data_format", str(value).lower(), DATA_FORMATS)


_ORDERINGS = {"tf": "channels_last", "th": "channels_first"}


def image_dim_ordering():
    """The default image layout in Keras 1's words: 'tf' for channels last, 'th' for channels first."""
    return "tf" if _image_data_format == "channels_last" else "th"


def set_image_dim_ordering(dim_ordering):
    """Set the default image layout in Keras 1's words.

    Args:
        dim_ordering: 'tf' (channels last) or 'th' (channels first).

    Raises:
        ValueError: for any other name.
    """
    set_image_data_format(_ORDERINGS[_checked("dim_ordering", dim_ordering, tuple(_ORDERINGS))])
