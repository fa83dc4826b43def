"""Words between layers as the operations of Keras 3, and back: one word is one operation, or has no counterpart."""

from dataclasses import dataclass, field
from typing import Any

from hornbeam.saving.errors import ModelFileError

_NEEDED = object()


@dataclass(frozen=True)
class _Pair:
    """A word and its operation.

    Attributes:
        word: name of the word.
        home: module and class of Keras 3.
        operands: how many arguments of the word are arguments of the operation's call; the first ones.
        settings: the word's other arguments in order: name -> (name in Keras 3, default).
    """

    word: str
    home: str
    operands: int = 1
    settings: dict = field(default_factory=dict)


def _pairs():
    axes = {"axis": ("axis", None), "keepdims": ("keepdims", False)}
    last = {"axis": ("axis", -1)}
    yield from (_Pair(word, f"numpy.{name}") for word, name in (
        ("exp", "Exp"), ("log", "Log"), ("sqrt", "Sqrt"), ("square", "Square"), ("sign", "Sign"), ("sin", "Sin"),
        ("cos", "Cos"), ("tanh", "Tanh"), ("abs", "Absolute"), ("abs", "Abs"), ("round", "Round"),
        ("negative", "Negative"), ("logical_not", "LogicalNot"),
    ))  # fmt: skip
    yield from (_Pair(word, f"nn.{name}") for word, name in (
        ("sigmoid", "Sigmoid"), ("softplus", "Softplus"), ("softsign", "Softsign"), ("relu", "Relu"),
    ))  # fmt: skip
    yield from (_Pair(word, f"numpy.{name}", 2) for word, name in (
        ("add", "Add"), ("subtract", "Subtract"), ("multiply", "Multiply"), ("divide", "Divide"),
        ("divide", "TrueDivide"), ("floor_divide", "FloorDivide"), ("remainder", "Mod"), ("power", "Power"),
        ("pow", "Power"), ("maximum", "Maximum"), ("minimum", "Minimum"), ("equal", "Equal"),
        ("not_equal", "NotEqual"), ("less", "Less"), ("less_equal", "LessEqual"), ("greater", "Greater"),
        ("greater_equal", "GreaterEqual"), ("logical_and", "LogicalAnd"), ("logical_or", "LogicalOr"),
        ("matmul", "Matmul"), ("getitem", "GetItem"),
    ))  # fmt: skip
    yield from (_Pair(word, f"numpy.{name}", 1, axes) for word, name in (
        ("sum", "Sum"), ("mean", "Mean"), ("max", "Max"), ("min", "Min"), ("prod", "Prod"), ("std", "Std"),
        ("var", "Var"), ("any", "Any"), ("all", "All"),
    ))  # fmt: skip
    yield _Pair("logsumexp", "math.Logsumexp", 1, axes)
    yield _Pair("erf", "math.Erf")
    yield _Pair("where", "numpy.Where", 3)
    yield _Pair("concatenate", "numpy.Concatenate", 1, last)
    yield _Pair("stack", "numpy.Stack", 1, {"axis": ("axis", 0)})
    yield _Pair("expand_dims", "numpy.ExpandDims", 1, last)
    yield _Pair("squeeze", "numpy.Squeeze", 1, {"axis": ("axis", _NEEDED)})
    yield _Pair("argmax", "numpy.Argmax", 1, last)
    yield _Pair("argmin", "numpy.Argmin", 1, last)
    yield _Pair("cumsum", "numpy.Cumsum", 1, {"axis": ("axis", 0)})
    yield _Pair("cumprod", "numpy.Cumprod", 1, {"axis": ("axis", 0)})
    yield _Pair("sort", "numpy.Sort", 1, last)
    yield _Pair("permute_dimensions", "numpy.Transpose", 1, {"pattern": ("axes", _NEEDED)})
    yield _Pair("transpose", "numpy.Transpose")
    yield _Pair("reshape", "numpy.Reshape", 1, {"shape": ("newshape", _NEEDED)})
    yield _Pair("clip", "numpy.Clip", 1, {"min_value": ("x_min", _NEEDED), "max_value": ("x_max", _NEEDED)})
    yield _Pair("reverse", "numpy.Flip", 1, {"axes": ("axis", _NEEDED)})
    yield _Pair("repeat_elements", "numpy.Repeat", 1, {"rep": ("repeats", _NEEDED), "axis": ("axis", _NEEDED)})
    yield _Pair("tile", "numpy.Tile", 1, {"n": ("repeats", _NEEDED)})
    yield _Pair("ones_like", "numpy.OnesLike", 1, {"dtype": ("dtype", None)})
    yield _Pair("zeros_like", "numpy.ZerosLike", 1, {"dtype": ("dtype", None)})
    yield _Pair("cast", "core.Cast", 1, {"dtype": ("dtype", _NEEDED)})
    yield _Pair("softmax", "nn.Softmax", 1, last)
    yield _Pair("elu", "nn.Elu", 1, {"alpha": ("alpha", 1.0)})


_PAIRS = tuple(_pairs())
_BY_WORD = {}
_BY_CLASS = {}
for _pair in _PAIRS:
    _BY_WORD.setdefault(_pair.word, _pair)
    _BY_CLASS.setdefault(_pair.home, []).append(_pair)
del _pair

# Operations of one argument that are activations here: a graph of Keras 3 may hold them bare.
_ACTIVATIONS = {
    f"nn.{name}": activation for name, activation in (
        ("Silu", "silu"), ("Gelu", "gelu"), ("Selu", "selu"), ("Relu6", "relu6"), ("HardSigmoid", "relu6_sigmoid"),
        ("HardSilu", "hard_silu"), ("HardTanh", "hard_tanh"), ("LogSigmoid", "log_sigmoid"), ("Celu", "celu"),
        ("LogSoftmax", "log_softmax"), ("SparsePlus", "sparse_plus"), ("SparseSigmoid", "sparse_sigmoid"),
        ("Squareplus", "squareplus"), ("TanhShrink", "tanh_shrink"), ("LeakyRelu", "leaky_relu"), ("Glu", "glu"),
    )
}  # fmt: skip
_USUAL = {"approximate": False, "alpha": 1.0, "axis": -1, "b": 4, "negative_slope": 0.2}  # what the names stand for
_FREE = "keras.src.ops."


def to_operation(word, args, kwargs):
    """(module, class name, settings, operands) of a word's call, or None if Keras 3 has nothing of the kind.

    Args:
        word: name of the word.
        args, kwargs: what it was called with, tensors written as references.

    Example:
        >>> to_operation("mean", ["x", -1], {})
        ('keras.src.ops.numpy', 'Mean', {'axis': -1, 'keepdims': False}, ['x'])
    """
    pair = _BY_WORD.get(word)
    if pair is None:
        return None
    given = dict(zip(pair.settings, args[pair.operands :], strict=False))
    operands = list(args[: pair.operands])
    if len(args) > pair.operands + len(pair.settings) or len(operands) < pair.operands:
        return None  # an operand by name, or an argument that Keras 3 does not have
    if set(kwargs) - set(pair.settings):
        return None
    given.update(kwargs)
    settings = {}
    for own, (theirs, default) in pair.settings.items():
        value = given.get(own, default)
        if value is _NEEDED or _has_tensor(value):
            return None
        settings[theirs] = value
    if word == "reverse" and isinstance(settings["axis"], int):
        settings["axis"] = [settings["axis"]]
    home, name = pair.home.split(".")
    return f"{_FREE}{home}", name, settings, operands


def _has_tensor(value):
    if isinstance(value, dict):
        return True  # a reference, an array or a slice: settings are plain numbers
    return isinstance(value, list) and any(_has_tensor(item) for item in value)


def from_operation(entry, args, kwargs) -> Any:
    """What an operation of a Keras 3 graph is here: ('word', name, args, kwargs) or ('activation', name, args, {}).

    Args:
        entry: the operation's configuration.
        args, kwargs: what it was called with, tensors written as references.

    Raises:
        ModelFileError: there is no such word; names the operation.
    """
    name = entry.get("class_name")
    home = f"{str(entry.get('module')).removeprefix(_FREE)}.{name}"
    config = {k: v for k, v in entry.get("config", {}).items() if k != "name" and (k != "dtype" or v is not None)}
    operands = [*args, *kwargs.values()]
    if home in _ACTIVATIONS and all(_USUAL[key] == value for key, value in config.items() if key in _USUAL):
        return "activation", _ACTIVATIONS[home], operands, {}
    for pair in _BY_CLASS.get(home, ()):
        back = {theirs: own for own, (theirs, _) in pair.settings.items()}
        unknown = [key for key, value in config.items() if key not in back and value not in (None, 0)]
        needed = [theirs for theirs, default in pair.settings.values() if default is _NEEDED]
        if not unknown and all(config.get(key) is not None for key in needed):
            settings = {back[key]: value for key, value in config.items() if key in back and value is not None}
            return "word", pair.word, operands[: pair.operands], settings
    raise ModelFileError(
        None,
        f"the operation {entry.get('name')!r} ({entry.get('module')}.{name}) of the model has no counterpart here",
        "Put a layer of your own in its place, save the model with that, and load it with custom_objects={...}.",
    )
