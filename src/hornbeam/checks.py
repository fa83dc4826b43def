"""Error messages in one voice: what, where, what came, how to mend it."""

import difflib
import inspect

from hornbeam import config


def nearest(name, known):
    """The known name most like `name`, or None."""
    if not isinstance(name, str):
        return None
    by_lower = {}
    for k in sorted(map(str, known)):  # of 'MSE' and 'mse' the latter, which sorts last, is the one to say
        by_lower[k.lower()] = k
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.5)
    return by_lower[close[0]] if close else None


def unknown_name(kind, name, known, cure=""):
    """ValueError for a name nobody registered, answered with the nearest known one.

    Example:
        >>> str(unknown_name("activation", "rellu", ["relu", "tanh"]))
        "Unknown activation 'rellu'. Did you mean 'relu'?"
    """
    guess = nearest(name, known)
    hint = f"Did you mean {guess!r}?" if guess else f"Known: {', '.join(sorted({str(k) for k in known}))}."
    return ValueError(f"Unknown {kind} {name!r}. {hint}{' ' + cure if cure else ''}")


def wrong_argument(owner, argument, value, wanted):
    """ValueError for an argument outside its range.

    Example:
        >>> str(wrong_argument("Dropout", "rate", 1.5, "a number in [0, 1)"))
        'Dropout: rate must be a number in [0, 1); got 1.5.'
    """
    return ValueError(f"{owner}: {argument} must be {wanted}; got {value!r}.")


def data_format(owner, value):
    """`value` as a layout, 'channels_last' or 'channels_first'; None is the default one.

    Raises:
        ValueError: it names no layout.

    Example:
        >>> data_format("Flatten", "channels_first")
        'channels_first'
    """
    try:
        return config.normalize_data_format(value)
    except ValueError:
        raise wrong_argument(owner, "data_format", value, "'channels_last', 'channels_first' or None") from None


_NUMBERS = (
    "float16", "bfloat16", "float32", "float64", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32",
    "uint64", "complex64", "complex128",
)  # fmt: skip


def data_type(owner, value):
    """`value`, a type of numbers, by its name.

    Raises:
        ValueError: it is none. A file may say anything, 'V1000000000' too, of which one number is a gigabyte.

    Example:
        >>> data_type("Dense", "float32")
        'float32'
    """
    name = value if isinstance(value, str) else getattr(value, "name", getattr(value, "__name__", None))
    if name not in _NUMBERS:
        raise wrong_argument(owner, "dtype", value, f"one of {', '.join(_NUMBERS)}")
    return name


def unknown_keywords(owner, given, known):
    """TypeError for keyword arguments that `owner` does not take."""
    name = sorted(given)[0]
    guess = nearest(name, known)
    hint = f" Did you mean {guess!r}?" if guess else f" It takes: {', '.join(known) or 'none'}."
    return TypeError(f"{owner} takes no argument {name!r}.{hint}")


class Constructed:
    """Base of classes whose constructors answer a misspelt keyword with the nearest one there is.

    Nothing else changes: what Python would have accepted it still accepts, and subclasses need not know of this.

    Example:
        >>> class Rate(Constructed):
        ...     def __init__(self, start, decay=0.0):
        ...         self.start, self.decay = start, decay
        >>> Rate(0.1, decya=0.5)
        Traceback (most recent call last):
        TypeError: Rate takes no argument 'decya'. Did you mean 'decay'?
    """

    __slots__ = ()

    def __new__(cls, *args, **kwargs):
        """The new object, before `__init__`."""
        if kwargs:
            _check_keywords(cls, kwargs)
        if args and cls.__init__ is object.__init__:  # which lets them pass where there is a __new__
            raise TypeError(f"{cls.__name__} takes no arguments; got {', '.join(map(repr, args))}.")
        return super().__new__(cls)


def _check_keywords(cls, given):
    init = cls.__init__
    if init is object.__init__:
        raise unknown_keywords(cls.__name__, given, ())
    old = getattr(init, "old_names", None)  # see legacy.takes_old_names
    if old is None and hasattr(init, "__wrapped__"):  # a wrapper takes what it likes
        return
    _, *takes = inspect.signature(init).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in takes):
        return
    known = [p.name for p in takes if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    unknown = set(given) - {*known, *(old or ())}
    if unknown:
        raise unknown_keywords(cls.__name__, unknown, known)


def wrong_rank(layer, shape, least=None, exactly=None, cure=""):
    """ValueError for an input with too many or too few axes."""
    wanted = f"inputs of rank {exactly}" if exactly is not None else f"inputs of rank {least} or more"
    return ValueError(
        f"{type(layer).__name__} {layer.name!r} needs {wanted}, got shape {tuple(shape)}.{' ' + cure if cure else ''}"
    )


def wrong_size(layer, axis, wanted, shape, cure=""):
    """ValueError for an input whose axis has not the size the layer was built for."""
    return ValueError(
        f"{type(layer).__name__} {layer.name!r} was built for inputs of size {wanted} on axis {axis}, "
        f"got shape {tuple(shape)}.{' ' + cure if cure else ''}"
    )


def not_numbers(layer, array):
    """TypeError for an input of text, dates or Python objects (None among numbers, lists of different lengths)."""
    who = "A model" if layer is None else f"{type(layer).__name__} {layer.name!r}"
    if array.dtype.kind in "US":
        came = f"text, such as {str(array.ravel()[0])[:40]!r}" if array.size else "text"
        cure = "Give each word a number first."
    elif array.dtype.kind in "Mm":
        came, cure = "dates", "Take the days since the first one, say."
    else:
        kinds = sorted({type(item).__name__ for item in array.ravel()[:1000]})
        came, cure = f"Python objects ({', '.join(kinds)})", "x.astype('float32') tells what is no number among them."
    return TypeError(f"{who} computes with numbers, got {came} (shape {array.shape}, dtype {array.dtype}). {cure}")


def integer(owner, argument, value, least=None):
    """`value` as an int.

    Raises:
        ValueError: it is no whole number, or below `least`.

    Example:
        >>> integer("Dense", "units", 32.0, least=1)
        32
    """
    wanted = "an integer" if least is None else f"an integer of at least {least}"
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise wrong_argument(owner, argument, value, wanted) from None
    if isinstance(value, (bool, str)) or number != value or (least is not None and number < least):
        raise wrong_argument(owner, argument, value, wanted)
    return number


def known_size(layer, shape, axis):
    """Size of `shape` on `axis`.

    Raises:
        ValueError: it is unknown, so no weights can be made for it.
    """
    if shape[axis] is None:
        raise ValueError(
            f"{type(layer).__name__} {layer.name!r} makes weights for axis {axis} of its inputs, whose size is unknown "
            f"in {tuple(shape)}. Give the Input that size."
        )
    return int(shape[axis])


def fraction(owner, argument, value):
    """`value`, a number in [0, 1).

    Raises:
        ValueError: it is none.
    """
    try:
        fits = 0 <= value < 1
    except TypeError:
        fits = False
    if not fits:
        raise wrong_argument(owner, argument, value, "a number in [0, 1)")
    return value
