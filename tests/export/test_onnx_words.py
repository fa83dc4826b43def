"""The words of the vocabulary between layers as ONNX: each is written and checked, or refused for a reason."""

import numpy as np
import pytest

from export.onnx_checks import check, numbers, onnx_model, plain_engine  # noqa: F401
from hornbeam import backend as K
from hornbeam import layers
from hornbeam.core import Input
from hornbeam.models import Model

pytestmark = pytest.mark.usefixtures("plain_engine")

ROW, IMAGE, IDS = (3, 4), (4, 5, 2), (3,)
KERNEL = numbers(4, 2, seed=9)
KERNELS = numbers(2, 2, 2, 3, seed=9)

# word -> functions of x (B, 3, 4), y of the same shape, image (B, 4, 5, 2), ids (B, 3).
WORDS = {
    "abs": [lambda x, y, image, ids: K.abs(x)],
    "add": [lambda x, y, image, ids: x + y, lambda x, y, image, ids: 1 + ids, lambda x, y, image, ids: ids + 0.5],
    "all": [lambda x, y, image, ids: K.all(x > -1, axis=-1)],
    "any": [lambda x, y, image, ids: K.any(x > 1, axis=[1, 2], keepdims=True)],
    "arange": [lambda x, y, image, ids: x[:, :, 0] * K.cast(K.arange(0, K.shape(x)[1]), "float32")],
    "argmax": [lambda x, y, image, ids: K.argmax(x)],
    "argmin": [lambda x, y, image, ids: K.argmin(x, axis=1)],
    "batch_dot": [
        lambda x, y, image, ids: K.batch_dot(x, y, axes=2), lambda x, y, image, ids: K.batch_dot(x, y[:, 0], (2, 1)),
        lambda x, y, image, ids: K.batch_dot(x[:, 0], y[:, 0]),
    ],
    "batch_flatten": [lambda x, y, image, ids: K.batch_flatten(image)],
    "batch_normalization": [
        lambda x, y, image, ids: K.batch_normalization(x, y[:1, :, :1] * 0, K.abs(y) + 1, None, None),
        lambda x, y, image, ids: K.batch_normalization(x, KERNEL[:, 0], KERNEL[:, 1] ** 2, KERNEL[:, 0], KERNEL[:, 1]),
    ],
    "bias_add": [lambda x, y, image, ids: K.bias_add(image, np.ones(4, "float32"), data_format="channels_first"),
                 lambda x, y, image, ids: K.bias_add(x, KERNEL[None, :3, 0].repeat(3, 0).repeat(2, 1)[:, :4])],
    "cast": [lambda x, y, image, ids: K.cast(ids, "float32") * K.cast(x[:, :, 0], "bool")],
    "clip": [lambda x, y, image, ids: K.clip(x, -0.5, None), lambda x, y, image, ids: K.clip(x, 0.5, 0.1)],
    "concatenate": [lambda x, y, image, ids: K.concatenate([x, y, x], 1)],
    "conv1d": [lambda x, y, image, ids: K.conv1d(x, numbers(2, 4, 3), padding="causal")],
    "conv2d": [lambda x, y, image, ids: K.conv2d(image, KERNELS, (2, 1), "same")],
    "conv3d": [lambda x, y, image, ids: K.conv3d(K.expand_dims(image, 1), numbers(1, 2, 2, 2, 3))],
    "conv1d_transpose": [lambda x, y, image, ids: K.conv1d_transpose(x, numbers(2, 2, 4), (None, 6, 2), 2, "same")],
    "conv2d_transpose": [
        lambda x, y, image, ids: K.conv2d_transpose(image, numbers(3, 2, 3, 2), (None, 7, 10, 3), (2, 2), "same"),
        lambda x, y, image, ids: K.conv2d_transpose(image, numbers(2, 2, 3, 2), (None, 5, 6, 3)),
    ],
    "conv3d_transpose": [
        lambda x, y, image, ids: K.conv3d_transpose(
            K.expand_dims(image, 1), numbers(1, 2, 2, 3, 2), (None, 1, 5, 6, 3)
        )
    ],
    "cos": [lambda x, y, image, ids: K.cos(x)],
    "cumsum": [lambda x, y, image, ids: K.cumsum(x, axis=-1), lambda x, y, image, ids: K.cumsum(ids, axis=1)],
    "depthwise_conv1d": [lambda x, y, image, ids: K.depthwise_conv1d(x, numbers(2, 4, 2))],
    "depthwise_conv2d": [lambda x, y, image, ids: K.depthwise_conv2d(image, numbers(2, 2, 2, 2), padding="same")],
    "divide": [lambda x, y, image, ids: x / 3, lambda x, y, image, ids: ids / 2],
    "dot": [lambda x, y, image, ids: K.dot(x, KERNEL), lambda x, y, image, ids: K.dot(x, numbers(2, 4, 3)),
            lambda x, y, image, ids: K.dot(x, numbers(4))],
    "einsum": [lambda x, y, image, ids: K.einsum("btd,bsd->bts", x, y)],
    "elu": [lambda x, y, image, ids: K.elu(x, 0.3)],
    "equal": [lambda x, y, image, ids: K.equal(ids, 2), lambda x, y, image, ids: K.equal(x > 0, y > 0)],
    "erf": [lambda x, y, image, ids: K.erf(x)],
    "exp": [lambda x, y, image, ids: K.exp(x)],
    "expand_dims": [lambda x, y, image, ids: K.expand_dims(x, 1)],
    "flatten": [lambda x, y, image, ids: K.flatten(x)],
    "floor_divide": [lambda x, y, image, ids: x // 0.4, lambda x, y, image, ids: (ids - 3) // 2],
    "gather": [lambda x, y, image, ids: K.gather(KERNEL, ids)],
    "getitem": [
        lambda x, y, image, ids: x[:, -1], lambda x, y, image, ids: x[..., 1:3], lambda x, y, image, ids: x[:, ::-1, 0],
        lambda x, y, image, ids: x[:, None, -2:], lambda x, y, image, ids: x[1:][:, 0],
        lambda x, y, image, ids: image[:, 1:-1, ::2], lambda x, y, image, ids: x[:, 0:0],
    ],
    "greater": [lambda x, y, image, ids: x > y],
    "greater_equal": [lambda x, y, image, ids: ids >= 2],
    "hard_sigmoid": [lambda x, y, image, ids: K.hard_sigmoid(3 * x)],
    "identity": [lambda x, y, image, ids: K.identity(x)],
    "l2_normalize": [lambda x, y, image, ids: K.l2_normalize(x, axis=[1, 2])],
    "less": [lambda x, y, image, ids: ids < 1.5],
    "less_equal": [lambda x, y, image, ids: x <= 0],
    "local_conv1d": [lambda x, y, image, ids: K.local_conv1d(x, numbers(2, 8, 3), 2, 1)],
    "local_conv2d": [lambda x, y, image, ids: K.local_conv2d(image, numbers(12, 8, 3), (2, 2), (1, 1), (3, 4))],
    "log": [lambda x, y, image, ids: K.log(K.abs(x) + 1)],
    "logical_and": [lambda x, y, image, ids: K.logical_and(x > 0, y > 0)],
    "logical_not": [lambda x, y, image, ids: K.logical_not(x > 0)],
    "logical_or": [lambda x, y, image, ids: K.logical_or(x > 0, y > 0)],
    "logsumexp": [lambda x, y, image, ids: K.logsumexp(x, axis=1), lambda x, y, image, ids: K.logsumexp(x * 60)],
    "matmul": [lambda x, y, image, ids: K.matmul(x, K.permute_dimensions(y, (0, 2, 1)))],
    "max": [lambda x, y, image, ids: K.max(x, axis=-1), lambda x, y, image, ids: K.max(ids)],
    "maximum": [lambda x, y, image, ids: K.maximum(x, 0.1), lambda x, y, image, ids: K.maximum(x, y)],
    "mean": [lambda x, y, image, ids: K.mean(x > 0, axis=1), lambda x, y, image, ids: K.mean(ids, axis=-1)],
    "min": [lambda x, y, image, ids: K.min(x, axis=[1, 2])],
    "minimum": [lambda x, y, image, ids: K.minimum(x, y)],
    "multiply": [lambda x, y, image, ids: x * y[:, :, :1], lambda x, y, image, ids: 2 * ids],
    "negative": [lambda x, y, image, ids: -x],
    "not_equal": [lambda x, y, image, ids: K.not_equal(ids, 0)],
    "one_hot": [lambda x, y, image, ids: K.one_hot(ids - 1, 3)],
    "ones_like": [lambda x, y, image, ids: K.ones_like(x, dtype="int32")],
    "permute_dimensions": [lambda x, y, image, ids: K.permute_dimensions(image, (0, 3, 1, 2))],
    "pool1d": [lambda x, y, image, ids: K.pool1d(x, 2)],
    "pool2d": [lambda x, y, image, ids: K.pool2d(image, (2, 2), (2, 2), "same", pool_mode="avg")],
    "pool3d": [lambda x, y, image, ids: K.pool3d(K.expand_dims(image, 1), (1, 2, 2))],
    "pow": [lambda x, y, image, ids: K.pow(x, 3)],
    "power": [lambda x, y, image, ids: x**2, lambda x, y, image, ids: K.abs(x) ** 0.5],
    "print_tensor": [],  # prints while this runs
    "prod": [lambda x, y, image, ids: K.prod(x, axis=1)],
    "relu": [lambda x, y, image, ids: K.relu(x, 0.1, 1.0)],
    "remainder": [lambda x, y, image, ids: x % 0.4, lambda x, y, image, ids: (ids - 3) % 2],
    "repeat": [lambda x, y, image, ids: K.repeat(x[:, 0], 3)],
    "repeat_elements": [lambda x, y, image, ids: K.repeat_elements(x, 2, 1)],
    "reshape": [lambda x, y, image, ids: K.reshape(x, (-1, 4)),
                lambda x, y, image, ids: K.reshape(x, (K.shape(x)[0], 2, -1))],
    "resize_images": [lambda x, y, image, ids: K.resize_images(image, 2, 3, "channels_last", "bilinear")],
    "resize_volumes": [lambda x, y, image, ids: K.resize_volumes(K.expand_dims(image, 1), 2, 1, 1, "channels_last")],
    "reverse": [lambda x, y, image, ids: K.reverse(x, [1, 2])],
    "round": [lambda x, y, image, ids: K.round(x * 2)],
    "separable_conv1d": [lambda x, y, image, ids: K.separable_conv1d(x, numbers(2, 4, 1), numbers(1, 4, 2))],
    "separable_conv2d": [
        lambda x, y, image, ids: K.separable_conv2d(image, numbers(2, 2, 2, 2), numbers(1, 1, 4, 3), padding="same")
    ],
    "sigmoid": [lambda x, y, image, ids: K.sigmoid(x)],
    "sign": [lambda x, y, image, ids: K.sign(x)],
    "sin": [lambda x, y, image, ids: K.sin(x)],
    "slice": [lambda x, y, image, ids: K.slice(x, (0, 1, 0), (-1, 2, 3))],
    "softmax": [lambda x, y, image, ids: K.softmax(x, axis=(1, 2))],
    "softplus": [lambda x, y, image, ids: K.softplus(x)],
    "softsign": [lambda x, y, image, ids: K.softsign(x)],
    "sort": [lambda x, y, image, ids: K.sort(x)],
    "spatial_2d_padding": [lambda x, y, image, ids: K.spatial_2d_padding(image, data_format="channels_last")],
    "spatial_3d_padding": [lambda x, y, image, ids: K.spatial_3d_padding(K.expand_dims(image, 1))],
    "sqrt": [lambda x, y, image, ids: K.sqrt(x)],
    "square": [lambda x, y, image, ids: K.square(x)],
    "squeeze": [lambda x, y, image, ids: K.squeeze(x[:, :1], 1)],
    "stack": [lambda x, y, image, ids: K.stack([x, y], axis=1)],
    "std": [lambda x, y, image, ids: K.std(x, axis=-1)],
    "stop_gradient": [lambda x, y, image, ids: K.stop_gradient(x)],
    "subtract": [lambda x, y, image, ids: 1 - x],
    "sum": [lambda x, y, image, ids: K.sum(x), lambda x, y, image, ids: K.sum(ids, axis=-1)],
    "tanh": [lambda x, y, image, ids: K.tanh(x)],
    "temporal_padding": [lambda x, y, image, ids: K.temporal_padding(x, (2, 0))],
    "tile": [lambda x, y, image, ids: K.tile(x, [1, 2, 1])],
    "transpose": [lambda x, y, image, ids: K.transpose(x)],
    "var": [lambda x, y, image, ids: K.var(x, axis=[1, 2])],
    "where": [lambda x, y, image, ids: K.where(x > 0, x, 0.0), lambda x, y, image, ids: K.where(x[:, :, :1] > 0, x, y)],
    "zeros_like": [lambda x, y, image, ids: K.zeros_like(x)],
    "_shape": [lambda x, y, image, ids: K.shape(x) * 2],
    "_filled": [lambda x, y, image, ids: K.ones((K.shape(x)[0], 2)) + x[:, 0, :2]],
    "_switch": [lambda x, y, image, ids: K.switch(x[:, 0, 0] > 0, x, y)],
    "_choose_by_phase": [lambda x, y, image, ids: K.in_train_phase(x, y)],
    "_cast": [lambda x, y, image, ids: K.map_fn(lambda row: row + 1, x, dtype="float32")],
    "lstm": [], "gru": [], "simple_rnn": [],  # test_the_words_of_recurrent_layers
    "_mask_of_steps": [],  # test_models_inside_models_with_masks
}  # fmt: skip
# What a file cannot do, or what has no place in a model that predicts.
REFUSED = {
    "binary_crossentropy": "a loss", "categorical_crossentropy": "a loss", "sparse_categorical_crossentropy": "a loss",
    "ctc_batch_cost": "a loss", "ctc_decode": "a search", "cumprod": "no such operator", "in_top_k": "a metric",
    "segment_sum": "a metric's", "normalize_batch_in_training": "training", "dropout": "random",
    "random_binomial": "random", "random_normal": "random", "random_uniform": "random", "truncated_normal": "random",
}  # fmt: skip


def symbols():
    return Input(ROW), Input(ROW), Input(IMAGE), Input(IDS, dtype="int32")


def arrays():
    return [numbers(2, *ROW), numbers(2, *ROW, seed=4), numbers(2, *IMAGE), np.array([[0, 1, 3], [2, 2, 1]], "int32")]


@pytest.mark.parametrize("word", WORDS)
def test_words(word):
    found = symbols()
    parts = [function(*found) for function in WORDS[word]]
    if parts:
        check(Model(list(found), [*parts, *found]), arrays())


def test_every_word_is_written_or_refused():
    onnx_model(Model(*[Input((2,))] * 2))  # loads the makers
    from hornbeam.export import onnx_walk

    own = {name for name in K.WORDS if K.WORDS[name].__module__.startswith("hornbeam.")}
    assert own == set(WORDS) | set(REFUSED)
    assert set(WORDS) == set(onnx_walk.WORDS) - {"rnn", "map_fn", "foldl", "foldr", "masks_of_model"}


@pytest.mark.parametrize("word", ["cumprod", "in_top_k"])
def test_a_refused_word_is_named(word):
    x = Input((3,))
    y = K.cumprod(x, 1) if word == "cumprod" else K.in_top_k(x, K.argmax(x), 1)
    with pytest.raises(ValueError, match=f"the word '{word}' has no counterpart in ONNX.*StableHLO"):
        onnx_model(Model(x, y))


def test_loops_over_functions():
    x = Input((4, 3))
    scale = K.variable(np.array([0.5, 2.0, 1.0], "float32"))

    def step(inputs, states):
        total = states[0] * scale + inputs
        return K.tanh(total), [total]

    zero = K.zeros_like(x[:, 0])
    last, outputs, states = K.rnn(step, x, [zero], go_backwards=True, mask=x[:, :, 0] > 0)
    ones = np.ones((4, 3), "float32")
    folded = K.foldl(lambda total, row: total * 0.5 + row, x, initializer=ones)
    back = K.foldr(lambda total, row: total - row, x, initializer=ones)
    mapped = K.map_fn(lambda row: row * K.sum(row), x)
    check(Model(x, [last, outputs, states[0], folded, back, mapped]), numbers(2, 4, 3))


def test_the_words_of_recurrent_layers():
    x = Input((4, 3))
    zero, mask = K.zeros_like(x[:, 0, :2]), x[:, :, 0] > -0.5
    weights = [numbers(3, 8), numbers(2, 8, seed=1), numbers(8)]
    found = [K.lstm(x, [zero, zero], *weights, mask, return_sequences=True)[1]]
    found.append(K.gru(x, [zero], weights[0][:, :6], weights[1][:, :6], go_backwards=True)[0])
    found.append(K.simple_rnn(x, [zero], weights[0][:, :2], weights[1][:, :2], weights[2][:2])[0])
    check(Model(x, found), numbers(2, 4, 3))


def test_lambda_layers_with_arguments_and_masks():
    x = Input((4, 3))

    def weigh(inputs, mask=None, by=1.0):
        return K.sum(inputs * by * K.expand_dims(K.cast(mask, "float32")), axis=1)

    found = layers.Lambda(weigh, arguments={"by": 3.0}, mask=lambda inputs, mask: None)(layers.Masking()(x))
    check(Model(x, found), numbers(2, 4, 3) * np.array([[[1], [0], [1], [0]]], "float32"))
