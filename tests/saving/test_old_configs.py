"""Configurations of old Keras, entry by entry; whole files are in test_old_files.py."""

import copy

import pytest

from hornbeam.layers import LSTM, BatchNormalization, Dense, Flatten, Input, TimeDistributed
from hornbeam.models import Model, Sequential, model_from_config
from hornbeam.saving.old_configs import upgrade, upgrade_training
from hornbeam.saving.stored import Origin

KERAS_1, KERAS_2, TF = (Origin("h5", v, "tensorflow") for v in ("1.2.2", "2.2.4", "2.15.0"))


def one(class_name, config, origin=KERAS_1):
    """(class, arguments) that a layer of an old file has today."""
    stack = {"class_name": "Sequential", "config": [{"class_name": class_name, "config": {"name": "a", **config}}]}
    entry = upgrade(stack, origin)["config"]["layers"][0]
    return entry["class_name"], {k: v for k, v in entry["config"].items() if k != "name"}


@pytest.mark.parametrize(
    ("class_name", "config", "found"),
    [
        ("Convolution2D", {"nb_filter": 2, "nb_row": 3, "nb_col": 1, "dim_ordering": "th", "subsample": [1, 1]},
         ("Conv2D", {"filters": 2, "kernel_size": (3, 1), "data_format": "channels_first", "strides": [1, 1]})),
        ("AtrousConvolution1D", {"nb_filter": 2, "filter_length": 3, "atrous_rate": 2, "input_dim": 4},
         ("Conv1D", {"filters": 2, "kernel_size": 3, "dilation_rate": 2})),
        ("Dense",
         {"output_dim": 2, "W_regularizer": {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.5}, "input_dim": 3},
         ("Dense", {"units": 2, "kernel_regularizer": {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.5}}})),
        ("Dense", {"output_dim": 2, "W_constraint": {"name": "MaxNorm", "m": 3, "axis": 1}},
         ("Dense",
          {"units": 2, "kernel_constraint": {"class_name": "MaxNorm", "config": {"max_value": 3, "axis": 1}}})),
        ("Embedding", {"input_dim": 3, "output_dim": 2, "dropout": 0.5, "init": "uniform"},
         ("Embedding", {"input_dim": 3, "output_dim": 2, "embeddings_initializer": "uniform"})),
        ("MaxoutDense", {"output_dim": 2, "init": "zero", "bias": True, "input_dim": 3},
         ("MaxoutDense", {"output_dim": 2, "init": "zero", "bias": True})),
        ("Highway", {"init": "zero", "transform_bias": -2}, ("Highway", {"init": "zero"})),
        ("Flatten", {}, ("Flatten", {"data_format": "channels_last"})),
    ],
)  # fmt: skip
def test_layers_of_keras_1(class_name, config, found):
    assert one(class_name, config) == found


def test_time_distributed_dense_becomes_two_layers():
    name, config = one("TimeDistributedDense", {"output_dim": 2, "bias": False, "batch_input_shape": [None, 3, 4]})
    assert name == "TimeDistributed"
    assert config["batch_input_shape"] == [None, 3, 4]
    assert config["layer"]["class_name"] == "Dense"
    assert config["layer"]["config"] == {"name": "a_dense", "units": 2, "use_bias": False}


@pytest.mark.parametrize(
    ("class_name", "config", "message"),
    [
        ("BatchNormalization", {"mode": 1}, "layer 'a' .BatchNormalization. has mode=1, which is gone"),
        ("Dense", {"W_regularizer": {"name": "EigenvalueRegularizer"}}, "has a EigenvalueRegularizer, which is gone"),
        ("LSTM", {"time_major": True}, "time_major=True has no counterpart"),
    ],
)  # fmt: skip
def test_what_has_no_counterpart_is_refused(class_name, config, message):
    with pytest.raises(ValueError, match=message):
        one(class_name, config)


def test_forgotten_order_of_axes_is_that_of_the_others():
    layers = [{"class_name": "ZeroPadding2D", "config": {"name": "p", "padding": [1, 1]}},
              {"class_name": "MaxPooling2D", "config": {"name": "q", "dim_ordering": "th"}}]  # fmt: skip
    found = upgrade({"class_name": "Sequential", "config": layers}, KERAS_1)["config"]["layers"]
    assert found[0]["config"]["data_format"] == "channels_first"


def test_additions_of_tensorflow_are_taken_out():
    policy = {"class_name": "Policy", "config": {"name": "float32"}}
    config = {"units": 3, "time_major": False, "zero_output_for_mask": False, "dtype": policy}
    assert one("LSTM", config, TF) == ("LSTM", {"units": 3, "dtype": "float32"})
    assert one("Functional", {"name": "m"}, TF)[0] == "Model"


@pytest.mark.parametrize(
    ("class_name", "config", "dtype"),
    [
        ("Embedding", {"input_dim": 3, "output_dim": 2, "embeddings_initializer": "uniform"}, None),
        ("Dense", {"units": 2, "kernel_initializer": "zeros"}, None),
        ("InputLayer", {"batch_input_shape": [None, 3]}, "int32"),
        ("Lambda", {"function": "abs", "batch_input_shape": [None, 3]}, "int32"),
    ],
)
def test_whole_numbers_are_the_inputs_not_the_weights(class_name, config, dtype):
    """Keras 2.0.5 wrote dtype='int32' for an Embedding; rows kept in it would all be 0."""
    assert one(class_name, {**config, "dtype": "int32"}, KERAS_2)[1].get("dtype") == dtype


def test_a_function_of_tensorflow_without_counterpart_is_named():
    layers = [{"class_name": "TFOpLambda", "name": "tf.roll", "config": {"name": "tf.roll", "function": "roll"},
               "inbound_nodes": [["x", 0, 0, {"shift": 1}]]}]  # fmt: skip
    with pytest.raises(ValueError, match="layer 'tf.roll' is the function 'roll' of TensorFlow"):
        upgrade({"class_name": "Functional", "config": {"layers": layers}}, TF)


def test_configurations_of_our_own_come_through():
    x = Input((4, 3))
    inner = Sequential([Dense(2, input_shape=(3,)), BatchNormalization()])
    y = LSTM(2, return_sequences=True)(x + TimeDistributed(Dense(3))(x) * 2.0)
    model = Model(x, [Flatten()(y), TimeDistributed(inner)(x)])
    config = {"class_name": "Model", "config": model.get_config()}
    before = copy.deepcopy(config)
    found = upgrade(config, KERAS_2)
    assert config == before  # what came in stays as it was
    assert model_from_config(found).get_config() == model.get_config()


def test_metrics_of_tensorflow_are_names_again():
    wrapped = {"class_name": "MeanMetricWrapper", "config": {"name": "mae", "fn": "mean_absolute_error"}}
    loss = {"class_name": "Huber", "config": {"reduction": "auto", "name": "huber", "fn": "huber", "delta": 2.0}}
    found = upgrade_training({"optimizer": "sgd", "loss": {"out": loss}, "metrics": [[wrapped]]}, TF)
    assert found["metrics"] == ["mae"]
    assert found["loss"] == {"out": {"class_name": "Huber", "config": {"name": "huber", "delta": 2.0}}}
