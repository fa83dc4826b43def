"""Functions of the graph, gradients, the learning phase."""

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam.layers import Dense, Dropout, Input, Lambda
from hornbeam.models import Model, Sequential

X = np.array([[1.0, -2.0, 3.0], [0.5, 0.25, -1.0]], "float32")


@pytest.fixture(autouse=True)
def _no_fixed_phase():
    yield
    K.clear_session()


# --- Placeholders and functions ---


def test_placeholders():
    x = K.placeholder(shape=(None, 3), name="x")
    assert (K.int_shape(x), K.dtype(x), x.name, K.ndim(x)) == ((None, 3), "float32", "x", 2)
    assert K.int_shape(K.placeholder(ndim=2)) == (None, None)
    assert K.is_placeholder(x)
    assert not K.is_placeholder(x + 1)
    assert not K.is_keras_tensor(x)
    assert K.is_keras_tensor(Input((3,)))
    assert K.is_sparse(K.placeholder(ndim=2, sparse=True))
    with pytest.raises(ValueError, match="needs shape="):
        K.placeholder()
    with pytest.raises(ValueError, match="asks about tensors; got str"):
        K.is_keras_tensor("x")


def test_a_function_takes_lists_and_gives_numpy():
    x, y = K.placeholder(shape=(None, 3)), K.placeholder(shape=(3,))
    function = K.function([x, y], [x * y, K.sum(x), y])
    product, total, same = function([X.tolist(), [1, 2, 3]])
    assert type(product) is np.ndarray
    np.testing.assert_allclose(product, X * [1, 2, 3])
    assert total == pytest.approx(1.75)
    assert same.tolist() == [1, 2, 3]


def test_a_functions_outputs_may_be_variables_which_are_read_at_each_call():
    v = K.variable(1.0)
    function = K.function([], [v, v * 2 if False else K.identity(v)])
    assert [float(a) for a in function([])][0] == 1.0
    K.set_value(v, 4.0)
    assert float(function([])[0]) == 4.0


def test_updates_happen_after_outputs_are_computed():
    x, v = K.placeholder(ndim=0), K.variable(10.0)
    function = K.function([x], [v * x], updates=[K.update_add(v, x), (K.variable(0.0), x)])
    assert function([2.0])[0] == 20.0
    assert function([2.0])[0] == 24.0
    assert float(v) == 14.0


def test_inner_tensors_can_be_fed():
    inner = K.square(K.placeholder(ndim=1))
    assert K.function([inner], [inner + 1])([[3.0]])[0].tolist() == [4.0]


@pytest.mark.parametrize(
    ("use", "kind", "told"),
    [
        (lambda f, x: K.function(x, [x]), TypeError, r"takes lists: K.function\(\[inputs\], \[outputs\]\)"),
        (lambda f, x: f(X), TypeError, "called with a list of values"),
        (lambda f, x: f([X, X]), ValueError, "takes 1 values, got 2"),
        (lambda f, x: f([X[:, :2]]), ValueError, r"needs a value of shape \(None, 3\), got \(2, 2\)"),
        (lambda f, x: K.function([], [x]), ValueError, "which is not among the inputs. Add it"),
        (lambda f, x: K.gradients(K.variable(1.0), [x]), TypeError, "differentiates symbolic tensors"),
    ],
)
def test_functions_say_what_is_wrong(use, kind, told):
    x = K.placeholder(shape=(None, 3))
    with pytest.raises(kind, match=told):
        use(K.function([x], [x]), x)


def test_eval():
    assert K.eval(K.variable([1.0, 2.0])).tolist() == [1, 2]
    assert K.eval(K.constant(2.0) * 3) == 6
    x = K.placeholder(shape=(2, 3))
    assert K.eval(K.ones_like(K.zeros((2,)))).tolist() == [1, 1]
    with pytest.raises(ValueError, match="not among the inputs"):
        K.eval(x)


def test_random_words_draw_anew_at_each_call_and_repeat_with_the_seed():
    x = K.placeholder(ndim=1)
    function = K.function([x], [K.random_uniform(K.shape(x)), K.random_uniform(K.shape(x))])
    np.random.seed(3)
    first, second = function([np.zeros(5)]), function([np.zeros(5)])
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[0], second[0])
    np.random.seed(3)
    assert np.array_equal(function([np.zeros(5)])[0], first[0])


# --- Gradients ---


def test_gradients_of_inputs_inner_tensors_and_variables():
    # loss = sum((x * w) ** 2): by x 2 x w ** 2, by x * w 2 x w, by w sum 2 x ** 2 w
    x, w = K.placeholder(shape=(None, 3)), K.variable(2.0)
    h = x * w
    loss = K.sum(K.square(h))
    by_x, by_h, by_w = K.function([x], K.gradients(loss, [x, h, w]))([X])
    np.testing.assert_allclose(by_x, 8 * X, rtol=1e-6)
    np.testing.assert_allclose(by_h, 4 * X, rtol=1e-6)
    np.testing.assert_allclose(by_w, (2 * X**2 * 2).sum(), rtol=1e-6)


def test_a_single_thing_gives_a_list_of_one_with_its_shape():
    x = K.placeholder(shape=(None, 3))
    found = K.gradients(K.mean(x), x)
    assert isinstance(found, list)
    assert tuple(found[0].shape) == (None, 3)


def test_a_loss_with_axes_is_summed():
    x = K.placeholder(shape=(None, 3))
    np.testing.assert_allclose(K.function([x], K.gradients(x**2, [x]))([X])[0], 2 * X)


def test_gradients_of_gradients():
    # f = sum x^4; f' = 4 x^3; g = sum f'^2 = sum 16 x^6; g' = 96 x^5
    x = K.placeholder(shape=(None, 3))
    (first,) = K.gradients(K.sum(x**4), [x])
    (second,) = K.gradients(K.sum(K.square(first)), [x])
    np.testing.assert_allclose(K.function([x], [second])([X])[0], 96 * X**5, rtol=1e-5)


def test_the_penalty_of_a_wasserstein_critic_reaches_its_weights():
    # d(x) = w . x, gradient by x is w in every row; penalty = sum over rows of |w|^2; by w: 2 rows w
    x, w = K.placeholder(shape=(None, 3)), K.variable([[1.0], [2.0], [3.0]])
    (by_x,) = K.gradients(K.dot(x, w), [x])
    penalty = K.sum(K.square(by_x))
    value, by_w = K.function([x], [penalty, *K.gradients(penalty, [w])])([X])
    assert value == pytest.approx(2 * 14)
    np.testing.assert_allclose(by_w, 2 * 2 * np.array([[1.0], [2.0], [3.0]]))


def test_gradients_through_a_model_by_layer_outputs_and_weights():
    model = Sequential([Dense(4, activation="tanh", input_shape=(3,)), Dense(1, use_bias=False)])
    inner, kernel = model.layers[0].output, model.layers[1].weights[0]
    loss = K.sum(model.output)
    by_inner, by_kernel, hidden = K.function(
        [model.input], [*K.gradients(loss, [inner, kernel]), inner]
    )([X])  # fmt: skip
    np.testing.assert_allclose(by_inner, np.repeat(K.get_value(kernel).T, 2, 0), rtol=1e-6)
    np.testing.assert_allclose(by_kernel[:, 0], hidden.sum(0), rtol=1e-5)


def test_what_the_loss_does_not_depend_on_has_gradient_zero():
    x, v = K.placeholder(shape=(None, 3)), K.variable([1.0, 1.0])
    (by_v,) = K.function([x], K.gradients(K.sum(x), [v]))([X])
    assert by_v.tolist() == [0, 0]


def test_stop_gradient():
    x = K.placeholder(shape=(None, 3))
    (found,) = K.function([x], K.gradients(K.sum(x * K.stop_gradient(x)), [x]))([X])
    np.testing.assert_allclose(found, X)


# --- The learning phase ---


def test_the_phase_can_be_fed():
    x = K.placeholder(shape=(None, 3))
    y = K.in_train_phase(x * 2, x)
    assert y._uses_learning_phase
    function = K.function([x, K.learning_phase()], [y, K.in_test_phase(x * 2, x)])
    for phase, factor in ((0, 1), (1, 2), (False, 1), (True, 2)):
        found, opposite = function([X, phase])
        np.testing.assert_allclose(found, X * factor)
        np.testing.assert_allclose(opposite, X * (3 - factor))


def test_a_phase_that_is_not_fed_is_inference():
    x = K.placeholder(shape=(None, 3))
    np.testing.assert_allclose(K.function([x], [K.in_train_phase(x * 2, x)])([X])[0], X)


def test_functions_as_branches():
    x = K.placeholder(shape=(None, 3))
    np.testing.assert_allclose(K.function([x], [K.in_train_phase(lambda: x * 2, lambda: x)])([X])[0], X)
    assert K.in_train_phase(lambda: 1, lambda: 2, training=True) == 1
    assert K.in_train_phase(1, 2, training=False) == 2


def test_a_fixed_phase_is_a_number():
    K.set_learning_phase(1)
    assert K.learning_phase() == 1
    x = K.placeholder(shape=(None, 3))
    np.testing.assert_allclose(K.function([x, K.learning_phase()], [K.in_train_phase(x * 2, x)])([X, 1])[0], X * 2)
    K.clear_session()
    assert K.is_tensor(K.learning_phase())
    with pytest.raises(ValueError, match="The learning phase is 0 or 1; got 2"):
        K.set_learning_phase(2)


def test_the_phase_as_a_tensor_within_a_model():
    x = Input((3,))
    model = Model(x, Lambda(lambda v: v * (1 + K.cast(K.learning_phase(), "float32")))(x))
    np.testing.assert_allclose(model.predict(X), X)
    np.testing.assert_allclose(K.function([x, K.learning_phase()], [model.output])([X, 1])[0], 2 * X)
    direct = Model(x, K.switch(K.learning_phase(), x * 5, x))
    np.testing.assert_allclose(direct.predict(X), X)
    direct.compile("sgd", "mse")
    assert direct.train_on_batch(X, X) == pytest.approx(np.mean((4 * X) ** 2), rel=1e-5)
    assert direct.test_on_batch(X, X) == 0


def test_dropout_of_a_model_by_fed_phase():
    model = Sequential([Dropout(0.5, input_shape=(200,))])
    ones = np.ones((1, 200), "float32")
    function = K.function([model.input, K.learning_phase()], [model.output])
    assert function([ones, 0])[0].tolist() == ones.tolist()
    assert set(function([ones, 1])[0].ravel().tolist()) == {0.0, 2.0}


def test_setting_the_phase_reaches_programs_that_exist():
    model = Sequential([Dropout(0.5, input_shape=(200,))])
    ones = np.ones((1, 200), "float32")
    assert set(model.predict(ones).ravel()) == {1.0}
    K.set_learning_phase(1)
    assert set(model.predict(ones).ravel()) == {0.0, 2.0}
    K.set_learning_phase(0)
    assert set(model.predict(ones).ravel()) == {1.0}


# --- Reading a model ---


def test_a_function_from_input_to_an_inner_layer():
    model = Sequential([Dense(4, input_shape=(3,), name="first"), Dense(2)])
    (hidden,) = K.function([model.input], [model.get_layer("first").output])([X])
    kernel, bias = model.layers[0].get_weights()
    np.testing.assert_allclose(hidden, X @ kernel + bias, rtol=1e-6)
    model.layers[0].set_weights([kernel * 2, bias])
    (hidden,) = K.function([model.layers[0].input], [model.layers[0].output])([X])
    np.testing.assert_allclose(hidden, X @ kernel * 2 + bias, rtol=1e-6)


def test_an_image_that_a_unit_likes_is_found_by_gradient_ascent():
    model = Sequential([Dense(4, input_shape=(3,)), Dense(2)])
    loss = K.mean(model.output[:, 1])
    step = K.function([model.input], [loss, K.gradients(loss, model.input)[0]])
    x = np.zeros((1, 3), "float32")
    before, _ = step([x])
    for _ in range(3):
        _, gradient = step([x])
        x = x + gradient
    assert step([x])[0] > before
