"""Every layer in several configurations: one table that the tests of parity, engines, gradients and edges walk.

A row is (class, shape of one row of the inputs, settings); see `Case`. Tests find the whole table in `CASES`, and a few
rows of every class in `FEW`.
"""

import dataclasses
import itertools

import numpy as np

from hornbeam import layers, nest
from hornbeam.core import Input

ROWS = 2
STEPS, IMAGE, VOLUME, MOVIE = (6, 3), (5, 6, 4), (4, 3, 5, 2), (3, 4, 4, 2)
BOTH = ("channels_last", "channels_first")


@dataclasses.dataclass(frozen=True)
class Inner:
    """A layer inside another one's settings."""

    name: str
    settings: dict = dataclasses.field(default_factory=dict)

    def make(self, module):
        """The layer, of our library or of Keras."""
        return getattr(module, self.name)(**filled(self.settings, module))


def filled(settings, module):
    """`settings` with layers of `module` in place of each `Inner`."""
    make = lambda leaf: leaf.make(module) if isinstance(leaf, Inner) else leaf  # noqa: E731
    return {
        name: nest.map_structure(make, value) if isinstance(value, (list, Inner)) else value
        for name, value in settings.items()
    }


@dataclasses.dataclass(frozen=True)
class Case:
    """One configuration.

    Attributes:
        name: class of the layer.
        shape: sizes of one row of the inputs, or a list of them for several inputs.
        settings: arguments of the constructor.
        keras: further arguments for Keras where the defaults differ; None where Keras 3 has another formula or no such
            layer, so that the numbers are worked by hand (tests/golden).
        training: flag of the call.
        ids: are the inputs numbers of things, in place of floats?
        random: does the result change from call to call while training?
    """

    name: str
    shape: tuple | list
    settings: dict = dataclasses.field(default_factory=dict)
    keras: dict | None = dataclasses.field(default_factory=dict)
    training: bool = False
    ids: bool = False
    random: bool = False

    def __str__(self):
        told = ",".join(f"{key}={_short(value)}" for key, value in self.settings.items())
        shapes = self.shape if isinstance(self.shape, list) else [self.shape]
        sizes = "-".join("x".join(map(str, shape)) for shape in shapes)
        return f"{self.name}({told})-{sizes}{'-training' if self.training else ''}"

    def make(self, module, **more):
        """The layer, of our library or of Keras."""
        return getattr(module, self.name)(**filled({**self.settings, **more}, module))

    def inputs(self, rows=ROWS, dtype="float32"):
        """Arrays to call it on, the same ones every time."""
        draw = np.random.default_rng(11)
        shapes = self.shape if isinstance(self.shape, list) else [self.shape]
        whole = [(rows, *shape) for shape in shapes]
        if self.ids:
            found = [draw.integers(0, 5, shape).astype("int32") for shape in whole]
        else:
            found = [draw.normal(size=shape).astype(dtype) for shape in whole]
        return found if isinstance(self.shape, list) else found[0]

    def built(self, **more):
        """Our layer with weights that all matter: none is 0, those of variances are above it."""
        layer = self.make(layers, **more)
        inputs = self.inputs()
        symbols = [Input(batch_shape=x.shape, dtype=str(x.dtype)) for x in nest.to_list(inputs)]
        layer(symbols if isinstance(inputs, list) else symbols[0])
        draw = np.random.default_rng(13)
        sizes = [w.shape for w in layer.get_weights()]
        layer.set_weights([draw.uniform(0.2, 0.7, size) * draw.choice([-1, 1], size) for size in sizes])
        for weight in layer.weights:
            if "variance" in weight.name:
                weight.assign(np.abs(weight.numpy()))
        return layer


def _short(value):
    if isinstance(value, Inner):
        return value.name
    if callable(value):
        return value.__name__
    return "".join(str(value).split()) if not isinstance(value, list) else "+".join(map(_short, value))


def channels_first(shape):
    """Shape of one row with the channels in front."""
    return (shape[-1], *shape[:-1])


def each(names, shape, *grids, **common):
    """Rows for every class in `names` and every combination of one dict from each of `grids`."""
    return [
        Case(name, shape, {k: v for part in parts for k, v in part.items()}, **common)
        for name in names.split()
        for parts in itertools.product(*grids)
    ]


def both_layouts(cases):
    """Every row in either layout."""
    turned = [
        dataclasses.replace(c, shape=channels_first(c.shape), settings={**c.settings, "data_format": "channels_first"})
        for c in cases
    ]
    return [*cases, *turned]


PADDINGS = [{"padding": "valid"}, {"padding": "same"}]
CAUSAL = [*PADDINGS, {"padding": "causal"}]
THREE = [{"filters": 3}]


def _convolutions():
    moves = [{}, {"strides": 2}, {"dilation_rate": 2}]
    flat = each("Conv1D", STEPS, THREE, [{"kernel_size": 2}], CAUSAL, moves)
    flat += each("Conv2D", IMAGE, THREE, [{"kernel_size": (2, 3)}], PADDINGS, moves)
    flat += each("Conv2D", IMAGE, THREE, [{"kernel_size": 3}], PADDINGS, [{"strides": (2, 1)}, {"activation": "relu"}])
    flat += each(
        "Conv2D", IMAGE, [{"filters": 4, "kernel_size": 2, "groups": 2}], [{"use_bias": False}, {"strides": 2}]
    )
    flat += each("Conv3D", VOLUME, THREE, [{"kernel_size": 2}], PADDINGS, moves)
    flat += each("DepthwiseConv1D", STEPS, [{"kernel_size": 2}], PADDINGS, [{}, {"strides": 2, "depth_multiplier": 2}])
    wide = [{"depth_multiplier": 2}, {"strides": 2}, {"dilation_rate": (1, 2)}]
    flat += each("DepthwiseConv2D", IMAGE, [{"kernel_size": 2}], PADDINGS, wide)
    flat += each("SeparableConv1D", STEPS, THREE, [{"kernel_size": 2}], PADDINGS, [{}, {"strides": 2}])
    flat += each("SeparableConv2D", IMAGE, THREE, [{"kernel_size": (3, 2)}], PADDINGS, wide)
    spread = [{"strides": 2}, {"strides": 3, "use_bias": False}]
    flat += each("Conv1DTranspose", STEPS, THREE, [{"kernel_size": 3}], PADDINGS, [{}, *spread])
    flat += each(
        "Conv2DTranspose", IMAGE, THREE, [{"kernel_size": (3, 2)}], PADDINGS, [{}, {"strides": (1, 2)}, *spread]
    )
    flat += each("Conv3DTranspose", VOLUME, THREE, [{"kernel_size": 2}], PADDINGS, [{}, {"strides": 2}])
    flat += each("LocallyConnected1D", STEPS, THREE, [{"kernel_size": 2}], [{}, {"strides": 2}], keras=None)
    flat += each("LocallyConnected2D", IMAGE, THREE, [{"kernel_size": (2, 3)}], [{}, {"strides": 2}], keras=None)
    return both_layouts(flat)


def _windows():
    pools = [{"pool_size": 2}, {"pool_size": 3, "strides": 2}]
    flat = []
    for rank, shape in ((1, STEPS), (2, IMAGE), (3, VOLUME)):
        flat += each(f"MaxPooling{rank}D AveragePooling{rank}D", shape, pools, PADDINGS)
        flat += each(f"GlobalMaxPooling{rank}D GlobalAveragePooling{rank}D", shape, [{}, {"keepdims": True}])
    flat += each("ZeroPadding2D", IMAGE, [{"padding": 2}, {"padding": ((0, 1), (2, 0))}])
    flat += each("ZeroPadding3D", VOLUME, [{"padding": 1}, {"padding": ((0, 1), (2, 0), (1, 1))}])
    flat += each("Cropping2D", IMAGE, [{"cropping": (1, 2)}, {"cropping": ((0, 1), (2, 0))}])
    flat += each("Cropping3D", VOLUME, [{"cropping": 1}, {"cropping": ((0, 1), (0, 1), (2, 0))}])
    flat += each("UpSampling2D", IMAGE, [{"size": 2}, {"size": (3, 1)}])
    flat += each("UpSampling2D", IMAGE, [{"interpolation": "bilinear"}], keras=None)
    flat += each("UpSampling3D", VOLUME, [{"size": 2}, {"size": (1, 3, 1)}])
    alone = each("ZeroPadding1D", STEPS, [{"padding": 2}, {"padding": (0, 1)}])
    alone += each("Cropping1D", STEPS, [{"cropping": 1}, {"cropping": (0, 2)}])
    alone += each("UpSampling1D", STEPS, [{"size": 1}, {"size": 3}])
    return [*both_layouts(flat), *alone]


def _everyday():
    cases = each("Dense", (4,), [{"units": 3}], [{}, {"use_bias": False}, {"activation": "softplus"}])
    cases += each("Dense", (2, 3, 4), [{"units": 3}], [{}, {"activation": "softsign"}])
    names = "relu tanh sigmoid softmax softplus softsign elu selu exponential linear"
    cases += each("Activation", (3, 4), [{"activation": name} for name in names.split()])
    cases += each("Activation", (3, 4), [{"activation": "hard_sigmoid"}], keras=None)
    cases += each("LeakyReLU ELU", (3, 4), [{}])
    cases += each("ReLU", (2, 3, 4), [{"max_value": 0.7, "threshold": 0.2}, {"negative_slope": 0.4, "threshold": 0.1}])
    cases += each("ThresholdedReLU", (3, 4), [{"theta": 0.3}], keras=None)
    cases += each("Softmax", (2, 3, 4), [{}, {"axis": 2}])
    cases += each("PReLU", (2, 3, 4), [{}, {"shared_axes": [1, 2]}, {"shared_axes": [3]}])
    cases += [Case("Flatten", IMAGE), Case("Flatten", (4,)), Case("Flatten", IMAGE, {"data_format": "channels_first"})]
    cases += each("Reshape", (4, 6), [{"target_shape": s} for s in ((24,), (2, -1), (3, 4, 2))])
    cases += [Case("Permute", IMAGE, {"dims": (3, 1, 2)}), Case("Permute", STEPS, {"dims": (2, 1)})]
    cases += each("RepeatVector", (4,), [{"n": 1}, {"n": 3}])
    cases += [Case("Identity", (3,)), Case("Masking", STEPS, {"mask_value": 0.5})]
    cases += [Case("ActivityRegularization", (3,), {"l1": 0.1, "l2": 0.2})]
    cases += each("Dropout GaussianDropout AlphaDropout", (3, 4), [{"rate": 0.3}], random=True)
    cases += each("GaussianNoise", (3, 4), [{"stddev": 0.3}], random=True)
    cases += [Case(f"SpatialDropout{len(s) - 1}D", s, {"rate": 0.3}, random=True) for s in (STEPS, IMAGE, VOLUME)]
    cases += [dataclasses.replace(c, training=True, keras=None) for c in cases if c.random]
    tables = [((), {}), ((3,), {}), ((2, 3), {"mask_zero": True})]
    cases += [Case("Embedding", s, {"input_dim": 5, "output_dim": 3, **more}, ids=True) for s, more in tables]
    cases += each("Highway MaxoutDense", (4,), [{}], keras=None)[:1]
    cases += [Case("MaxoutDense", (4,), {"output_dim": 3, "nb_feature": 2}, keras=None)]
    cases += each("Rescaling", IMAGE, [{"scale": 0.1}, {"scale": 2.0, "offset": -1.0}])
    cases += [Case("Resizing", IMAGE, {"height": 3, "width": 4, "data_format": "channels_last"})]
    return [*cases, Case("Lambda", (4,), {"function": _double}, keras=None)]


def _double(x):
    return 2.0 * x


def _norms():
    cases = []
    for training in (False, True):
        cases += each("BatchNormalization", STEPS, [{}, {"center": False}, {"scale": False}], training=training)
        cases += each("BatchNormalization", IMAGE, [{"axis": 1}, {"axis": 2, "epsilon": 0.1}], training=training)
    cases += each("LayerNormalization", STEPS, [{}, {"center": False}, {"scale": False, "epsilon": 0.1}])
    cases += each("LayerNormalization", IMAGE, [{"axis": (1, 2)}, {"axis": [2, 3]}, {"axis": 1}])
    cases += each(
        "GroupNormalization", IMAGE, [{"groups": 2}, {"groups": 4, "center": False}, {"groups": 5, "axis": 1}]
    )
    cases += each("UnitNormalization", STEPS, [{}, {"axis": 1}])
    measured = {"mean": [0.1, 0.2, 0.3], "variance": [0.5, 1.0, 2.0]}
    return [*cases, *each("Normalization", STEPS, [measured, {**measured, "invert": True}])]


def _merges():
    same = [(3, 4), (3, 4), (3, 4)]
    cases = each("Add Multiply Average Maximum Minimum", same, [{}])
    cases += [Case("Subtract", same[:2])]
    cases += each("Add Multiply Maximum", [(2, 3, 4), (2, 1, 4)], [{}])
    cases += each("Concatenate", same, [{"axis": 1}, {"axis": -1}])
    cases += [Case("Concatenate", [(2, 3, 4), (1, 3, 4)], {"axis": 1})]
    cases += each("Dot", [(3, 4), (3, 4)], [{"axes": 1}, {"axes": 2}, {"axes": -1, "normalize": True}])
    cases += each("Dot", [(3, 4), (2, 3)], [{"axes": (1, 2)}, {"axes": (1, 2), "normalize": True}])
    cases += [Case("Dot", [(4,), (4,)], {"axes": 1})]
    queries = [(3, 4), (5, 4)]
    cases += each("Attention AdditiveAttention", queries, [{}, {"use_scale": True}])
    cases += [Case("Attention", [*queries, (5, 4)], {"score_mode": "concat"})]
    cases += [Case("EinsumDense", (3, 4), {"equation": "abc,cd->abd", "output_shape": (3, 5), "bias_axes": "d"})]
    return [*cases, Case("EinsumDense", (3, 4), {"equation": "...c,cde->...de", "output_shape": (2, 2)})]


SIGMOID = {"recurrent_activation": "sigmoid"}
BEFORE = {**SIGMOID, "reset_after": False}


def _recurrent():
    cases = each("SimpleRNN", STEPS, [{"units": 2, "activation": "relu", "return_sequences": True}])
    gates = [{"units": 2, **BEFORE, "go_backwards": True}, {"units": 2, **SIGMOID, "reset_after": True}]
    cases += each("GRU", STEPS, gates, [{}, {"return_sequences": True}])
    lstm = [{"units": 2, **SIGMOID, "return_state": True}, {"units": 2, **SIGMOID, "unroll": True, "use_bias": False}]
    cases += each("LSTM", STEPS, lstm)
    cases += each("SimpleRNN GRU LSTM", STEPS, [{"units": 2, "return_sequences": True}], keras=None)
    dropping = [{"units": 2, "dropout": 0.3, "recurrent_dropout": 0.2}]
    cases += each("SimpleRNN GRU LSTM", STEPS, dropping, keras=None, training=True, random=True)
    cases += each("CuDNNGRU CuDNNLSTM", STEPS, [{"units": 2}], keras=None)
    stack = [Inner("LSTMCell", {"units": 2, **SIGMOID}), Inner("GRUCell", {"units": 3, **BEFORE})]
    cases += [Case("RNN", STEPS, {"cell": stack, "return_sequences": True})]
    cases += [Case("RNN", STEPS, {"cell": Inner("SimpleRNNCell", {"units": 2})})]
    inner = Inner("GRU", {"units": 2, **BEFORE, "return_sequences": True})
    cases += each("Bidirectional", STEPS, [{"layer": inner}], [{"merge_mode": m} for m in ("concat", "mul", None)])
    windows = (
        Inner("Conv2D", {"filters": 2, "kernel_size": 2}),
        Inner("MaxPooling2D", {"pool_size": 2}),
        Inner("Flatten"),
    )
    cases += each("TimeDistributed", MOVIE, [{"layer": layer} for layer in windows])
    cases += [Case("TimeDistributed", STEPS, {"layer": Inner("BatchNormalization")}, keras=None, training=True)]
    movies = [{"padding": "same", "return_sequences": True}, {"strides": 2, "use_bias": False}]
    cases += each("ConvLSTM2D", MOVIE, [{"filters": 2, "kernel_size": 2, **SIGMOID}], movies)
    turned = {"filters": 2, "kernel_size": 2, **SIGMOID, "data_format": "channels_first"}
    return [*cases, Case("ConvLSTM2D", (3, 2, 4, 4), turned)]


CASES = [*_everyday(), *_convolutions(), *_windows(), *_norms(), *_merges(), *_recurrent()]


def _few(cases, most=2):
    """At most `most` rows a class and flag of training, spread over its rows."""
    kinds = {}
    for case in cases:
        kinds.setdefault((case.name, case.training), []).append(case)
    return [own[place] for own in kinds.values() for place in {0, *range(0, len(own), -(-len(own) // most))}]


FEW = _few(CASES)
