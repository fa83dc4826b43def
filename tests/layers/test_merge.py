"""The layers of several inputs: formulas, broadcasting, masks, errors."""

import keras
import numpy as np
import pytest

from harness import check_against_keras, check_layer
from hornbeam import backend as K
from hornbeam import layers
from hornbeam.layers import Add, Average, Concatenate, Dot, Input, Masking, Maximum, Minimum, Multiply, Subtract

ELEMENTWISE = [Add, Subtract, Multiply, Average, Maximum, Minimum]


def some(*shape, seed=3):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


# --- Any layer's promises ---


@pytest.mark.parametrize("layer", ELEMENTWISE)
def test_promises_elementwise(layer):
    check_layer(layer, input_shape=[(3, 4), (3, 4)])


@pytest.mark.parametrize(
    ("layer", "kwargs", "shapes"),
    [
        (Add, {}, [(4,), (4,), (4,)]),
        (Add, {}, [(None, 4), (4,)]),
        (Multiply, {}, [(2, 1), (1, 3)]),
        (Maximum, {}, [(2, 3, 4), (4,), ()]),
        (Concatenate, {}, [(3,), (4,)]),
        (Concatenate, {"axis": 1}, [(2, 3), (5, 3), (1, 3)]),
        (Concatenate, {"axis": -2}, [(None, 3), (2, 3)]),
        (Concatenate, {"axis": 0}, [(3,), (3,)]),
        (Dot, {"axes": 1}, [(4,), (4,)]),
        (Dot, {"axes": -1}, [(2, 4), (3, 4)]),
        (Dot, {"axes": (1, 2), "normalize": True}, [(4, 2), (3, 4)]),
        (Dot, {"axes": (2, 1)}, [(2, 4), (4,)]),
    ],
)
def test_promises(layer, kwargs, shapes):
    # Concatenation of the batch changes the number of rows, so it cannot be trained against its own result.
    check_layer(layer, kwargs, input_shape=shapes, one_step=kwargs.get("axis") != 0)


def test_integers_stay_integers():
    for layer in (Add, Concatenate):
        result, _ = check_layer(layer, input_shape=[(3,), (3,)], dtype="int32", gradients=False)
        assert result.dtype == "int32"
    result, _ = check_layer(Average, input_shape=[(3,), (3,)], dtype="int32", gradients=False)
    assert result.dtype == "float32"


# --- The same as Keras 3 ---


@pytest.mark.parametrize("layer", ELEMENTWISE)
@pytest.mark.parametrize("shapes", [[(2, 3), (2, 3)], [(2, 3, 4), (2, 1, 4)]])
def test_elementwise_is_keras(layer, shapes):
    inputs = [some(*shape, seed=i) for i, shape in enumerate(shapes)]
    check_against_keras(layer(), getattr(keras.layers, layer.__name__)(), inputs)


def test_add_of_three_and_of_unequal_ranks_is_keras():
    inputs = [some(2, 5, 3), some(2, 3, seed=1), some(2, 1, 1, seed=2)]
    check_against_keras(Add(), keras.layers.Add(), inputs)


@pytest.mark.parametrize("axis", [-1, 1, 2])
def test_concatenate_is_keras(axis):
    inputs = [some(2, 3, 3), some(2, 3, 3, seed=1)]
    check_against_keras(Concatenate(axis), keras.layers.Concatenate(axis), inputs)


@pytest.mark.parametrize(
    ("axes", "shapes"),
    [
        (1, [(2, 3), (2, 3)]),
        (-1, [(2, 4, 3), (2, 5, 3)]),
        ((2, 1), [(2, 4, 3), (2, 3, 5)]),
        (1, [(2, 3, 4), (2, 3, 5)]),
    ],
)
@pytest.mark.parametrize("normalize", [False, True])
def test_dot_is_keras(axes, shapes, normalize):
    inputs = [some(*shape, seed=i) for i, shape in enumerate(shapes)]
    check_against_keras(Dot(axes, normalize), keras.layers.Dot(axes, normalize), inputs)


def test_normalized_dot_is_the_cosine():
    x, y = np.array([[3, 4]], "float32"), np.array([[4, 3]], "float32")
    assert float(Dot(1, normalize=True)([x, y])[0, 0]) == pytest.approx(24 / 25)  # (12 + 12) / (5 * 5)


# --- Functions ---


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "average", "maximum", "minimum", "concatenate"])
def test_functions_are_the_layers(name):
    x, y = some(2, 3), some(2, 3, seed=1)
    layer = getattr(layers, name.capitalize())()
    np.testing.assert_array_equal(getattr(layers, name)([x, y]), layer([x, y]))
    assert getattr(layers, name)([Input((3,)), Input((3,))], name=f"by_{name}").name == f"by_{name}"


def test_functions_with_arguments():
    x = some(2, 3)
    assert layers.concatenate([x, x], axis=0).shape == (4, 3)
    assert layers.dot([x, x], axes=1, normalize=True).ravel().tolist() == pytest.approx([1.0, 1.0])


# --- Masks ---


def masks_of(symbol, inputs, arrays):
    return K.function(inputs, [symbol._keras_mask])(arrays)[0].tolist()


ONE = np.array([[[1.0], [1.0], [0.0]]])
OTHER = np.array([[[1.0], [0.0], [1.0]]])


def masked_pair(features=1):
    inputs = [Input((3, 1)), Input((3, 1))]
    return inputs, [Masking()(t) for t in inputs]


@pytest.mark.parametrize("layer", [Add(), Multiply(), Concatenate()])
def test_a_step_counts_where_all_masks_agree(layer):
    inputs, masked = masked_pair()
    assert masks_of(layer(masked), inputs, [ONE, OTHER]) == [[True, False, False]]


@pytest.mark.parametrize("layer", [Add(), Concatenate()])
def test_an_input_without_mask_does_not_matter(layer):
    inputs, masked = masked_pair()
    assert masks_of(layer([masked[0], inputs[1]]), inputs, [ONE, OTHER]) == [[True, True, False]]


def test_masks_side_by_side_in_time():
    inputs, masked = masked_pair()
    steps = Concatenate(axis=1)(masked)
    assert masks_of(steps, inputs, [ONE, OTHER]) == [[True, True, False, True, False, True]]
    half = Concatenate(axis=1)([inputs[0], masked[1]])
    assert masks_of(half, inputs, [ONE, OTHER]) == [[True, True, True, True, False, True]]


def test_masks_side_by_side_with_wide_features():
    x, y = Input((3, 2)), Input((3, 2))
    steps = Concatenate(axis=1)([Masking()(x), y])
    found = K.function([x, y], [steps._keras_mask])([np.repeat(ONE, 2, -1), np.repeat(OTHER, 2, -1)])[0]
    assert found.tolist() == [[True, True, False, True, True, True]]


def test_dot_has_no_mask():
    _, masked = masked_pair()
    assert Dot(axes=1)(masked)._keras_mask is None


def test_no_masks_no_mask():
    assert Add()([Input((3, 1)), Input((3, 1))])._keras_mask is None


# --- Rows ---


def test_concatenation_of_the_batch_is_not_rowwise():
    assert Concatenate(1).rowwise
    assert not Concatenate(0).rowwise
    layer = Concatenate(-2)
    layer([Input((3,)), Input((3,))])
    assert not layer.rowwise


# --- Errors ---


@pytest.mark.parametrize(
    ("layer", "shapes", "message"),
    [
        (Add(name="a"), [(3,), (4,)], r"Add 'a' cannot merge shapes \[\(None, 3\), \(None, 4\)\].*equal or 1"),
        (Add(name="a"), [(3,)], "Add 'a' needs a list of 2 or more inputs, got 1"),
        (Subtract(name="s"), [(3,)] * 3, "Subtract 's' needs a list of exactly 2 inputs, got 3"),
        (Concatenate(name="c"), [(2, 3), (4, 3)], r"Concatenate 'c' cannot join shapes .* along axis -1"),
        (Concatenate(name="c"), [(2, 3), (3,)], r"Concatenate 'c' cannot join shapes"),
        (Concatenate(3, name="c"), [(2,), (2,)], r"Concatenate 'c' cannot join shapes .* along axis 3"),
        (Dot(1, name="d"), [(3,), (4,)], r"Dot 'd' cannot sum over axes 1 .*: their sizes differ there"),
        (Dot(2, name="d"), [(3,), (3,)], r"Dot 'd' cannot sum over axes 2 .*: each must be an axis after the batch"),
        (Dot(0, name="d"), [(3,), (3,)], r"Dot 'd' cannot sum over axes 0 .*: each must be an axis after the batch"),
        (Dot(1, name="d"), [(3,)], "Dot 'd' needs a list of exactly 2 inputs, got 1"),
    ],
)
def test_inputs_that_do_not_fit(layer, shapes, message):
    with pytest.raises(ValueError, match=message):
        layer([Input(shape) for shape in shapes])
    with pytest.raises(ValueError, match=message.replace("None, 3", "2, 3").replace("None, 4", "2, 4")):
        layer([np.ones((2, *shape), "float32") for shape in shapes])


def test_one_tensor_is_no_list():
    with pytest.raises(ValueError, match=r"Add 'a' needs a list of 2 or more inputs, got one of shape \(None, 3\)"):
        Add(name="a")(Input((3,)))


def test_batches_that_differ():
    with pytest.raises(ValueError, match="Add 'a' cannot merge shapes"):
        Add(name="a")([Input(batch_shape=(2, 3)), Input(batch_shape=(4, 3))])


def test_a_built_layer_still_checks_symbols():
    layer = Add(name="again")
    layer([Input((3,)), Input((3,))])
    with pytest.raises(ValueError, match="Add 'again' cannot merge"):
        layer([Input((3,)), Input((4,))])


def test_dot_wants_axes():
    with pytest.raises(TypeError, match="Dot: axes must be an integer or a pair of them; got 'last'"):
        Dot("last")
