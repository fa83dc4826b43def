"""Words: at once on arrays, recorded on symbols; shapes with unknown sizes; operators."""

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam.backend.words import WORDS
from hornbeam.symbolic import SymbolicTensor

X = np.array([[1.0, -2.0, 3.0], [0.5, 0.25, -1.0]], "float32")


def run(build, *arrays, shapes=None):
    """Value of a graph that `build` makes of placeholders for `arrays`, their first axis unknown."""
    shapes = shapes or [(None, *a.shape[1:]) for a in arrays]
    given = [K.placeholder(shape=s, dtype=str(a.dtype)) for s, a in zip(shapes, arrays)]
    return K.function(given, [build(*given)])(list(arrays))[0]


# What each does with X, as NumPy says it. One compiled function computes them all.
CASES = {
    "add": (lambda x: x + 1, X + 1),
    "radd": (lambda x: 1 + x, X + 1),
    "sub": (lambda x: x - X[:1], X - X[:1]),
    "rsub": (lambda x: 2 - x, 2 - X),
    "mul": (lambda x: x * x, X * X),
    "rmul_array": (lambda x: X[:1] * x, X[:1] * X),
    "div": (lambda x: x / 2, X / 2),
    "rdiv": (lambda x: 1 / x, 1 / X),
    "floordiv": (lambda x: x // 0.3, X // np.float32(0.3)),
    "mod": (lambda x: x % 2, X % 2),
    "pow": (lambda x: x**2, X**2),
    "rpow": (lambda x: 2**x, 2**X),
    "neg": (lambda x: -x, -X),
    "abs": (abs, abs(X)),
    "matmul": (lambda x: x @ X.T, X @ X.T),
    "gt": (lambda x: x > 0, X > 0),
    "ge": (lambda x: x >= 0.5, X >= 0.5),
    "lt": (lambda x: x > 0.4, X > 0.4),
    "le": (lambda x: x <= x * x, X <= X * X),
    "eq": (lambda x: x == 3.0, X == 3),
    "ne": (lambda x: x != 3.0, X != 3),
    "column": (lambda x: x[:, 0], X[:, 0]),
    "row": (lambda x: x[0], X[0]),
    "backwards": (lambda x: x[:, ::-1], X[:, ::-1]),
    "ellipsis": (lambda x: x[..., -1], X[..., -1]),
    "new_axis": (lambda x: x[:, None], X[:, None]),
    "np_exp": (np.exp, np.exp(X)),
    "np_square": (np.square, X * X),
    "np_maximum": (lambda x: np.maximum(0, x), np.maximum(0, X)),
    "np_add": (lambda x: np.add(X[1], x), X[1] + X),
    "np_scalar": (lambda x: np.float32(2) * x, 2 * X),
    "sum_builtin": (lambda x: sum([x, x, x]), 3 * X),
    "variable": (lambda x: K.variable([1.0, 2.0, 3.0]) * x, X * [1, 2, 3]),
    "two": (lambda x: K.concatenate([x, 2 * x], axis=-1), np.concatenate([X, 2 * X], -1)),
    "stack": (lambda x: K.stack([x, x], axis=1), np.stack([X, X], 1)),
    "shape_0": (lambda x: K.shape(x)[0] + 0, np.int32(2)),
    "shape": (lambda x: K.shape(x), np.array([2, 3])),
    "reshape_by_shape": (lambda x: K.reshape(x, (K.shape(x)[0], 1, 3)), X[:, None]),
    "reshape_by_product": (lambda x: K.reshape(x, (K.shape(x)[0] * 3,)), X.reshape(-1)),
    "reshape_concatenated": (lambda x: K.reshape(x, K.concatenate([K.shape(x)[:1], [3, 1]])), X[..., None]),
    "reshape_prod": (lambda x: K.reshape(x, (K.prod(K.shape(x)),)), X.reshape(-1)),
    "rows_as_float": (lambda x: x / K.cast(K.shape(x)[0], "float32"), X / 2),
    "zeros_of_batch": (lambda x: K.zeros((K.shape(x)[0], 2)), np.zeros((2, 2))),
    "arange_of_batch": (lambda x: K.arange(K.shape(x)[0]), np.arange(2)),
    "tile": (lambda x: K.tile(x, [1, 2]), np.tile(X, (1, 2))),
    "repeat_elements": (lambda x: K.repeat_elements(x, 2, axis=1), np.repeat(X, 2, 1)),
    "batch_flatten": (lambda x: K.batch_flatten(x[..., None]), X),
    "switch_elements": (lambda x: K.switch(x > 0, x, 0 * x), np.maximum(X, 0)),
    "switch_functions": (lambda x: K.switch(K.sum(x) > 100, lambda: x, lambda: 2 * x), 2 * X),
    "ones_like": (K.ones_like, np.ones_like(X)),
    "one_hot": (lambda x: K.one_hot(K.cast(K.argmax(x), "int32"), 3), np.eye(3)[X.argmax(-1)]),
    "gather": (lambda x: K.gather(K.constant([[10.0], [20.0]]), K.cast(x[:, :1] > 0.7, "int32")), [[[20]], [[10]]]),
    "batch_dot": (lambda x: K.batch_dot(x, x, axes=1), (X * X).sum(1, keepdims=True)),
    "dot": (lambda x: K.dot(x, K.variable(np.ones((3, 2)))), X @ np.ones((3, 2))),
    "mean_of_bool": (lambda x: K.mean(x > 0, axis=1), (X > 0).mean(1)),
}  # fmt: skip


@pytest.fixture(scope="module")
def found():
    x = K.placeholder(shape=(None, 3))
    return dict(zip(CASES, K.function([x], [build(x) for build, _ in CASES.values()])([X])))


@pytest.mark.parametrize("case", CASES)
def test_recorded_words_compute_what_numpy_does(found, case):
    wanted = np.asarray(CASES[case][1])
    assert found[case].shape == wanted.shape
    np.testing.assert_allclose(found[case], wanted, rtol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_the_promised_shape_is_the_real_one(found, case):
    promised = CASES[case][0](K.placeholder(shape=(None, 3)))
    assert len(promised.shape) == found[case].ndim
    assert all(p in (None, real) for p, real in zip(promised.shape, found[case].shape))
    assert promised.dtype == str(found[case].dtype)


@pytest.mark.parametrize("case", [c for c in CASES if c not in ("sum_builtin",)])
def test_words_compute_at_once_on_arrays(case):
    build, wanted = CASES[case]
    np.testing.assert_allclose(K.get_value(build(K.constant(X))), wanted, rtol=1e-6)


@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (lambda x: x[:, 0], (None,)),
        (lambda x: x[0], (3,)),
        (lambda x: K.reshape(x, (-1,)), (None,)),
        (lambda x: K.reshape(x, (K.shape(x)[0], 3, 1)), (None, 3, 1)),
        (lambda x: K.expand_dims(x, 1), (None, 1, 3)),
        (lambda x: K.tile(x, [1, 4]), (None, 12)),
        (lambda x: K.concatenate([x, x], axis=0), (None, 3)),
        (lambda x: K.sum(x), ()),
        (lambda x: K.sum(x, axis=0), (3,)),
        (lambda x: K.zeros((K.shape(x)[0], 7)), (None, 7)),
        (lambda x: K.random_normal((K.shape(x)[0], 5)), (None, 5)),
        (lambda x: K.permute_dimensions(x, (1, 0)), (3, None)),
        (lambda x: K.dot(x, K.zeros((3, 9))), (None, 9)),
        (lambda x: x @ K.transpose(x), (None, None)),
    ],
)
def test_unknown_sizes_are_followed_through(build, shape):
    assert tuple(build(K.placeholder(shape=(None, 3))).shape) == shape
    assert K.int_shape(build(K.placeholder(shape=(None, 3)))) == shape


def test_two_unknown_axes_are_told_apart():
    x = K.placeholder(shape=(None, None, 4))
    assert tuple(K.reshape(x, (-1, 4)).shape) == (None, 4)
    assert tuple(K.permute_dimensions(x, (2, 1, 0)).shape) == (4, None, None)
    y = K.reshape(x, (K.shape(x)[0], K.shape(x)[1] * 2, 2))
    assert tuple(y.shape) == (None, None, 2)
    assert K.function([x], [y])([np.ones((2, 3, 4))])[0].shape == (2, 6, 2)


def test_comparing_two_tensors_asks_whether_they_are_one():
    x = K.placeholder(shape=(2,))
    assert (x == "word") is False
    assert (x != None) is True  # noqa: E711
    assert x in [K.placeholder(shape=(3,)), x]
    assert x not in [K.placeholder(shape=(2,)), K.variable(1.0)]
    assert (x == x) is True
    assert (x != K.placeholder(shape=(2,))) is True


@pytest.mark.parametrize(
    ("use", "told"),
    [
        (lambda x: 1 if x > 0 else 0, "cannot decide an `if` or `while`. Use K.switch"),
        (lambda x: float(x[0, 0]), "has no value yet. Feed its inputs: K.function"),
        (lambda x: int(x[0, 0]), "has no value yet. Feed its inputs: K.function"),
        (lambda x: np.asarray(x), "NumPy cannot read it"),
        (lambda x: list(x), "first axis has no known size. Use K.map_fn"),
        (lambda x: len(x), r"not known before values arrive. Use K.shape\(x\)\[0\]"),
        (lambda x: np.arctan2(x, 1), "np.arctan2 has no word for symbolic tensors"),
        (lambda x: np.add.reduce(x), "has no word for symbolic tensors|NumPy cannot read it"),
    ],
)
def test_what_needs_values_says_so(use, told):
    with pytest.raises(TypeError, match=told):
        use(K.placeholder(shape=(None, 3)))


def test_shapes_that_do_not_fit_are_told_in_the_users_terms():
    with pytest.raises(ValueError, match=r"add cannot be computed for \(None, 3\), \(None, 4\): .*primes stand for"):
        K.placeholder(shape=(None, 3)) + K.placeholder(shape=(None, 4))
    with pytest.raises(ValueError, match=r"dot cannot be computed for \(2, 3\): "):
        K.dot(K.placeholder(shape=(2, 3)), K.zeros((4, 5)))


def test_a_known_first_axis_can_be_looped_over():
    x = K.placeholder(shape=(2, 3))
    assert len(x) == 2
    first, second = x
    assert K.function([x], [first + second])([X])[0].tolist() == (X[0] + X[1]).tolist()


def test_words_look_into_lists_and_dicts_for_symbols():
    x = K.placeholder(shape=(2,))
    assert K.is_symbolic([1, {"a": (x,)}])
    assert not K.is_symbolic([1, {"a": (K.variable(1.0),)}])
    assert isinstance(K.stack([x, K.variable([1.0, 1.0])]), SymbolicTensor)


def test_every_word_is_known_by_its_name():
    for name, function in WORDS.items():
        assert function.__name__ == name
        assert getattr(K, name, function) is function or name.startswith("_"), name


def test_names_count_up_from_one_and_start_again():
    K.clear_session()
    assert [K.placeholder(ndim=1).name, K.placeholder(ndim=1).name] == ["placeholder_1", "placeholder_2"]
    K.clear_session()
    assert K.placeholder(ndim=1).name == "placeholder_1"
    assert K.get_uid("layer") == 1
    assert K.get_uid("layer") == 2
