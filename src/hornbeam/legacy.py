"""Old spellings: what Keras 1 called the arguments of layers and methods, as plain data, and how they are read today.

`modernize` is applied in one place, where an object is constructed (core/construction.py); files of Keras 1 go through
the same tables (saving/old_configs.py). No layer mentions an old name. MaxoutDense and Highway are not in the tables:
they still own `init`, `W_regularizer`, `bias` and the rest. `tell` says today's spelling, once for each old one.
"""

import functools
import inspect
import sys
import warnings

# --- Values ---

DATA_FORMATS = {"th": "channels_first", "tf": "channels_last", "default": None}
IMPLEMENTATIONS = {"cpu": 0, "mem": 1, "gpu": 2}
FORGET_BIASES = {"one": True, "ones": True, "zero": False, "zeros": False}

# New argument name -> old values that have another spelling today.
VALUES = {"data_format": DATA_FORMATS, "implementation": IMPLEMENTATIONS, "unit_forget_bias": FORGET_BIASES}

# --- Names: class -> {old argument: new argument} ---

_WEIGHTS = {
    "init": "kernel_initializer", "W_regularizer": "kernel_regularizer", "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint", "b_constraint": "bias_constraint", "bias": "use_bias",
}  # fmt: skip
_DENSE = {"output_dim": "units", **_WEIGHTS}
_WINDOW = {"border_mode": "padding", "dim_ordering": "data_format"}
_CONV = {"nb_filter": "filters", "subsample": "strides", "atrous_rate": "dilation_rate", **_WINDOW, **_WEIGHTS}
_CONV_1D = {"filter_length": "kernel_size", "subsample_length": "strides", **_CONV}
_SEPARABLE = {
    **{old: new for old, new in _CONV.items() if not old.startswith("W_")},
    "init": "depthwise_initializer", "depthwise_init": "depthwise_initializer",
    "pointwise_init": "pointwise_initializer",
}  # fmt: skip
_SIMPLE_RNN = {
    "output_dim": "units", "inner_init": "recurrent_initializer", "U_regularizer": "recurrent_regularizer",
    "U_constraint": "recurrent_constraint", "dropout_W": "dropout", "dropout_U": "recurrent_dropout",
    **{old: new for old, new in _WEIGHTS.items() if old != "bias"},
}  # fmt: skip
_GATES = {"inner_activation": "recurrent_activation"}
_GRU = {**_SIMPLE_RNN, **_GATES, "consume_less": "implementation"}
_LSTM = {**_GRU, "forget_bias_init": "unit_forget_bias"}
_CONV_LSTM = {
    **{old: new for table in (_CONV, _LSTM) for old, new in table.items()
       if old not in ("atrous_rate", "output_dim", "consume_less")},
}  # fmt: skip
_POOLING_1D = {"pool_length": "pool_size", "stride": "strides", "border_mode": "padding"}
_RATE = {"p": "rate"}
_LAYOUT = {"dim_ordering": "data_format"}

RENAMED = {
    "Dense": _DENSE,
    "Conv1D": _CONV_1D,
    "Conv2D": _CONV,
    "Conv3D": _CONV,
    "Conv2DTranspose": _CONV,
    "Conv3DTranspose": _CONV,
    "SeparableConv2D": _SEPARABLE,
    "LocallyConnected1D": _CONV_1D,
    "LocallyConnected2D": _CONV,
    "ConvLSTM2D": _CONV_LSTM,
    "SimpleRNN": _SIMPLE_RNN,
    "GRU": _GRU,
    "LSTM": _LSTM,
    "Embedding": {
        "init": "embeddings_initializer", "W_regularizer": "embeddings_regularizer",
        "W_constraint": "embeddings_constraint",
    },
    "BatchNormalization": {"beta_init": "beta_initializer", "gamma_init": "gamma_initializer"},
    "PReLU": {"init": "alpha_initializer"},
    "Dropout": _RATE,
    "SpatialDropout1D": _RATE,
    "SpatialDropout2D": {**_RATE, **_LAYOUT},
    "SpatialDropout3D": {**_RATE, **_LAYOUT},
    "GaussianDropout": _RATE,
    "GaussianNoise": {"sigma": "stddev"},
    "MaxPooling1D": _POOLING_1D,
    "AveragePooling1D": _POOLING_1D,
    **{f"{kind}Pooling{rank}D": _WINDOW for kind in ("Max", "Average") for rank in (2, 3)},
    **{f"Global{kind}Pooling{rank}D": _LAYOUT for kind in ("Max", "Average") for rank in (2, 3)},
    "UpSampling1D": {"length": "size"},
    **{f"{kind}{rank}D": _LAYOUT for kind in ("UpSampling", "ZeroPadding", "Cropping") for rank in (2, 3)},
    "Model": {"input": "inputs", "output": "outputs"},
}  # fmt: skip

# Sizes of a window that Keras 1 took one by one, after the number of filters: class -> names.
WINDOW_SIZES = {
    **dict.fromkeys(
        ("Conv2D", "Conv2DTranspose", "SeparableConv2D", "LocallyConnected2D", "ConvLSTM2D"), ("nb_row", "nb_col")
    ),
    "Conv3D": ("kernel_dim1", "kernel_dim2", "kernel_dim3"),
}  # fmt: skip

# Arguments that are gone: class -> {name: (values that change nothing, what to do instead of the others)}.
GONE = {
    "Embedding": {
        "dropout": ((0, 0.0, None), "Put a SpatialDropout1D layer after the Embedding."),
    },
    "BatchNormalization": {
        "mode": ((0, None), "Only mode 0 is left: use LayerNormalization for mode 1, and call the layer with "
                            "training=True for mode 2."),
    },
    "Conv2DTranspose": {"output_shape": (None, "")},  # it follows from the other arguments
    "SimpleRNN": {"consume_less": (None, "")},  # one gate, one way to compute it
    "ConvLSTM2D": {"consume_less": (None, "")},
}  # fmt: skip

# Classes that have another name today.
CLASSES = {
    **{f"Convolution{rank}D": f"Conv{rank}D" for rank in (1, 2, 3)},
    **{f"{name}{rank}D": f"Conv{rank}D" for name in ("AtrousConvolution", "AtrousConv") for rank in (1, 2)},
    **{f"{name}{rank}D": f"Conv{rank}DTranspose" for name in ("Deconvolution", "Deconv") for rank in (2, 3)},
    **{f"Convolution{rank}DTranspose": f"Conv{rank}DTranspose" for rank in (1, 2, 3)},
    **{f"SeparableConvolution{rank}D": f"SeparableConv{rank}D" for rank in (1, 2)},
    **{f"{short}Pool{rank}D": f"{long}Pooling{rank}D" for rank in (1, 2, 3)
       for short, long in (("Max", "Max"), ("Avg", "Average"), ("GlobalMax", "GlobalMax"),
                           ("GlobalAvg", "GlobalAverage"))},
}  # fmt: skip

# `mode` of the Keras 1 Merge layer -> (class, its arguments).
MERGE_MODES = {
    "sum": ("Add", {}),
    "mul": ("Multiply", {}),
    "ave": ("Average", {}),
    "max": ("Maximum", {}),
    "concat": ("Concatenate", {}),
    "dot": ("Dot", {}),
    "cos": ("Dot", {"normalize": True}),
}

# Arguments of methods in Keras 1: {old: new}, for whoever writes the method.
METHOD_ARGUMENTS = {
    "nb_epoch": "epochs", "samples_per_epoch": "steps_per_epoch", "val_samples": "steps",
    "nb_val_samples": "validation_steps", "nb_worker": "workers", "max_q_size": "max_queue_size",
    "pickle_safe": "use_multiprocessing",
}  # fmt: skip

# Arguments of functions and of small classes: owner -> {old: new}.
FUNCTION_ARGUMENTS = {
    "to_categorical": {"nb_classes": "num_classes"},
    "MaxNorm": {"m": "max_value"},
    "get_test_data": {"nb_train": "num_train", "nb_test": "num_test", "nb_class": "num_classes"},
}

# Spellings of Keras 2 that hold here and that today's Keras writes otherwise: kind -> {name: today's}. They are told
# only in a program that was written for Keras (hornbeam.as_keras, hornbeam run).
KEPT = {
    "optimizer": {"lr": "learning_rate", "decay": "learning_rate=schedules.InverseTimeDecay(...)"},
    "layer": {"input_dim": "input_shape=(n,)"},
    "metric": {"'acc'": "'accuracy'"},
}

# Names that modules had in Keras 1 and 2 -> today's: module -> {name: today's}.
NAMES = {
    "constraints": {"maxnorm": "MaxNorm", "nonneg": "NonNeg", "unitnorm": "UnitNorm"},
    "optimizers": {"sgd": "SGD", "rmsprop": "RMSprop", "adagrad": "Adagrad", "adadelta": "Adadelta", "adam": "Adam",
                   "adamax": "Adamax", "nadam": "Nadam"},
    "regularizers": {"l1l2": "l1_l2", "WeightRegularizer": "L1L2", "ActivityRegularizer": "L1L2",
                     "activity_l1": "l1", "activity_l2": "l2", "activity_l1l2": "l1_l2"},
    "utils.visualize_util": {"plot": "plot_model"},
}  # fmt: skip

# Modules of Keras 1 that have another name today.
MODULES = {"objectives": "losses", "initializations": "initializers", "utils.visualize_util": "utils.vis_utils"}


def merge_class(mode, concat_axis=-1, dot_axes=-1):
    """(class name, arguments) of the layer that does what `Merge(mode=mode)` did.

    Raises:
        ValueError: a mode that is none of :data:`MERGE_MODES`, such as a function.

    Example:
        >>> merge_class("concat", concat_axis=1)
        ('Concatenate', {'axis': 1})
    """
    if not isinstance(mode, str) or mode not in MERGE_MODES:
        raise ValueError(
            f"Merge: mode must be one of {', '.join(map(repr, MERGE_MODES))}; got {mode!r}. Write a function of "
            f"several tensors as a Lambda layer or a layer of your own."
        )
    name, arguments = MERGE_MODES[mode]
    if name == "Concatenate":
        return name, {"axis": concat_axis}
    if name == "Dot":
        pair = dot_axes if isinstance(dot_axes, (list, tuple)) else None
        axes = dot_axes if pair is None else [a[0] if isinstance(a, (list, tuple)) else a for a in pair]
        return name, {"axes": axes, **arguments}
    return name, {}


# --- Saying it ---


class OldSpelling(UserWarning):
    """The category of all that is said about old spellings: `warnings.simplefilter("ignore", OldSpelling)`."""


# `classic`: was the program written for Keras? `quiet`: is nothing to be said?
mode = {"classic": False, "quiet": False}
_told = set()


def tell(spellings, message):
    """Warn of old spellings, at the line of the program that has them, if one of them has not been told yet.

    Who asks for every warning, or makes them errors, gets each.

    Args:
        spellings: set of whatever stands for one spelling: ("Dense", "output_dim").
        message: one line with today's spelling.
    """
    told = spellings <= _told and _action() not in ("always", "all", "error")
    _told.update(spellings)
    if told or mode["quiet"]:
        return
    frame = users_frame()
    place = frame.f_globals
    warnings.warn_explicit(
        message, OldSpelling, frame.f_code.co_filename, frame.f_lineno, place.get("__name__"),
        place.setdefault("__warningregistry__", {}),
    )  # fmt: skip


def users_frame():
    """The nearest frame that is not of the house, nor of what imports for it."""
    frame = sys._getframe(1)
    while frame.f_back is not None and not _is_users(frame):
        frame = frame.f_back
    return frame


def _is_users(frame):
    return (frame.f_globals.get("__name__") or "").partition(".")[0] not in ("hornbeam", "importlib")


def _action():
    """What the filters of the warnings do with ours."""
    fitting = (entry[0] for entry in warnings.filters if issubclass(OldSpelling, entry[2]) and entry[1] is None)
    return next(fitting, "default")


def note(kind, names, depth=2):
    """Tell of spellings in :data:`KEPT`, in a program written for Keras, where the program itself has them.

    Args:
        kind: key of :data:`KEPT`.
        names: names that came.
        depth: how far up the caller's caller is; what the house itself writes is nobody's old spelling.
    """
    if not mode["classic"]:
        return
    table = KEPT[kind]
    found = [name for name in names if name in table]
    if found and _is_users(sys._getframe(depth)):
        for name in found:
            tell({(kind, name)}, f"{name} is the spelling of Keras 2; write {table[name]}.")


def takes_old_names(owner):
    """Decorator: the function is also called with the names in :data:`FUNCTION_ARGUMENTS` of `owner`."""
    table = FUNCTION_ARGUMENTS[owner]

    def decorate(function):
        @functools.wraps(function)
        def called(*args, **kwargs):
            old = [name for name in kwargs if name in table]
            if old:
                tell_renamed(owner, old, [table[name] for name in old])
                kwargs = {table.get(name, name): value for name, value in kwargs.items()}
            return function(*args, **kwargs)

        called.old_names = table
        return called

    return decorate


def tell_renamed(owner, old, new, more=""):
    """Tell that `owner` was called with arguments `old`, which are called `new`."""
    tell(
        {(owner, name) for name in old},
        f"{owner}({', '.join(old)}) is the spelling of Keras 1; write {', '.join(new)}.{more}",
    )


# --- Reading a call ---


def modernize(names, takes, args, kwargs):
    """Arguments of a constructor, old spellings replaced by today's; tells of them.

    Args:
        names: the class's name and those of its bases, nearest first; the first one in the tables counts.
        takes: names of the constructor's own arguments. An old name among them is the class's own and stays.
        args: positional arguments, without `self`; None if the constructor has an order of its own.
        kwargs: keyword arguments.

    Returns:
        (args, kwargs) in the new spelling; the very objects that came if there was nothing to do.

    Raises:
        ValueError: a value that has no counterpart today; the message says what to use. TypeError: an argument came
            under both names.

    Example:
        >>> with warnings.catch_warnings(record=True) as seen:
        ...     warnings.simplefilter("always")
        ...     found = modernize(["Dense"], ["units"], (), {"output_dim": 3, "init": "normal"})
        >>> found
        ((), {'units': 3, 'kernel_initializer': 'normal'})
        >>> print(seen[0].message)
        Dense(output_dim, init) is the spelling of Keras 1; write Dense(units=3, kernel_initializer='normal').
    """
    name = next((n for n in names if n in RENAMED), None)
    if name is None:
        return args, kwargs
    old = [k for k in kwargs if (k not in takes and _is_old(name, k)) or _is_old_padding(name, k, kwargs[k])]
    sizes = _window_given_one_by_one(name, args, kwargs)
    if not old and not sizes:
        return args, kwargs
    said = dict.fromkeys([*(WINDOW_SIZES.get(name, ())[: len(sizes or ())]), *old])
    if sizes:
        args = (args[0], tuple(sizes))
    found = renamed(name, kwargs, takes)
    kept = {key: value for key, value in found.items() if key not in kwargs or kwargs[key] is not value}
    if sizes:
        kept = {"filters": args[0], "kernel_size": args[1], **kept}
    written = ", ".join(f"{key}={_short(value)}" for key, value in kept.items())
    tell_renamed(names[0], list(said), [f"{names[0]}({written})" if written else f"{names[0]} without it"])
    return args, found


def _short(value):
    text = repr(value)
    return text if len(text) <= 40 and "\n" not in text and " at 0x" not in text else "..."


def _is_old(name, key):
    return key in RENAMED[name] or key in WINDOW_SIZES.get(name, ()) or key in GONE.get(name, ())


def _is_old_padding(name, key, value):
    return name.startswith("ZeroPadding") and key == "padding" and isinstance(value, dict)


def _window_given_one_by_one(name, args, kwargs):
    """Sizes of the window in `Convolution2D(32, 3, 3)`, or None.

    An argument that Keras 1 did not know says that the third number is `strides`, as it is today; so it always was in
    the Keras of TensorFlow, which a program has that imports no other.
    """
    wanted = WINDOW_SIZES.get(name)
    if not wanted or args is None or len(args) < len(wanted) + 1:
        return None
    if mode["classic"] and "keras" not in sys.modules and "tensorflow" in sys.modules:
        return None
    sizes, rest = args[1 : len(wanted) + 1], args[len(wanted) + 1 :]
    whole = all(isinstance(size, int) and not isinstance(size, bool) for size in sizes)
    spread = kwargs.get("dilation_rate", 1) not in (1, (1, 1), (1, 1, 1))  # then strides cannot be above 1
    if not whole or _TODAYS_ALONE & set(kwargs) or ("dilation_rate" in kwargs and not (spread and sizes[-1] > 1)):
        return None
    if rest and not (name == "Conv2DTranspose" and len(rest) == 1 and isinstance(rest[0], (tuple, list))):
        return None
    return list(sizes)


_TODAYS_ALONE = {
    "padding", "strides", "data_format", "use_bias", "kernel_initializer", "bias_initializer",
    "kernel_regularizer", "bias_regularizer", "kernel_constraint", "bias_constraint", "groups", "kernel_size",
    "depthwise_initializer", "pointwise_initializer", "depthwise_regularizer", "pointwise_regularizer",
    "recurrent_initializer", "recurrent_activation", "recurrent_dropout", "output_padding",
}  # fmt: skip


def renamed(name, settings, own=()):
    """`settings` (a dict of arguments of the class `name`) in today's spelling; says nothing.

    Args:
        name: a class in :data:`RENAMED`; others come back as they are.
        settings: argument -> value.
        own: arguments that keep their old name, since the class has them.

    Raises:
        ValueError: a value without counterpart. TypeError: one argument under two names.

    Example:
        >>> renamed("Conv2D", {"nb_filter": 2, "nb_row": 3, "nb_col": 5, "dim_ordering": "th"})
        {'filters': 2, 'data_format': 'channels_first', 'kernel_size': (3, 5)}
    """
    table, gone = RENAMED.get(name, {}), GONE.get(name, {})
    found = {}
    for key, value in settings.items():
        if key in gone and key not in own:
            _check_gone(name, key, value)
            continue
        new = table.get(key, key) if key not in own else key
        if new != key and new in settings:
            raise TypeError(f"{name}: {key} is the old name of {new}, and both came. Leave {key} out.")
        found[new] = value if new == key else modern_value(name, new, value)
    _join_window(name, found)
    if _is_old_padding(name, "padding", found.get("padding")):
        found["padding"] = _edges_of(found["padding"])
    return found


def _join_window(name, found):
    sizes = WINDOW_SIZES.get(name, ())
    if sizes and all(size in found for size in sizes):
        found["kernel_size"] = tuple(found.pop(size) for size in sizes)


def _check_gone(name, key, value):
    harmless, cure = GONE[name][key]
    if harmless is not None and value not in harmless:
        raise ValueError(f"{name}: {key}={value!r} was an argument of Keras 1 and is gone. {cure}")


def modern_value(name, argument, value):
    """`value` of `argument` in today's spelling: 'th' is 'channels_first'.

    Raises:
        ValueError: it has none.
    """
    if argument.endswith("_initializer"):
        return _initializer(value)
    table = VALUES.get(argument)
    if table is None or not isinstance(value, str) or value in table.values():
        return value
    if value not in table:
        raise ValueError(f"{name}: {argument} was one of {', '.join(map(repr, table))} in Keras 1; got {value!r}.")
    return table[value]


def _initializer(value):
    """A function of Keras 1, (shape, name=None) -> array, as one of (shape, dtype)."""
    if not inspect.isroutine(value) and not isinstance(value, functools.partial):
        return value
    takes = inspect.signature(value).parameters
    if "name" not in takes or "dtype" in takes:
        return value

    def first_values(shape, dtype=None, **newer):
        return value(shape, name=None)

    first_values.__name__ = getattr(value, "__name__", "first_values")
    return first_values


def _edges_of(padding):
    """Padding of `ZeroPadding2D(padding={'top_pad': 1, ...})` as pairs."""
    pairs = (("top_pad", "bottom_pad"), ("left_pad", "right_pad"))
    return tuple((padding.get(before, 0), padding.get(after, 0)) for before, after in pairs)
