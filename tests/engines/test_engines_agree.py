"""Every word of the vocabulary means the same on both engines: values, shapes and types."""

import types

import jax
import numpy as np
import pytest

import hornbeam.engines.jax as jax_engine
import hornbeam.engines.numpy as numpy_engine
from hornbeam import backend as K
from hornbeam import nest, scope

FLOATS = ("float32", "bfloat16")
NUMBERS = ("float32", "bfloat16", "int32")
ALL = ("float32", "bfloat16", "int32", "bool")
TOLERANCE = {"float32": 2e-6, "float64": 1e-12, "bfloat16": 2e-2, "int32": 2e-6, "bool": 2e-6}


def sample(shape, dtype, low=-2.0, high=2.0, seed=0):
    """Repeatable numbers of any type; rounded to eighths so that bfloat16 holds them exactly."""
    values = np.random.default_rng((seed, *shape)).uniform(low, high, shape)
    if dtype == "bool":
        return values > 0
    if dtype == "int32":
        return np.round(values * 3).astype("int32")
    return np.asarray(K.get_value(K.cast(np.round(values * 8) / 8, dtype)))


def one(*shape, **limits):
    """Arguments: a single tensor."""
    return lambda dtype: (sample(shape, dtype, **limits),)


def two(first, second, **limits):
    """Arguments: two tensors of the given shapes."""
    return lambda dtype: (sample(first, dtype, **limits), sample(second, dtype, seed=1, **limits))


def fixed(*args):
    """Arguments that do not depend on the type."""
    return lambda dtype: args


def image(dtype):
    return (sample((2, 4, 5, 3), dtype),)


# word -> list of (types, arguments for a type, keywords). A word may have several calls.
CALLS = {
    "abs": [(NUMBERS, one(3, 4), {})],
    "add": [(NUMBERS, two((3, 4), (4,)), {})],
    "all": [(("bool",), one(3, 4), {"axis": 1}), (("bool",), one(3, 4), {"keepdims": True})],
    "any": [(("bool",), one(3, 4), {"axis": 1}), (("bool",), one(2, 0), {"axis": 1})],
    "arange": [(("int32",), fixed(5), {}), (("int32",), fixed(2, 9, 3), {"dtype": "float32"})],
    "argmax": [(("float32", "int32"), one(3, 4), {}), (("float32",), one(3, 4), {"axis": 0})],
    "argmin": [(("float32", "int32"), one(3, 4), {})],
    "batch_dot": [
        (FLOATS, two((2, 3, 4), (2, 4, 5)), {}), (FLOATS, two((2, 4), (2, 4)), {"axes": 1}),
        (FLOATS, two((2, 3, 4), (2, 5, 4)), {"axes": (2, 2)}), (FLOATS, two((2, 3, 4), (2, 4)), {"axes": (2, 1)}),
    ],
    "batch_flatten": [(ALL, one(3, 4, 2), {})],
    "bias_add": [
        (FLOATS, two((2, 4, 5, 3), (3,)), {"data_format": "channels_last"}),
        (FLOATS, two((2, 3, 4, 5), (3,)), {"data_format": "channels_first"}),
    ],
    "binary_crossentropy": [(("float32",), two((3, 4), (3, 4), low=0.0, high=1.0), {}),
                            (("float32",), two((3, 4), (3, 4)), {"from_logits": True})],
    "cast": [(ALL, lambda dtype: (sample((3, 4), dtype), "float32"), {}),
             (("float32",), lambda dtype: (sample((3, 4), dtype), "int32"), {}),
             (("float32",), lambda dtype: (sample((3, 4), dtype), "bool"), {})],
    "categorical_crossentropy": [(("float32",), two((3, 4), (3, 4), low=0.1, high=1.0), {}),
                                 (("float32",), two((3, 4), (3, 4)), {"from_logits": True})],
    "clip": [(NUMBERS, lambda dtype: (sample((3, 4), dtype), -1, 1), {}),
             (("float32",), lambda dtype: (sample((3, 4), dtype), 1.0, -1.0), {})],
    "concatenate": [(ALL, lambda dtype: ([sample((2, 3), dtype), sample((2, 1), dtype)],), {}),
                    (ALL, lambda dtype: ([sample((2, 3), dtype), sample((4, 3), dtype)],), {"axis": 0})],
    "cos": [(FLOATS, one(3, 4), {})],
    "cumprod": [(("float32", "int32"), one(3, 4), {"axis": 1})],
    "cumsum": [(("float32", "int32"), one(3, 4), {"axis": 1})],
    "divide": [(FLOATS, two((3, 4), (4,), low=0.5), {})],
    "dot": [(FLOATS, two((3, 4), (4, 2)), {}), (FLOATS, two((2, 3, 4), (4, 2)), {}),
            (("float32",), two((2, 3, 4), (5, 4, 2)), {})],
    "dropout": [(("float32",), lambda dtype: (sample((30, 40), dtype), 0.4), {"seed": 3}),
                (("float32",), lambda dtype: (sample((30, 4, 5), dtype), 0.4, (None, 1, None)), {"seed": 3})],
    "einsum": [
        (FLOATS, lambda dtype: ("bthk,bshk->bhts", sample((2, 3, 2, 4), dtype), sample((2, 5, 2, 4), dtype)), {}),
        (("float32", "int32"), lambda dtype: ("...d,du->...u", sample((2, 3, 4), dtype), sample((4, 2), dtype)), {}),
    ],
    "elu": [(FLOATS, one(3, 4), {}), (("float32",), one(3, 4), {"alpha": 0.5})],
    "equal": [(ALL, two((3, 4), (3, 4)), {})],
    "erf": [(("float32",), one(3, 4), {})],
    "exp": [(FLOATS, one(3, 4), {})],
    "expand_dims": [(ALL, one(3, 4), {}), (ALL, one(3, 4), {"axis": 1})],
    "flatten": [(ALL, one(3, 4), {})],
    "floor_divide": [(("float32", "int32"), lambda dtype: (sample((3, 4), dtype), 2), {})],
    "gather": [(ALL, lambda dtype: (sample((5, 3), dtype), np.array([[0, 4], [1, 1]], "int32")), {}),
               (("float32",), lambda dtype: (sample((5, 3), dtype), np.array([0, 7], "int32")), {})],
    "getitem": [(ALL, lambda dtype: (sample((3, 4), dtype), (slice(None), 1)), {})],
    "greater": [(NUMBERS, two((3, 4), (3, 4)), {})],
    "greater_equal": [(NUMBERS, two((3, 4), (3, 4)), {})],
    "hard_sigmoid": [(FLOATS, one(3, 4, low=-4.0, high=4.0), {})],
    "identity": [(ALL, one(3, 4), {})],
    "in_top_k": [(("float32",), lambda dtype: (sample((3, 4), dtype), np.array([0, 3, 1], "int32"), 2), {})],
    "l2_normalize": [(("float32",), one(3, 4), {"axis": 1}), (("float32",), one(3, 4), {})],
    "less": [(NUMBERS, two((3, 4), (3, 4)), {})],
    "less_equal": [(NUMBERS, two((3, 4), (3, 4)), {})],
    "log": [(FLOATS, one(3, 4, low=0.5), {})],
    "logical_and": [(("bool",), two((3, 4), (3, 4)), {})],
    "logical_not": [(("bool",), one(3, 4), {})],
    "logical_or": [(("bool",), two((3, 4), (3, 4)), {})],
    "logsumexp": [(("float32",), one(3, 4), {"axis": 1}), (("float32",), one(3, 4), {"keepdims": True})],
    "matmul": [(FLOATS, two((2, 3, 4), (2, 4, 5)), {})],
    "max": [(NUMBERS, one(3, 4), {"axis": 1}), (("float32",), one(3, 4), {"keepdims": True})],
    "maximum": [(NUMBERS, two((3, 4), (4,)), {})],
    "mean": [
        (ALL, one(3, 4), {"axis": (0, 1)}), (("float32",), one(3, 4), {"axis": 1, "keepdims": True}),
        (ALL, one(2, 0), {"axis": 1}), (("float32",), one(0, 2), {}),
    ],
    "min": [(NUMBERS, one(3, 4), {"axis": 1})],
    "minimum": [(NUMBERS, two((3, 4), (4,)), {})],
    "multiply": [(NUMBERS, two((3, 4), (4,)), {})],
    "negative": [(NUMBERS, one(3, 4), {})],
    "not_equal": [(ALL, two((3, 4), (3, 4)), {})],
    "one_hot": [(("int32",), fixed(np.array([[0, 2], [5, -1]], "int32"), 4), {})],
    "ones_like": [(ALL, one(3, 4), {}), (("float32",), one(3, 4), {"dtype": "int32"})],
    "permute_dimensions": [(ALL, lambda dtype: (sample((2, 3, 4), dtype), (2, 0, 1)), {})],
    "pow": [(("float32",), lambda dtype: (sample((3, 4), dtype, low=0.5), 3), {})],
    "power": [(("float32",), lambda dtype: (sample((3, 4), dtype, low=0.5), 2), {})],
    "print_tensor": [(("float32",), one(2, 2), {"message": "x is "})],
    "prod": [(("float32", "int32"), one(2, 3), {"axis": 1})],
    "relu": [(FLOATS, one(3, 4), {}), (("float32",), one(3, 4), {"alpha": 0.1, "max_value": 1.0, "threshold": 0.5})],
    "remainder": [(("float32", "int32"), lambda dtype: (sample((3, 4), dtype), 2), {})],
    "repeat": [(ALL, lambda dtype: (sample((3, 4), dtype), 2), {})],
    "repeat_elements": [(ALL, lambda dtype: (sample((3, 4), dtype), 2, 1), {})],
    "reshape": [(ALL, lambda dtype: (sample((3, 4), dtype), (2, -1)), {})],
    "reverse": [(ALL, lambda dtype: (sample((3, 4), dtype), 1), {}),
                (ALL, lambda dtype: (sample((3, 4), dtype), [0, 1]), {})],
    "round": [(FLOATS, one(3, 4), {})],
    "sigmoid": [(FLOATS, one(3, 4, low=-8.0, high=8.0), {})],
    "sign": [(NUMBERS, one(3, 4), {})],
    "sin": [(FLOATS, one(3, 4), {})],
    "slice": [(ALL, lambda dtype: (sample((3, 4), dtype), (1, 0), (2, -1)), {})],
    "softmax": [(FLOATS, one(3, 4), {}), (("float32",), one(3, 4), {"axis": 0})],
    "softplus": [(FLOATS, one(3, 4), {})],
    "softsign": [(FLOATS, one(3, 4), {})],
    "segment_sum": [
        (("float32", "int32"), lambda dtype: (sample((5, 2), dtype), np.array([0, 2, 2, -1, 7], "int32"), 3), {})
    ],
    "sort": [(("float32", "int32"), one(3, 4), {})],
    "sparse_categorical_crossentropy": [
        (("float32",), lambda dtype: (np.array([0, 3, 1]), sample((3, 4), dtype, low=0.1, high=1.0)), {}),
        (("float32",), lambda dtype: (np.array([[0], [3], [1]]), sample((3, 4), dtype)), {"from_logits": True}),
    ],
    "spatial_2d_padding": [(ALL, image, {"data_format": "channels_last"}),
                           (("float32",), image, {"padding": ((0, 2), (1, 0)), "data_format": "channels_first"})],
    "spatial_3d_padding": [(("float32",), one(2, 3, 3, 3, 1), {"data_format": "channels_last"})],
    "sqrt": [(("float32",), one(3, 4), {})],
    "square": [(NUMBERS, one(3, 4), {})],
    "squeeze": [(ALL, lambda dtype: (sample((3, 1, 4), dtype), 1), {})],
    "stack": [(ALL, lambda dtype: ([sample((2, 3), dtype), sample((2, 3), dtype, seed=1)],), {"axis": 1})],
    "std": [(("float32", "int32"), one(3, 4), {"axis": 1}), (("float32",), one(2, 0), {"axis": 1})],
    "stop_gradient": [(ALL, one(3, 4), {})],
    "subtract": [(NUMBERS, two((3, 4), (4,)), {})],
    "sum": [
        (NUMBERS, one(3, 4), {"axis": 1}), (("float32",), one(0, 4), {"axis": 0}),
        (("int32",), fixed(np.array([[200, 200]], "uint8")), {"axis": 1}),
    ],
    "tanh": [(FLOATS, one(3, 4), {})],
    "temporal_padding": [(ALL, one(2, 3, 4), {"padding": (2, 1)})],
    "tile": [(ALL, lambda dtype: (sample((3, 4), dtype), (2, 1)), {}),
             (ALL, lambda dtype: (sample((3,), dtype), 2), {})],
    "transpose": [(ALL, one(2, 3, 4), {})],
    "var": [(("float32", "int32"), one(3, 4), {"axis": 1}), (("float32",), one(2, 0), {"axis": 1})],
    "where": [(ALL, lambda dtype: (sample((3, 4), "bool"), sample((3, 4), dtype), sample((3, 4), dtype, seed=1)), {})],
    "zeros_like": [(ALL, one(3, 4), {})],
}  # fmt: skip

LAST, FIRST = {"data_format": "channels_last"}, {"data_format": "channels_first"}


def numbers(*shapes, **limits):
    """Arguments: tensors of several shapes."""
    return lambda dtype: tuple(sample(shape, dtype, seed=i, **limits) for i, shape in enumerate(shapes))


def then(tensors, *rest):
    """Arguments: tensors, and then fixed ones."""
    return lambda dtype: (*tensors(dtype), *rest)


def lists(first, second, *rest, **limits):
    """Arguments: a tensor, a list of tensors, and further tensors, as recurrent words take them."""
    return lambda dtype: (
        sample(first, dtype), [sample(s, dtype, seed=i + 1) for i, s in enumerate(second)],
        *(sample(s, dtype, seed=i + 5) for i, s in enumerate(rest)),
    )  # fmt: skip


WALKS = [{}, {"go_backwards": True, "return_sequences": True},
         {"mask": np.array([[1, 1, 0], [1, 0, 0]], bool), "return_sequences": True}]  # fmt: skip
F32 = ("float32",)
CALLS |= {
    "batch_normalization": [(F32, numbers((2, 3, 4), (4,), (4,), (4,), (4,), low=0.5), {})],
    "conv1d": [(F32, numbers((2, 7, 3), (3, 3, 4)), {"padding": padding, "strides": s, "dilation_rate": d, **LAST})
               for padding, s, d in (("valid", 1, 1), ("same", 2, 1), ("causal", 1, 2))],
    "conv1d_transpose": [(F32, then(numbers((2, 4, 3), (3, 5, 3)), (2, 8, 5), 2, "same"), LAST)],
    "conv2d": [(F32, numbers((2, 6, 7, 3), (3, 2, 3, 4)), {"padding": "same", "strides": (2, 1), **LAST}),
               (F32, numbers((2, 3, 6, 7), (3, 2, 3, 4)), {"dilation_rate": (1, 2), **FIRST})],
    "conv2d_transpose": [(F32, then(numbers((2, 4, 3, 3), (3, 3, 5, 3)), (2, 8, 6, 5), (2, 2), "same"), LAST),
                         (F32, then(numbers((2, 4, 3, 3), (3, 3, 5, 3)), (2, 9, 7, 5), (2, 2), "valid"), LAST)],
    "conv3d": [(F32, numbers((1, 4, 5, 4, 2), (2, 3, 2, 2, 3)), {"padding": "same", **LAST})],
    "conv3d_transpose": [(F32, then(numbers((1, 2, 2, 3, 2), (2, 2, 2, 3, 2)), (1, 4, 4, 6, 3), (2, 2, 2), "same"),
                          LAST)],
    "ctc_batch_cost": [(F32, lambda dtype: (
        np.array([[0, 1], [1, 0]]), sample((2, 6, 3), dtype, low=0.1, high=1.0),
        np.array([[6], [5]]), np.array([[2], [1]]),
    ), {})],
    "ctc_decode": [(F32, lambda dtype: (sample((2, 6, 4), dtype, low=0.1, high=1.0), np.array([6, 5])), {"greedy": g})
                   for g in (True, False)],
    "depthwise_conv1d": [(F32, numbers((2, 7, 3), (3, 3, 2)), LAST)],
    "depthwise_conv2d": [(F32, numbers((2, 6, 7, 3), (3, 2, 3, 2)), {"padding": "same", **LAST})],
    "gru": [(F32, lists((2, 3, 4), [(2, 5)], (4, 15), (5, 15), (15,)), walk) for walk in WALKS],
    "local_conv1d": [(F32, then(numbers((2, 5, 3), (3, 9, 4)), (3,), (1,)), LAST)],
    "local_conv2d": [(F32, then(numbers((2, 4, 4, 2), (9, 8, 3)), (2, 2), (1, 1), (3, 3)), LAST)],
    "lstm": [(F32, lists((2, 3, 4), [(2, 5), (2, 5)], (4, 20), (5, 20), (20,)), walk) for walk in WALKS],
    "normalize_batch_in_training": [(F32, then(numbers((6, 4), (4,), (4,)), [0]), {})],
    "pool1d": [(F32, then(numbers((2, 7, 3)), 3), {"strides": 2, "padding": "same", "pool_mode": m, **LAST})
               for m in ("max", "avg")],
    "pool2d": [(F32, then(numbers((2, 6, 7, 3)), (2, 3)), {"strides": (2, 2), "padding": p, "pool_mode": m, **LAST})
               for p in ("valid", "same") for m in ("max", "avg")],
    "pool3d": [(F32, then(numbers((1, 2, 4, 4, 4)), (2, 2, 2)), {"strides": (2, 2, 2), **FIRST})],
    "resize_images": [(F32, then(numbers((1, 3, 4, 2)), 2, 3, "channels_last"), {"interpolation": i})
                      for i in ("nearest", "bilinear")],
    "resize_volumes": [(F32, then(numbers((1, 2, 2, 3, 2)), 2, 1, 2, "channels_last"), {})],
    "separable_conv1d": [(F32, numbers((2, 7, 3), (3, 3, 2), (1, 6, 4)), LAST)],
    "separable_conv2d": [(F32, numbers((2, 6, 7, 3), (3, 3, 3, 2), (1, 1, 6, 4)), {"padding": "same", **LAST})],
    "simple_rnn": [(F32, lists((2, 3, 4), [(2, 5)], (4, 5), (5, 5), (5,)), walk) for walk in WALKS],
}  # fmt: skip

# Samples differ between engines by nature; their distributions are tested where they are made.
SAMPLED = {"random_normal", "random_uniform", "random_binomial", "truncated_normal"}
# Tested engine by engine beside their own references, in the file named.
ELSEWHERE = {}

CASES = [
    pytest.param(name, dtype, arguments, keywords, id=f"{name}-{dtype}-{i}")
    for name, calls in CALLS.items()
    for i, (dtypes, arguments, keywords) in enumerate(calls)
    for dtype in dtypes
]


@pytest.fixture(autouse=True)
def same_width(monkeypatch):
    """A test before may have asked one of the engines for double precision."""
    monkeypatch.setitem(numpy_engine.tensors._doubles, "wanted", jax.config.jax_enable_x64)


def on_engine(name, word, args, kwargs):
    with K.use_engine(name):
        return [np.asarray(part) for part in _parts(K.WORDS[word](*args, **kwargs))]


def _parts(result):
    return [part for part in nest.flatten(result) if part is not None]


def agree(word, dtype, args, kwargs):
    ours, plain = (on_engine(name, word, args, kwargs) for name in ("jax", "numpy"))
    assert len(ours) == len(plain)
    for a, b in zip(ours, plain, strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        # Long sums differ in the order of adding, so what is compared is the error beside the largest element.
        scale = max(1.0, float(np.max(np.abs(b.astype("float64")), initial=0.0)))
        np.testing.assert_allclose(
            a.astype("float64"), b.astype("float64"), rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * scale
        )


@pytest.mark.parametrize(("word", "dtype", "arguments", "keywords"), CASES)
def test_a_word_means_the_same_on_both_engines(word, dtype, arguments, keywords):
    agree(word, dtype, arguments(dtype), keywords)


def test_words_agree_in_double_precision():
    import jax

    with jax.enable_x64(True):
        numpy_engine.tensors._doubles["wanted"] = True
        try:
            for word in ("exp", "log", "matmul", "softmax", "logsumexp", "mean", "sigmoid", "square", "tanh", "var"):
                _, arguments, keywords = CALLS[word][0]
                args = [np.asarray(a, "float64") for a in arguments("float32")]
                ours, plain = (on_engine(name, word, args, keywords) for name in ("jax", "numpy"))
                assert ours[0].dtype == plain[0].dtype == "float64"
                np.testing.assert_allclose(ours[0], plain[0], rtol=1e-12, atol=1e-12)
        finally:
            numpy_engine.tensors._doubles["wanted"] = False


def test_every_word_is_compared():
    public = {name for name in K.WORDS if not name.startswith("_")}
    forgotten = public - set(CALLS) - SAMPLED - set(ELSEWHERE)
    assert not forgotten, f"words without a comparison of the engines: {sorted(forgotten)}"


def primitives(engine):
    return {
        name
        for name, thing in vars(engine).items()
        if not name.startswith("_")
        and not isinstance(thing, types.ModuleType)
        and getattr(thing, "__module__", "") != "typing"
    }


def test_both_engines_have_the_same_primitives():
    ours, plain = primitives(jax_engine), primitives(numpy_engine)
    assert ours - plain == set(), "only the JAX engine has these"
    assert plain - ours == set(), "only the NumPy engine has these"


def test_switch_and_phase_choose_alike():
    x = sample((3, 4), "float32")
    for name in ("jax", "numpy"):
        with K.use_engine(name):
            np.testing.assert_array_equal(K.switch(x > 0, x, -x), np.abs(x))
            np.testing.assert_array_equal(K.switch(np.array(True), lambda: K.abs(x), lambda: K.sqrt(x)), np.abs(x))
            with scope.Scope(training=True):
                np.testing.assert_array_equal(K.in_train_phase(x, -x), x)
            with scope.Scope(training=False):
                np.testing.assert_array_equal(K.in_train_phase(x, -x), -x)


def test_dropout_masks_are_equal_bit_for_bit():
    masks = []
    for name in ("jax", "numpy"):
        with K.use_engine(name):
            masks.append(np.asarray(K.engine.dropout_mask(np.uint32(7), 3, (100, 100), 0.3)))
    np.testing.assert_array_equal(*masks)
    assert abs(masks[0].mean() - 0.7) < 0.02
