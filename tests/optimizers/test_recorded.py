"""Optimizers as users of Keras 2 wrote them: a class that overrides get_updates and nothing else."""

import numpy as np
import pytest

from harness import quick_compilation
from hornbeam import backend as K
from hornbeam import constraints, optimizers
from hornbeam.layers import Dense
from hornbeam.models import Sequential
from hornbeam.optimizers import SGD, Adam, Optimizer

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(40, 3)).astype("float32")
Y = X @ DRAW.normal(size=(3, 1)).astype("float32") + 0.5


@pytest.fixture(autouse=True)
def _programs_that_run_once():
    with quick_compilation():
        yield


class ClassicSGD(Optimizer):
    """Momentum, decay and Nesterov, by the words of old."""

    def __init__(self, lr=0.01, momentum=0.0, decay=0.0, nesterov=False, **kwargs):
        super().__init__(**kwargs)
        with K.name_scope(self.__class__.__name__):
            self.iterations = K.variable(0, dtype="int64", name="iterations")
            self.lr = K.variable(lr, name="lr")
            self.momentum = K.variable(momentum, name="momentum")
            self.decay = K.variable(decay, name="decay")
        self.initial_decay = decay
        self.nesterov = nesterov
        self.times_called = 0

    def get_updates(self, loss, params):
        self.times_called += 1
        grads = self.get_gradients(loss, params)
        self.updates = [K.update_add(self.iterations, 1)]
        lr = self.lr
        if self.initial_decay > 0:
            lr = lr * (1.0 / (1.0 + self.decay * K.cast(self.iterations, K.dtype(self.decay))))
        moments = [K.zeros(K.int_shape(p)) for p in params]
        self.weights = [self.iterations, *moments]
        for p, g, m in zip(params, grads, moments):
            v = self.momentum * m - lr * g
            self.updates.append(K.update(m, v))
            new_p = p + self.momentum * v - lr * g if self.nesterov else p + v
            if getattr(p, "constraint", None) is not None:
                new_p = p.constraint(new_p)
            self.updates.append(K.update(p, new_p))
        return self.updates

    def get_config(self):
        config = {
            "lr": float(K.get_value(self.lr)), "momentum": float(K.get_value(self.momentum)),
            "decay": float(K.get_value(self.decay)), "nesterov": self.nesterov,
        }  # fmt: skip
        return {**super().get_config(), **config}


class ClassicAdam(Optimizer):
    def __init__(self, lr=0.001, beta_1=0.9, beta_2=0.999, epsilon=None, amsgrad=False, **kwargs):
        super().__init__(**kwargs)
        self.iterations = K.variable(0, dtype="int64", name="iterations")
        self.lr = K.variable(lr, name="lr")
        self.beta_1 = K.variable(beta_1, name="beta_1")
        self.beta_2 = K.variable(beta_2, name="beta_2")
        self.epsilon = K.epsilon() if epsilon is None else epsilon
        self.amsgrad = amsgrad

    def get_updates(self, loss, params):
        grads = self.get_gradients(loss, params)
        self.updates = [K.update_add(self.iterations, 1)]
        t = K.cast(self.iterations, K.floatx()) + 1
        lr_t = self.lr * (K.sqrt(1.0 - K.pow(self.beta_2, t)) / (1.0 - K.pow(self.beta_1, t)))
        ms, vs = ([K.zeros(K.int_shape(p), dtype=K.dtype(p)) for p in params] for _ in range(2))
        vhats = [K.zeros(K.int_shape(p) if self.amsgrad else 1) for p in params]
        self.weights = [self.iterations, *ms, *vs, *vhats]
        for p, g, m, v, vhat in zip(params, grads, ms, vs, vhats):
            m_t = (self.beta_1 * m) + (1.0 - self.beta_1) * g
            v_t = (self.beta_2 * v) + (1.0 - self.beta_2) * K.square(g)
            largest = v_t
            if self.amsgrad:
                largest = K.maximum(vhat, v_t)
                self.updates.append(K.update(vhat, largest))
            self.updates.append(K.update(m, m_t))
            self.updates.append(K.update(v, v_t))
            self.updates.append(K.update(p, p - lr_t * m_t / (K.sqrt(largest) + self.epsilon)))
        return self.updates


def fitted(optimizer, epochs=2, constraint=None):
    """A model trained with `optimizer`, from weights that are always the same; the last batch is a short one."""
    model = Sequential([Dense(4, activation="tanh", kernel_constraint=constraint, input_shape=(3,)), Dense(1)])
    draw = np.random.default_rng(1)
    model.set_weights([draw.normal(size=w.shape) for w in model.get_weights()])
    model.compile(optimizer, "mse")
    model.fit(X, Y, batch_size=16, epochs=epochs, shuffle=False, verbose=0)
    return model


def assert_same(one, other):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("classic", "ours"),
    [
        (lambda: ClassicSGD(0.1, 0.9, 0.01, True, clipnorm=0.5), lambda: SGD(0.1, 0.9, 0.01, True, clipnorm=0.5)),
        (lambda: ClassicAdam(0.01, amsgrad=True), lambda: Adam(0.01, amsgrad=True)),
    ],
)
def test_classic_classes_train_as_ours_do(classic, ours):
    optimizer = classic()
    assert_same(fitted(optimizer), fitted(ours()))
    assert int(optimizer.iterations) == 6
    assert getattr(optimizer, "times_called", 1) == 1


def test_rates_set_between_epochs_count_and_the_state_is_listed():
    one, other = fitted(ClassicSGD(0.1, 0.9)), fitted(SGD(0.1, 0.9))
    for model in (one, other):
        K.set_value(model.optimizer.lr, 0.01)
        model.optimizer.momentum = K.variable(0.5) if model is other else model.optimizer.momentum
        K.set_value(one.optimizer.momentum, 0.5)
        model.fit(X, Y, batch_size=16, epochs=1, shuffle=False, verbose=0)
    assert_same(one, other)
    kept = one.optimizer.get_weights()  # as the list has it: the count, then the moments
    assert [w.shape for w in kept] == [(), (3, 4), (4,), (4, 1), (1,)]
    assert kept[0] == 9
    for a, b in zip(kept[1:], other.optimizer.get_weights()[1:], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_an_optimizer_made_again_goes_on_where_it_stopped():
    model = fitted(ClassicSGD(0.1, 0.9))
    optimizer = ClassicSGD.from_config(model.optimizer.get_config())
    optimizer.set_weights(model.optimizer.get_weights())  # waits until it meets the weights
    twin = Sequential.from_config(model.get_config())
    twin.set_weights(model.get_weights())
    twin.compile(optimizer, "mse")
    for one in (model, twin):
        one.fit(X, Y, batch_size=16, epochs=1, shuffle=False, verbose=0)
    assert_same(model, twin)


def test_constraints_apply_once():
    """MinMaxNorm at rate 0.5 goes half the way; applied twice, it would go three quarters."""
    constraint = constraints.MinMaxNorm(0.5, 1.0, rate=0.5)
    assert_same(fitted(ClassicSGD(0.1), 1, constraint), fitted(SGD(0.1), 1, constraint))


def test_a_subclass_may_go_on_from_the_updates_of_ours():
    class Shrinking(Adam):
        def get_updates(self, loss, params):
            updates = dict(super().get_updates(loss, params))
            return [K.update(v, new * 0.5 if v in params else new) for v, new in updates.items()]

    one, other = K.variable([1.0, 2.0]), K.variable([1.0, 2.0])
    shrinking, ours = Shrinking(0.5), Adam(0.5)
    for gradient in ([1.0, -2.0], [3.0, 0.5]):
        shrinking.apply_gradients([(K.constant(gradient), one)])
        ours.apply_gradients([(K.constant(gradient), other)])
        other.assign(other.value * 0.5)
    np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-6)
    assert len(shrinking.get_weights()) == len(ours.get_weights()) - 1  # Adam stores a third list, for AMSGrad
    assert int(shrinking.iterations) == 2


def test_keras_1_order_and_a_loop_of_ones_own():
    class First(Optimizer):
        def get_updates(self, params, constraints, loss):
            return [(p, p - 0.5 * g) for p, g in zip(params, K.gradients(loss, params))]

    w = K.variable([1.0, 2.0])
    First().apply_gradients([(K.constant([1.0, 1.0]), w)])
    assert w.numpy().tolist() == [0.5, 1.5]
    assert optimizers.deserialize({"class_name": "First", "config": {}}, {"First": First}).get_config() == {"lr": None}


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (lambda loss, p: [], "updates none of the weights"),
        (lambda loss, p: [(p, p - K.sum(p))][:0], "updates none"),
        (lambda loss, p: [(p, p * loss)], "uses the value of the loss"),
        (lambda loss, p: [(p, p - K.gradients(K.sum(K.gradients(loss, p)[0]), p)[0])], "second derivatives"),
        (lambda loss, p: [(p, K.sum(p))], r"of shape \(2,\) a value of shape \(\)"),
    ],
)
def test_what_cannot_be_part_of_a_step_is_named(new, words):
    class Wrong(Optimizer):
        def get_updates(self, loss, params):
            return new(loss, params[0])

    with pytest.raises(ValueError, match=words):
        Wrong().apply_gradients([(K.constant([1.0, 1.0]), K.variable([1.0, 2.0]))])
