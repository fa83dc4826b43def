"""Spellings of Keras 1: every argument reaches today's one, with one warning that says how it is written now."""

import inspect
import warnings

import numpy as np
import pytest

from hornbeam import constraints, layers, legacy
from hornbeam.layers import BatchNormalization, Conv1D, Conv2D, Conv3D, Dense, Embedding, Input, Layer
from hornbeam.models import Model, Sequential
from hornbeam.utils import to_categorical


def made(cls, *args, **kwargs):
    """(layer, its configuration, the one warning)."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        layer = cls(*args, **kwargs)
    assert len(seen) == 1
    assert seen[0].filename == __file__  # the warning points at the caller's line
    return layer, layer.get_config(), str(seen[0].message)


# class, Keras 1 arguments, what they are today
CALLS = [
    ("Dense", {"output_dim": 3, "bias": False, "init": "normal"}, {"units": 3, "use_bias": False}),
    ("Dense", {"output_dim": 3, "W_regularizer": "l2", "b_constraint": "nonneg"}, {"units": 3}),
    ("Dropout", {"p": 0.5}, {"rate": 0.5}),
    ("SpatialDropout1D", {"p": 0.5}, {"rate": 0.5}),
    ("SpatialDropout2D", {"p": 0.5, "dim_ordering": "th"}, {"rate": 0.5, "data_format": "channels_first"}),
    ("SpatialDropout3D", {"p": 0.5, "dim_ordering": "tf"}, {"rate": 0.5, "data_format": "channels_last"}),
    ("GaussianNoise", {"sigma": 0.1}, {"stddev": 0.1}),
    ("GaussianDropout", {"p": 0.1}, {"rate": 0.1}),
    ("Embedding", {"input_dim": 5, "output_dim": 2, "W_regularizer": "l1"}, {"input_dim": 5, "output_dim": 2}),
    ("Embedding", {"input_dim": 5, "output_dim": 2, "init": "normal", "dropout": 0.0},
     {"input_dim": 5, "output_dim": 2}),
    ("PReLU", {"init": "one"}, {}),
    ("BatchNormalization", {"mode": 0, "beta_init": "one"}, {}),
    ("Convolution1D", {"nb_filter": 2, "filter_length": 3, "subsample_length": 2, "border_mode": "same"},
     {"filters": 2, "kernel_size": [3], "strides": [2], "padding": "same"}),
    ("Convolution2D", {"nb_filter": 2, "nb_row": 3, "nb_col": 5, "subsample": (2, 1), "dim_ordering": "th"},
     {"filters": 2, "kernel_size": [3, 5], "strides": [2, 1], "data_format": "channels_first"}),
    ("Convolution3D", {"nb_filter": 2, "kernel_dim1": 1, "kernel_dim2": 2, "kernel_dim3": 3},
     {"filters": 2, "kernel_size": [1, 2, 3]}),
    ("Deconvolution2D", {"nb_filter": 2, "nb_row": 3, "nb_col": 3, "output_shape": (None, 4, 4, 2), "bias": False},
     {"filters": 2, "kernel_size": [3, 3], "use_bias": False}),
    ("SeparableConvolution2D", {"nb_filter": 2, "nb_row": 3, "nb_col": 3, "border_mode": "same"},
     {"filters": 2, "kernel_size": [3, 3], "padding": "same"}),
    ("LocallyConnected1D", {"nb_filter": 2, "filter_length": 3}, {"filters": 2, "kernel_size": [3]}),
    ("LocallyConnected2D", {"nb_filter": 2, "nb_row": 3, "nb_col": 1}, {"filters": 2, "kernel_size": [3, 1]}),
    ("MaxPooling1D", {"pool_length": 3, "stride": 2, "border_mode": "same"},
     {"pool_size": [3], "strides": [2], "padding": "same"}),
    ("AveragePooling1D", {"pool_length": 3}, {"pool_size": [3]}),
    ("MaxPooling2D", {"border_mode": "same", "dim_ordering": "th"},
     {"padding": "same", "data_format": "channels_first"}),
    ("AveragePooling3D", {"dim_ordering": "tf"}, {"data_format": "channels_last"}),
    ("GlobalMaxPooling2D", {"dim_ordering": "th"}, {"data_format": "channels_first"}),
    ("GlobalAveragePooling3D", {"dim_ordering": "th"}, {"data_format": "channels_first"}),
    ("UpSampling1D", {"length": 3}, {"size": 3}),
    ("UpSampling2D", {"dim_ordering": "th"}, {"data_format": "channels_first"}),
    ("ZeroPadding2D", {"padding": {"top_pad": 1, "left_pad": 2}}, {"padding": [[1, 0], [2, 0]]}),
    ("ZeroPadding2D", {"padding": (1, 2), "dim_ordering": "th"}, {"padding": [[1, 1], [2, 2]]}),
    ("Cropping3D", {"dim_ordering": "th"}, {"data_format": "channels_first"}),
    ("SimpleRNN", {"output_dim": 3, "dropout_W": 0.1, "dropout_U": 0.2}, {"dropout": 0.1, "recurrent_dropout": 0.2}),
    ("GRU", {"output_dim": 3, "inner_activation": "sigmoid", "inner_init": "normal", "consume_less": "gpu"},
     {"units": 3, "recurrent_activation": "sigmoid", "implementation": 2}),
    ("LSTM", {"output_dim": 3, "forget_bias_init": "zero", "consume_less": "cpu", "U_regularizer": "l2"},
     {"units": 3, "unit_forget_bias": False, "implementation": 0}),
    ("ConvLSTM2D", {"nb_filter": 2, "nb_row": 3, "nb_col": 3, "inner_activation": "sigmoid", "border_mode": "same"},
     {"filters": 2, "kernel_size": [3, 3], "recurrent_activation": "sigmoid", "padding": "same"}),
]  # fmt: skip


def flat(value):
    return [flat(v) for v in value] if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize(("name", "old", "today"), CALLS, ids=[f"{n}-{'-'.join(o)}" for n, o, _ in CALLS])
def test_old_arguments_are_read(name, old, today):
    _, config, message = made(getattr(layers, name), **old)
    for key, value in today.items():
        assert flat(config[key]) == value, key
    assert all(argument in message for argument in set(old) - set(today))
    assert not set(config) & (set(old) - set(today) - {"padding", "input_dim", "output_dim"})


def test_regularizers_constraints_and_initializers_arrive():
    layer, _, message = made(
        Dense, 3, W_regularizer="l2", b_regularizer="l1", W_constraint="nonneg", b_constraint="unitnorm", init="zero"
    )
    assert type(layer.kernel_regularizer).__name__ in ("L1L2", "L2")
    assert type(layer.bias_constraint).__name__ == "UnitNorm"
    assert type(layer.kernel_initializer).__name__ == "Zeros"
    assert message.startswith("Dense(W_regularizer, b_regularizer, W_constraint, b_constraint, init) is the spelling ")
    assert "write Dense(kernel_regularizer='l2', bias_regularizer='l1'," in message


@pytest.mark.parametrize(
    ("name", "numbers", "size"),
    [
        ("Convolution2D", (8, 3, 5), [3, 5]),
        ("Convolution3D", (8, 1, 2, 3), [1, 2, 3]),
        ("SeparableConv2D", (8, 3, 3), [3, 3]),
        ("Deconvolution2D", (8, 3, 3, (None, 9, 9, 8)), [3, 3]),
        ("AtrousConvolution2D", (8, 3, 3), [3, 3]),
    ],
)
def test_windows_given_number_by_number(name, numbers, size):
    with pytest.warns(UserWarning, match=r"write Conv|write Sep"):
        layer = getattr(layers, name)(*numbers, activation="relu", **({"atrous_rate": 2} if "Atrous" in name else {}))
    assert list(layer.kernel_size) == size
    assert (layer.filters, set(layer.strides)) == (8, {1})


@pytest.mark.parametrize(
    ("cls", "args", "kwargs"),
    [
        (Conv2D, (8, 3, 2), {"padding": "same"}),
        (Conv2D, (8, 3, 2), {"kernel_initializer": "zeros"}),
        (Conv2D, (8, 3), {"strides": 2}),
        (Conv2D, (8, (3, 3), 2), {}),
        (Conv1D, (8, 3, 2), {}),
        (Conv3D, (8, 3, 2), {}),
    ],
)
def test_a_third_number_beside_todays_arguments_is_strides(cls, args, kwargs):
    assert set(cls(*args, **kwargs).strides) == {2}  # and no warning, which would be an error


def test_dilation_beside_a_third_number_1_is_todays():
    assert Conv2D(8, 3, 1, dilation_rate=2).kernel_size == (3, 3)


def test_todays_calls_come_through_untouched():
    args, kwargs = (3,), {"activation": "relu"}
    found = legacy.modernize(["Dense"], ["units", "activation"], args, kwargs)
    assert found[0] is args
    assert found[1] is kwargs


def test_model_with_input_and_output():
    x = Input((3,))
    with pytest.warns(legacy.OldSpelling, match=r"^Model\(input, output\) .* write Model\(inputs=.*, outputs=\.\.\.\)"):
        model = Model(input=x, output=Dense(2)(x))
    assert model.output_shape == (None, 2)


class Paired(Model):
    def __init__(self, input=None):
        super().__init__()
        self.given = input


def test_a_users_model_owns_its_names():
    assert Paired(input=3).given == 3


def test_both_names_of_one_argument():
    with pytest.raises(TypeError, match="Dense: output_dim is the old name of units, and both came"):
        Dense(units=3, output_dim=3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: BatchNormalization(mode=1), "mode=1 was an argument of Keras 1 and is gone. Only mode 0"),
        (lambda: Embedding(3, 2, dropout=0.2), "Embedding: dropout=0.2 was .* Put a SpatialDropout1D layer after"),
        (lambda: layers.LSTM(3, consume_less="disk"), "LSTM: implementation was one of 'cpu', 'mem', 'gpu' in Keras 1"),
        (lambda: Conv2D(3, 3, dim_ordering="up"), "Conv2D: data_format was one of 'th', 'tf', 'default'"),
        (lambda: legacy.merge_class("sub"), "Merge: mode must be one of 'sum', 'mul'"),
    ],
)  # fmt: skip
def test_what_has_no_counterpart_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- Whose names they are ---


class Taking(Layer):
    def __init__(self, output_dim, init="zeros", **kwargs):
        super().__init__(**kwargs)
        self.output_dim, self.init = output_dim, init


class Narrow(Dense):
    def __init__(self, p, **kwargs):
        super().__init__(2, **kwargs)
        self.p = p


class SameDense(Dense):
    pass


def test_a_users_layer_owns_its_names():
    layer = Taking(output_dim=3, init="ones")
    assert (layer.output_dim, layer.init) == (3, "ones")
    assert Narrow(p=1).p == 1


def test_a_layer_derived_from_one_of_the_house_reads_old_names_too():
    layer, _, message = made(SameDense, output_dim=3)
    assert layer.units == 3
    assert message.startswith("SameDense(output_dim)")
    layer, _, _ = made(Narrow, 0.5, W_regularizer="l2")
    assert layer.kernel_regularizer is not None


def test_maxout_and_highway_keep_their_own_names():
    layer = layers.MaxoutDense(output_dim=3, init="zeros", W_regularizer="l2", bias=False)
    assert (layer.output_dim, layer.bias) == (3, False)
    assert layers.Highway(init="zeros", b_constraint="nonneg").b_constraint is not None


# --- Saying it ---


@pytest.fixture
def told(monkeypatch):
    """What is told while the filters are those of a script: once for each spelling."""
    monkeypatch.setattr(legacy, "_told", set())
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default", legacy.OldSpelling)
        yield seen


def test_each_spelling_is_told_once(told):
    for size in (3, 5):
        Dense(output_dim=size)
        Dense(output_dim=size, init="zero")
    assert [str(line.message) for line in told] == [
        "Dense(output_dim) is the spelling of Keras 1; write Dense(units=3).",
        "Dense(output_dim, init) is the spelling of Keras 1; write Dense(units=3, kernel_initializer='zero').",
    ]
    layers.Dropout(p=0.5)
    assert len(told) == 3


def test_who_asks_for_all_gets_all(told):
    warnings.simplefilter("always", legacy.OldSpelling)
    for _ in range(2):
        Dense(output_dim=3)
    assert len(told) == 2


def test_quiet_tells_nothing(told, monkeypatch):
    monkeypatch.setitem(legacy.mode, "quiet", True)
    assert Dense(output_dim=3).units == 3
    assert not told


def test_classic_spellings_are_told_of_in_programs_written_for_keras_alone(told, monkeypatch):
    Dense(3, input_dim=4)
    assert not told
    monkeypatch.setitem(legacy.mode, "classic", True)
    Dense.from_config(Dense(3, input_dim=4).get_config())
    layers.Embedding(input_dim=4, output_dim=2)
    model = Sequential([Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse", metrics=["acc"])
    assert [str(line.message) for line in told] == [
        "input_dim is the spelling of Keras 2; write input_shape=(n,).",
        "'acc' is the spelling of Keras 2; write 'accuracy'.",
    ]


def test_the_line_of_the_program_is_told_however_deep_the_house(told):
    legacy.tell({"deep"}, "words")
    assert told[0].filename == __file__


def test_accuracy_shown_by_fit():
    model = Sequential([Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse")
    with pytest.warns(legacy.OldSpelling, match=r"fit\(show_accuracy\) .* write metrics=\['accuracy'\] in compile"):
        model.fit(np.ones((2, 2)), np.ones((2, 1)), show_accuracy=True, verbose=0)


def test_functions_with_old_names():
    with pytest.warns(legacy.OldSpelling, match=r"^to_categorical\(nb_classes\) .* write num_classes\.$"):
        assert to_categorical([1], nb_classes=3).shape == (1, 3)
    with pytest.warns(legacy.OldSpelling, match=r"^MaxNorm\(m\) is the spelling of Keras 1; write max_value\.$"):
        assert constraints.maxnorm(m=3).max_value == 3
    assert list(inspect.signature(constraints.MaxNorm).parameters) == ["max_value", "axis"]


def test_first_values_by_functions_of_keras_1():
    with pytest.warns(legacy.OldSpelling, match=r"kernel_initializer=\.\.\."):
        layer = Dense(2, input_shape=(3,), init=lambda shape, name: 7 * np.ones(shape))
    Sequential([layer])
    assert layer.get_weights()[0].tolist() == [[7, 7]] * 3
    with pytest.warns(legacy.OldSpelling):
        layer = Dense(2, init=np.ones)  # one of today's is left as it is
    assert layer.kernel_initializer is np.ones


# --- Merge ---


@pytest.mark.parametrize(
    ("mode", "arguments", "found"),
    [
        ("sum", {}, ("Add", {})),
        ("concat", {"concat_axis": 1}, ("Concatenate", {"axis": 1})),
        ("dot", {"dot_axes": 1}, ("Dot", {"axes": 1})),
        ("dot", {"dot_axes": [[1], [2]]}, ("Dot", {"axes": [1, 2]})),
        ("cos", {"dot_axes": -1}, ("Dot", {"axes": -1, "normalize": True})),
    ],
)
def test_merge_modes(mode, arguments, found):
    assert legacy.merge_class(mode, **arguments) == found


@pytest.mark.parametrize("name", sorted(set(legacy.RENAMED) - {"Model"}))
def test_every_name_in_the_tables_is_an_argument_today(name):
    known = set()
    for base in getattr(layers, name).__mro__:
        known |= set(inspect.signature(base.__init__).parameters)
    absent = {"dilation_rate"} if name.startswith(("Locally", "Conv3DT")) else set()  # no layer of Keras 1 had it there
    assert set(legacy.RENAMED[name].values()) - absent <= known


def test_classes_of_today_exist():
    assert set(legacy.CLASSES.values()) <= set(layers.__all__)
    assert {name for name, _ in legacy.MERGE_MODES.values()} <= set(layers.__all__)
