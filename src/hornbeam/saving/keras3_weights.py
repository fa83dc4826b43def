"""Where each weight lies in the weights file of Keras 3 ('layers/dense/vars/0'), worked out from the configuration.

Keras 3 walks the attributes of each object: what a layer made itself is numbered under 'vars', a layer held in an
attribute lies under the attribute's name, layers in a list are named by class and numbered by their order. Layers of
this house have other attributes in places, so the table below gives, for each class, what it makes and what it holds.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hornbeam.saving.keras3_graph import layers_in_order


class UnknownWeights(Exception):
    """The weights of a layer's class are not known; the layer's name is the argument."""


@dataclass
class Slot:
    """One variable: its path, whether it is made to be trained, whether a layer around it is frozen."""

    path: str
    trainable: bool = True
    frozen: bool = False


@dataclass
class Branch:
    """A layer: its own slots, and the branches of the layers in it, in Keras 3's order and in ours."""

    name: str
    path: str = ""
    own: list[Slot] = field(default_factory=list)
    inner: list["Branch"] = field(default_factory=list)
    inner_here: list["Branch"] | None = None

    def walk(self, here):
        """Slots in the order of Keras 3, or (`here`) in that in which our layers list their variables."""
        yield from self.own
        for branch in (self.inner if not here or self.inner_here is None else self.inner_here):
            yield from branch.walk(here)

    def weights(self):
        """Slots in the order of our `layer.weights`: those made to be trained, then the others."""
        slots = list(self.walk(here=True))
        return [s for s in slots if s.trainable] + [s for s in slots if not s.trainable]


# --- What layers make: True for each variable made to be trained ---


def _kernel(count=1, bias="use_bias"):
    return lambda config: [True] * (count + bool(config.get(bias, True)))


def _affine(config):
    return [True] * (bool(config.get("scale", True)) + bool(config.get("center", True)))


def _attention(config):
    return [True] * (bool(config.get("use_scale")) + (config.get("score_mode") == "concat"))


_NOTHING: Callable[[dict], list] = lambda config: []  # noqa: E731

OWN: dict[str, Callable[[dict], list]] = {
    **dict.fromkeys("Dense Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose DepthwiseConv1D "
                    "DepthwiseConv2D LocallyConnected1D LocallyConnected2D".split(), _kernel()),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), _kernel(2)),  # depthwise, pointwise
    "EinsumDense": lambda config: [True] * (1 + (config.get("bias_axes") is not None)),
    **dict.fromkeys("SimpleRNNCell GRUCell LSTMCell ConvLSTM2DCell".split(), _kernel(2)),  # for inputs, for states
    "Embedding": _kernel(0, bias="_"),
    "PReLU": _kernel(0, bias="_"),
    "BatchNormalization": lambda config: [*_affine(config), False, False],  # gamma, beta, mean, variance
    "LayerNormalization": _affine,
    "GroupNormalization": _affine,
    "Normalization": lambda config: [False] * 3 if config.get("mean") is None else [],  # mean, variance, count
    "Attention": _attention,
    "AdditiveAttention": lambda config: [True] * bool(config.get("use_scale", True)),
    "MaxoutDense": _kernel(1, bias="bias"),
    "Highway": lambda config: [True] * (4 if config.get("bias", True) else 2),
    **dict.fromkeys(
        "InputLayer Activation ActivityRegularization Add AlphaDropout Average AveragePooling1D AveragePooling2D "
        "AveragePooling3D Concatenate Cropping1D Cropping2D Cropping3D Dot Dropout ELU Flatten GaussianDropout "
        "GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D "
        "GlobalMaxPooling2D GlobalMaxPooling3D Identity Lambda LeakyReLU Masking MaxPooling1D MaxPooling2D "
        "MaxPooling3D Maximum Minimum Multiply Permute ReLU RepeatVector Rescaling Reshape Resizing Softmax "
        "SpatialDropout1D SpatialDropout2D SpatialDropout3D Subtract ThresholdedReLU UnitNormalization UpSampling1D "
        "UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D".split(),
        _NOTHING,
    ),
}  # fmt: skip

# Recurrent layers hold their weights in `cell`, made from the layer's own settings.
_CELLS = {
    "SimpleRNN": "SimpleRNNCell", "GRU": "GRUCell", "LSTM": "LSTMCell", "CuDNNGRU": "GRUCell", "CuDNNLSTM": "LSTMCell",
    "ConvLSTM2D": "ConvLSTM2DCell",
}  # fmt: skip


def _held(entry) -> list[tuple[str, Any]]:
    """(attribute, configuration) of the layers that a layer holds, in the order in which it lists their variables."""
    name, config = entry["class_name"], entry["config"]
    if name in _CELLS:
        return [("cell", {"class_name": _CELLS[name], "config": {**config, "name": "cell"}})]
    if name in ("RNN", "ConvRNN2D"):
        cell = config["cell"]
        if isinstance(cell, list):
            cell = {"class_name": "StackedRNNCells", "config": {"name": "cell", "cells": cell}}
        return [("cell", cell)]
    if name == "StackedRNNCells":
        return [(f"cells/{place}", cell) for place, cell in numbered(config["cells"])]
    if name in ("TimeDistributed", "Wrapper"):
        return [("layer", config["layer"])]
    if name == "Bidirectional":  # Keras 3 keeps the layer it was given under 'forward_layer' alone
        return [("forward_layer", config["layer"]), ("backward_layer", config.get("backward_layer") or config["layer"])]
    if name == "MultiHeadAttention":
        biased = "d" if config.get("use_bias", True) else None
        parts = ["query", "key", *(["gate"] if config.get("use_gate") else []), "value", "output"]
        return [(f"{part}_dense", _projection(part, biased)) for part in parts]
    return []


def _projection(name, biased):
    return {"class_name": "EinsumDense", "config": {"name": name, "bias_axes": biased}}


def snake_case(name):
    """Name of a class as Keras 3 puts it into paths.

    Example:
        >>> snake_case("Conv2DTranspose"), snake_case("LSTMCell"), snake_case("ReLU"), snake_case("PReLU")
        ('conv2d_transpose', 'lstm_cell', 're_lu', 'p_re_lu')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def numbered(entries):
    """(name in the file, configuration) of layers in a list: the class, and from the second of its kind a number."""
    counts = {}
    for entry in entries:
        name = snake_case(keras3_class(entry))
        counts[name] = counts.get(name, -1) + 1
        yield (f"{name}_{counts[name]}" if counts[name] else name), entry


def keras3_class(entry):
    """Class that an entry has in Keras 3's file: models that are graphs are 'Functional' there."""
    return "Functional" if entry["class_name"] in ("Model", "Functional") else entry["class_name"].rsplit(">", 1)[-1]


def is_graph(entry):
    """Is this the configuration of a functional model?"""
    config = entry.get("config")
    return isinstance(config, dict) and "layers" in config and "input_layers" in config


def branch_of(entry, path="", frozen=False, frame="", unknown=None):
    """The branch of a layer or model with the classic configuration `entry`.

    Args:
        entry: {'class_name', 'config'}, graphs with their layers in Keras 3's order.
        path: where it lies in the file; '' for the model itself.
        frozen: is a layer around it frozen?
        unknown: function from an entry of an unknown class to the number of its variables, or None.

    Raises:
        UnknownWeights: a class that the table lacks.
    """
    config = entry["config"] if isinstance(entry["config"], dict) else {"layers": entry["config"]}
    entry = {**entry, "config": config}
    name = config.get("name") or entry.get("name") or frame
    frozen = frozen or config.get("trainable") is False
    found = Branch(name, path)
    before = f"{path}/" if path else ""
    if is_graph(entry) or entry["class_name"] == "Sequential":
        layers = [e for e in config["layers"] if e["class_name"] != "Operation"]
        if not is_graph(entry):
            layers = [e for e in layers if e["class_name"] != "InputLayer"]
        for place, inner in numbered(layers):
            found.inner.append(branch_of(inner, f"{before}layers/{place}", frozen, unknown=unknown))
        if is_graph(entry):
            by_name = {branch.name: branch for branch in found.inner}
            here = layers_in_order(config, as_keras3=False)
            found.inner_here = [by_name[e["name"]] for e in here if e["name"] in by_name]
        return found
    held = _held(entry)
    if not held and entry["class_name"] not in OWN:
        count = None if unknown is None else unknown(entry)
        if count is None:
            raise UnknownWeights(name)
        flags = [True] * count
    else:
        flags = OWN.get(entry["class_name"], _NOTHING)(config)
    found.own = [Slot(f"{before}vars/{i}", flag, frozen) for i, flag in enumerate(flags)]
    for place, inner in held:
        found.inner.append(branch_of(inner, f"{before}{place}", frozen, place, unknown))
    return found


# --- The optimizer: Keras 3 goes weight by weight where we go slot by slot ---

# Places of our slots, in the groups that Keras 3 writes together for each weight.
_BLOCKS = {
    "SGD": [(0,)], "Adagrad": [(0,)], "Lion": [(0,)], "Adam": [(0, 1)], "AdamW": [(0, 1)], "Adamax": [(0, 1)],
    "Nadam": [(0, 1)], "Adadelta": [(0, 1)], "Ftrl": [(0, 1)], "Adafactor": [(0, 1, 2)], "RMSprop": [(0,)],
}  # fmt: skip


def optimizer_blocks(class_name, config):
    """Groups of slots of an optimizer, or None if Keras 3 does not have it.

    Example:
        >>> optimizer_blocks("RMSprop", {"momentum": 0.9, "centered": True})
        [(0,), (2,), (1,)]
    """
    known = {name.lower(): blocks for name, blocks in _BLOCKS.items()}.get(str(class_name).lower())
    if known is None:
        return None
    kind, blocks = str(class_name).lower(), list(known)
    if kind in ("adam", "adamw") and config.get("amsgrad"):
        blocks.append((2,))
    if kind == "sgd" and not config.get("momentum"):
        return []
    if kind == "rmsprop":
        mean = 1 if config.get("centered") else None
        if config.get("momentum"):
            blocks.append((2 if mean else 1,))
        if mean:
            blocks.append((mean,))
    return blocks


def optimizer_places(class_name, config, branch):
    """[(slot, place of the weight among ours)] for each variable of Keras 3's optimizer after iterations and rate.

    Returns:
        the list, and the number of trained weights; None if Keras 3 does not have the optimizer.
    """
    blocks = optimizer_blocks(class_name, config)
    if blocks is None:
        return None
    here = {s.path: i for i, s in enumerate(s for s in branch.walk(here=True) if s.trainable and not s.frozen)}
    there = [s.path for s in branch.walk(here=False) if s.trainable and not s.frozen]
    return [(slot, here[path]) for block in blocks for path in there for slot in block], len(here)
