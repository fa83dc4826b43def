"""Errors of layers: each names the layer, says what came, and how to mend it."""

import re

import numpy as np
import pytest

from hornbeam import layers as L
from hornbeam.layers import Input
from hornbeam.models import Sequential

X = np.ones((2, 4, 3), "float32")
ONE = np.ones((1, 6, 6, 1), "float32")


def masked():
    return L.Masking()(Input((4, 3)))


def called_on(layer, *inputs):
    """Call on one array after the other: the first builds, a later one does not fit."""
    for x in inputs:
        layer(x)


def look_up(layer):
    return Sequential([layer, L.Flatten(), L.Dense(1)]).predict(np.array([[1, 7]]))


# (what is done, name of the layer, what came, how to mend it)
WRONG = {
    # ids
    "id too large": (lambda: L.Embedding(5, 2)(np.array([[1, 5]])), "Embedding", "holds 5", "input_dim=6"),
    "negative id": (lambda: L.Embedding(5, 2)(np.array([[-1]])), "Embedding", "holds -1", "no negative ids"),
    "id past int32": (lambda: L.Embedding(5, 2)(np.array([[2**33]])), "Embedding", "8589934592", "map rare words"),
    "id in predict": (lambda: look_up(L.Embedding(5, 2, input_length=2)), "Embedding", "holds 7", "input_dim=8"),
    "length": (lambda: L.Embedding(5, 2, input_length=3)(Input((4,))), "Embedding", r"\(None, 4\)", "Pad them"),
    # types
    "text": (lambda: L.Dense(3)(np.array([["a", "b"]])), "Dense", "text, such as 'a'", "Give each word a number"),
    "objects": (lambda: L.Dense(3)(np.array([[1.0, None]])), "Dense", "NoneType, float", "astype"),
    "dates": (lambda: L.Dense(3)(np.array([["2020-01-01"]], "M8[D]")), "Dense", "dates", "days since"),
    # ranks and sizes
    "Dense on a vector": (lambda: L.Dense(3)(np.ones(3)), "Dense", r"shape \(3,\)", "expand_dims"),
    "images without channels": (lambda: L.Conv2D(3, 3)(Input((5, 5))), "Conv2D", r"\(None, 5, 5\)", "Add an axis"),
    "pooling of sequences": (lambda: L.MaxPooling2D()(Input((5, 5))), "MaxPooling2D", r"\(None, 5, 5\)", "Add an axis"),
    "flat LSTM": (lambda: L.LSTM(3)(Input((5,))), "LSTM", r"\(None, 5\)", r"expand_dims\(x, -1\)"),
    "LSTM of images": (lambda: L.LSTM(3)(Input((5, 5, 2))), "LSTM", r"\(None, 5, 5, 2\)", "TimeDistributed"),
    "ConvLSTM of sequences": (lambda: L.ConvLSTM2D(3, 2)(Input((5, 2))), "ConvLSTM2D", r"\(None, 5, 2\)", "axes"),
    "no time": (lambda: L.TimeDistributed(L.Dense(3))(Input((3,))), "TimeDistributed", r"\(None, 3\)", "time"),
    "RepeatVector": (lambda: L.RepeatVector(2)(Input((3, 4))), "RepeatVector", r"\(None, 3, 4\)", "Flatten"),
    "unknown size": (lambda: L.Dense(3)(Input((None,))), "Dense", r"\(None, None\)", "Give the Input that size"),
    "unknown channels": (lambda: L.Conv1D(3, 2)(Input((4, None))), "Conv1D", r"\(None, 4, None\)", "that size"),
    "other width": (lambda: called_on(L.Dense(3), X, X[..., :2]), "Dense", r"\(2, 4, 2\)", "Build a new layer"),
    "other channels": (lambda: called_on(L.LSTM(3), X, X[..., :2]), "LSTM", r"\(2, 4, 2\)", "Build a new layer"),
    "axis": (lambda: L.BatchNormalization(axis=4)(Input((5, 2))), "BatchNormalization", "axis 4", "Choose among"),
    "groups": (lambda: L.GroupNormalization(3)(Input((4,))), "GroupNormalization", "4 channels", "divisors of 4"),
    "Reshape": (lambda: L.Reshape((5,))(Input((4,))), "Reshape", "4 elements", "multiply to 4"),
    # layouts
    **{
        f"{make} layout": (lambda make=make, args=args: getattr(L, make)(*args, data_format="last"), make, "'last'",
                           "'channels_last', 'channels_first'")
        for make, args in {
            "Conv1D": (2, 2), "Conv2D": (2, 2), "Conv2DTranspose": (2, 2), "SeparableConv2D": (2, 2),
            "DepthwiseConv2D": (2,), "LocallyConnected2D": (2, 2), "AveragePooling3D": (), "GlobalMaxPooling2D": (),
            "ZeroPadding2D": (), "Cropping3D": (), "UpSampling2D": (), "Flatten": (), "SpatialDropout2D": (0.1,),
            "Resizing": (2, 2), "ConvLSTM2D": (2, 2),
        }.items()
    },
    # windows
    "causal images": (lambda: L.Conv2D(3, 3, padding="causal"), "Conv2D", "'causal'", "'valid', 'same'"),
    "full": (lambda: L.Conv1D(3, 3, padding="full"), "Conv1D", "'full'", "'causal'"),
    "local same": (lambda: L.LocallyConnected1D(3, 3, padding="same"), "LocallyConnected1D", "'same'", "'valid'"),
    "pooling causal": (lambda: L.MaxPooling1D(padding="causal"), "MaxPooling1D", "'causal'", "'valid', 'same'"),
    "padding of three": (lambda: L.ZeroPadding2D((1, 2, 3)), "ZeroPadding2D", r"\(1, 2, 3\)", "2 pairs"),
    "cropping": (lambda: L.Cropping2D(3)(Input((5, 5, 1))), "Cropping2D", r"\(None, 5, 5, 1\)", "Crop less"),
    "kernel": (lambda: L.Conv2D(3, 6)(Input((5, 5, 1))), "Conv2D", r"\(None, 5, 5, 1\)", "a smaller"),
    "kernel, later": (lambda: called_on(L.Conv2D(3, 6), ONE, ONE[:, :4]), "Conv2D", r"\(1, 4, 6, 1\)", "a smaller"),
    "kernel 3D": (lambda: L.Conv3D(3, 4)(Input((3, 5, 5, 1))), "Conv3D", r"\(4, 4, 4\)", "padding='same'"),
    "kernel separable": (lambda: L.SeparableConv1D(3, 6)(Input((5, 1))), "SeparableConv1D", r"\(5,\)", "a smaller"),
    "kernel depthwise": (lambda: L.DepthwiseConv2D(6)(Input((5, 9, 1))), "DepthwiseConv2D", r"\(5, 9\)", "a smaller"),
    "kernel local": (lambda: L.LocallyConnected1D(3, 6)(Input((5, 1))), "LocallyConnected1D", r"\(5,\)", "a smaller"),
    "kernel recurrent": (lambda: L.ConvLSTM2D(2, 6)(Input((3, 5, 5, 1))), "ConvLSTM2D", r"5, 5, 1\)", "smaller one"),
    "pool": (lambda: L.MaxPooling1D(6)(Input((5, 1))), "MaxPooling1D", r"\(None, 5, 1\)", "a smaller"),
    "stride, dilation": (lambda: L.Conv2D(3, 3, strides=2, dilation_rate=2), "Conv2D", r"strides \(2, 2\)", "Keep one"),
    "local, other length": (
        lambda: called_on(L.LocallyConnected1D(2, 2), X, X[:, :3]), "LocallyConnected1D", r"\(2, 3, 3\)", "size 4"
    ),
    # states
    **{
        f"stateful {make}": (lambda make=make, a=args, s=shape: getattr(L, make)(*a, stateful=True)(Input(s)),
                             make, "stateful", "batch_input_shape")
        for make, args, shape in [
            ("SimpleRNN", (3,), (5, 2)), ("GRU", (3,), (5, 2)), ("LSTM", (3,), (5, 2)), ("CuDNNLSTM", (3,), (5, 2)),
            ("ConvLSTM2D", (3, 2), (3, 5, 5, 2)),
        ]
    },
    "other batch": (lambda: called_on(L.LSTM(3, stateful=True), X, X[:1]), "LSTM", "got 1", "that batch_size"),
    "no states to reset": (lambda: L.LSTM(3).reset_states(), "LSTM", "keeps no states", "stateful=True"),
    "states missing": (lambda: L.LSTM(3)(X, initial_state=[X[:, 0]]), "LSTM", "got 1 initial", "one tensor"),
    "state of another size": (lambda: L.GRU(2)(X, initial_state=[X[:, 0]]), "GRU", r"\(2, 3\)", r"must be \(2, 2\)"),
    "no cell": (lambda: L.RNN(L.Dense(3)), "RNN", "Dense has no state_size", "needs cells"),
    "nothing to go round": (lambda: L.TimeDistributed("dense"), "TimeDistributed", "got str", "Make the layer first"),
    "merge mode": (lambda: L.Bidirectional(L.LSTM(3), "mean"), "Bidirectional", "'mean'", "'ave'"),
    # masks
    **{
        f"mask {make}": (lambda make=make, args=args: getattr(L, make)(*args)(masked()), make, "given a mask",
                         "consumes the mask")
        for make, args in {
            "Conv1D": (2, 2), "Flatten": (), "MaxPooling1D": (), "GlobalMaxPooling1D": (), "Reshape": ((12,),),
            "Permute": ((2, 1),), "ZeroPadding1D": (),
            "Cropping1D": (), "UpSampling1D": (), "LocallyConnected1D": (2, 2),
            "Conv1DTranspose": (2, 2), "SeparableConv1D": (2, 2), "DepthwiseConv1D": (2,), "AveragePooling1D": (),
        }.items()
    },
    # several inputs, and numbers
    "one to add": (lambda: L.Add()([Input((3,))]), "Add", "got 1", "2 or more"),
    "shapes to add": (lambda: L.Add()([Input((3,)), Input((4,))]), "Add", r"\(None, 4\)", "Dense or Reshape"),
    "Concatenate": (lambda: L.Concatenate()([Input((3, 2)), Input((4, 2))]), "Concatenate", r"4, 2\)", "another axis"),
    "Dot": (lambda: L.Dot(1)([Input((3,)), Input((4,))]), "Dot", r"\(None, 4\)", "other axes"),
    "Attention": (lambda: L.Attention()(Input((3, 4))), "Attention", r"\(None, 3, 4\)", r"\[query, value\]"),
    "units": (lambda: L.Dense(0), "Dense", "got 0", "at least 1"),
    "rate": (lambda: L.Dropout(1.2), "Dropout", "got 1.2", r"\[0, 1\)"),
    "keyword": (lambda: L.Dense(3, use_bais=False), "Dense", "'use_bais'", "'use_bias'"),
    "weights": (lambda: L.Dense(3, weights=[X[0]] * 2)(X), "Dense", r"shape \(4, 3\)", r"shape \(3, 3\)"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_names_the_layer_what_came_and_the_cure(what):
    do, name, came, cure = WRONG[what]
    with pytest.raises((ValueError, TypeError)) as caught:
        do()
    message = str(caught.value)
    for wanted in (rf"\b{name}", came, cure):
        assert re.search(wanted, message), f"no {wanted!r} in: {message}"
    assert "jax" not in message.lower()


def test_there_are_enough_of_them():
    assert len(WRONG) >= 40
