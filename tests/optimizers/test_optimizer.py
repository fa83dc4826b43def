"""What all optimizers share: scalars set while training, compiled steps, states, clipping, configurations, errors."""

import copy
import pickle

import keras
import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam import constraints, optimizers, registry, scope
from hornbeam.optimizers import SGD, Adadelta, Adafactor, Adagrad, Adam, Adamax, AdamW, Ftrl, Lion, Nadam, RMSprop
from hornbeam.optimizers.schedules import ExponentialDecay

MADE = [
    lambda: SGD(0.05), lambda: SGD(0.05, 0.9, 0.1, True), lambda: RMSprop(momentum=0.5, centered=True), RMSprop,
    lambda: Adagrad(decay=0.1), Adadelta, lambda: Adam(amsgrad=True, clipnorm=1.0), lambda: Adam(clipvalue=0.1),
    Adamax, Nadam, AdamW, Lion, lambda: Ftrl(0.1, l1_regularization_strength=0.01), Adafactor,
    lambda: SGD(ExponentialDecay(0.1, 10, 0.5), weight_decay=0.1),
]  # fmt: skip
every = pytest.mark.parametrize("make", MADE)


@every
def test_compiled_with_traced_step_and_scalars(make, run, start, gradients, assert_close):
    """A step as a trainer compiles it: state, step and the scalars' values are arguments."""
    optimizer = make()
    read = optimizer.variables_read

    def one(values, weights, state, step, g):
        with scope.Scope(dict(zip(read, values, strict=True)), training=True):
            return optimizer.update(g, state, weights, step)

    compiled = K.engine.compile_function(one)
    weights = [K.constant(w) for w in start]
    state = optimizer.init(weights)
    for step in range(8):
        g = [K.constant(a) for a in gradients[step]]
        weights, state = compiled([v.value for v in read], weights, state, np.int32(step), g)
    assert_close([K.get_value(w) for w in weights], run(make(), steps=8))
    assert all(K.dtype(w) == "float32" for w in weights)


def test_a_scalar_set_between_compiled_steps_counts():
    optimizer = SGD(lr=1.0, momentum=0.5)
    read = optimizer.variables_read
    assert [v.name for v in read] == ["lr", "momentum", "decay"]

    def one(values, weights, state):
        with scope.Scope(dict(zip(read, values, strict=True))):
            return optimizer.update([K.constant([1.0])], state, weights, 0)

    compiled = K.engine.compile_function(one)
    weights = [K.constant([0.0])]
    state = optimizer.init(weights)
    weights, state = compiled([v.value for v in read], weights, state)
    assert K.get_value(weights[0]).tolist() == [-1.0]
    K.set_value(optimizer.lr, 0.25)
    optimizer.momentum = 0.0
    weights, state = compiled([v.value for v in read], weights, state)
    assert K.get_value(weights[0]).tolist() == [-1.25]


@every
def test_config_round_trip(make, run, assert_close):
    first = make()
    settings = first.get_config()
    second = optimizers.deserialize(optimizers.serialize(first))
    assert type(second) is type(first)
    assert second.get_config() == settings
    assert_close(run(second, steps=3), run(first, steps=3), tolerance=0)


@every
def test_state_round_trip_and_copies(make, assert_close):
    first = make()
    weights = [K.variable([[1.0, -2.0], [0.5, 4.0]]), K.variable([3.0])]
    g = [K.constant([[1.0, 0.5], [-1.0, 0.1]]), K.constant([0.3])]
    for _ in range(2):
        first.apply(g, weights)
    by_list = make()
    twins = [K.variable(w.numpy()) for w in weights]
    by_list.build(twins)
    by_list.set_weights(first.get_weights())
    by_list.iterations.assign(first.iterations.value)  # RMSprop and its like do not store it
    for again in (by_list, copy.deepcopy(first), pickle.loads(pickle.dumps(first))):  # noqa: S301
        assert int(again.iterations) == 2
        copies = twins if again is by_list else [K.variable(w.numpy()) for w in weights]
        mine = [K.variable(w.numpy()) for w in weights]
        again.apply(g, copies)
        reference = make()
        reference.set_weights(first.get_weights())
        reference.iterations.assign(2)
        reference.apply(g, mine)
        assert_close([w.numpy() for w in copies], [w.numpy() for w in mine], tolerance=0)


@pytest.mark.parametrize("kind", [RMSprop, Adagrad, Adadelta])
def test_the_count_is_not_among_the_weights_of_some(kind):
    """Keras 2.2.4 stores accumulators alone for these three; a list with a count, as later ones have it, is read."""
    optimizer, weight = kind(), K.variable([1.0, 2.0])
    optimizer.apply_gradients([(K.constant([1.0, 1.0]), weight)])
    stored = optimizer.get_weights()
    assert all(a.shape == (2,) for a in stored)
    optimizer.set_weights([np.array(9), *stored])
    assert int(optimizer.iterations) == 9


# --- Scalars ---


def test_the_learning_rate_has_two_names():
    optimizer = SGD(learning_rate=0.5)
    assert optimizer.lr is optimizer.learning_rate
    optimizer.lr = 0.25
    assert float(K.get_value(optimizer.learning_rate)) == 0.25
    optimizer.learning_rate = 0.125
    assert float(optimizer.lr) == 0.125
    assert optimizer.lr.dtype == "float32"
    assert not optimizer.lr.trainable
    assert Lion(lr=0.5).get_config()["learning_rate"] == 0.5
    assert SGD.from_config({"learning_rate": 0.5}).get_config()["lr"] == 0.5


def test_configs_hold_short_numbers():
    assert repr(SGD(lr=0.1, momentum=0.9, clipnorm=1.0)) == (
        "SGD(lr=0.1, momentum=0.9, decay=0.0, nesterov=False, clipnorm=1.0)"
    )


def test_a_schedule_in_place_of_a_number():
    optimizer = Adam(lr=ExponentialDecay(1.0, 1, 0.5))
    assert float(K.get_value(optimizer.lr)) == 1.0
    optimizer.iterations.assign(2)
    assert float(K.get_value(optimizer.lr)) == 0.25
    assert "lr" not in [v.name for v in optimizer.variables_read]
    assert optimizer.get_config()["lr"]["class_name"] == "ExponentialDecay"
    with pytest.raises(TypeError, match="Make a new optimizer"):
        optimizer.lr = 0.1
    with pytest.raises(TypeError, match="Make a new optimizer"):
        Adam().learning_rate = ExponentialDecay(1.0, 1, 0.5)


def test_any_function_of_the_step_is_a_schedule():
    weights, _ = SGD(lambda step: 1.0 / (step + 1)).update([K.constant([1.0])], {}, [K.constant([0.0])], 3)
    assert K.get_value(weights[0]).tolist() == [-0.25]


# --- Clipping ---


def test_clipnorm_is_the_norm_of_all_gradients_together():
    # Norm of (3, 4) and (12) together: 13; clipped to 6.5 each is halved. Keras 3 would clip 12 to 6.5, keep (3, 4).
    clipped = SGD(clipnorm=6.5).clip([K.constant([3.0, 4.0]), K.constant([12.0])])
    assert [K.get_value(g).tolist() for g in clipped] == [[1.5, 2.0], [6.0]]
    kept = SGD(clipnorm=20.0).clip([K.constant([3.0, 4.0]), K.constant([12.0])])
    assert [K.get_value(g).tolist() for g in kept] == [[3.0, 4.0], [12.0]]


def test_clipvalue_comes_after_clipnorm():
    clipped = SGD(clipnorm=6.5, clipvalue=1.75).clip([K.constant([3.0, -4.0]), K.constant([12.0])])
    assert [K.get_value(g).tolist() for g in clipped] == [[1.5, -1.75], [1.75]]


# --- apply_gradients ---


def test_apply_gradients_applies_constraints_and_leaves_the_rest_alone():
    held = K.Variable([1.0], constraint=constraints.NonNeg())
    still = K.variable([5.0])
    optimizer = SGD(lr=1.0, momentum=0.9)
    optimizer.apply_gradients([(K.constant([3.0]), held), (K.constant([1.0]), still)])
    assert (held.numpy().tolist(), still.numpy().tolist()) == ([0.0], [4.0])
    optimizer.apply_gradients([(K.constant([0.0]), held), (None, still)])
    assert still.numpy().tolist() == [4.0]
    assert K.get_value(optimizer.state["velocity"][1]).tolist() == [-1.0]
    assert int(optimizer.iterations) == 2


def test_two_models_share_one_optimizer():
    optimizer = Adam(lr=0.1)
    one, other = K.variable([0.0]), K.variable([[0.0]])
    optimizer.apply_gradients([(K.constant([1.0]), one)])
    optimizer.apply_gradients([(K.constant([[-1.0]]), other)])
    first = float(optimizer.build([one])["m"][0][0])
    second = float(optimizer.build([other])["m"][0][0, 0])
    assert first == pytest.approx(0.1)
    assert second == pytest.approx(-0.1)
    del other
    optimizer.build([one, K.variable([1.0])])
    assert len(optimizer._states) == 2  # what died is forgotten


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_half_precision_weights_are_updated_in_single_precision(name):
    weight, optimizer = K.Variable([1.0], dtype=name), RMSprop(lr=0.5)
    optimizer.apply_gradients([(K.cast(K.constant([1e-4]), name), weight)])  # 1e-8 squared is no float16
    assert K.dtype(optimizer.state["accumulator"][0]) == "float32"
    assert weight.dtype == name
    assert -0.6 < float(weight.value[0]) < -0.5  # 1 - 0.5 / sqrt(0.1) = -0.58


# --- get_updates ---


@pytest.mark.parametrize("make", [MADE[1], MADE[6], Nadam])
def test_get_updates_is_the_same_update(make, assert_close):
    rng = np.random.default_rng(0)
    data = [rng.normal(size=(5, 3)) for _ in range(4)]
    x, w = K.placeholder(shape=(None, 3)), K.variable(np.ones((3, 2)))
    loss = K.mean(K.square(K.dot(x, w)))
    optimizer = make()
    step = K.function([x], [loss], updates=optimizer.get_updates(loss, [w]))
    losses = [step([batch])[0] for batch in data]
    assert int(optimizer.iterations) == 4

    twin, by_hand = K.variable(np.ones((3, 2))), make()
    for batch, found in zip(data, losses):
        y = batch @ twin.numpy()
        assert found == pytest.approx(np.mean(y**2), rel=1e-5)
        by_hand.apply_gradients([(K.constant(batch.T @ y * 2 / y.size), twin)])
    assert_close([w.numpy()], [twin.numpy()])


def test_get_updates_reads_scalars_when_it_runs_and_applies_constraints():
    w = K.Variable([1.0], constraint=constraints.NonNeg())
    optimizer = SGD(lr=0.25)
    x = K.placeholder(shape=(1,))
    step = K.function([x], [], optimizer.get_updates(K.sum(w * x), [w]))
    step([[1.0]])
    assert w.numpy().tolist() == [0.75]
    optimizer.lr = 0.5
    step([[1.0]])
    assert w.numpy().tolist() == [0.25]
    step([[1.0]])
    assert w.numpy().tolist() == [0.0]


# --- Names, keywords, errors ---


@pytest.mark.parametrize("name", ["sgd", "SGD", "RMSprop", "rmsprop", "RMSPROP", "adagrad", "adadelta", "Adam", "adam",
                                  "adamax", "nadam", "adamw", "lion", "ftrl", "adafactor"])  # fmt: skip
def test_names(name):
    assert type(optimizers.get(name)).__name__.lower() == name.lower()


def test_classic_aliases_are_the_classes():
    assert (optimizers.sgd, optimizers.rmsprop, optimizers.adam) == (SGD, RMSprop, Adam)
    assert (optimizers.adagrad, optimizers.adadelta, optimizers.adamax, optimizers.nadam) == (
        Adagrad, Adadelta, Adamax, Nadam,
    )  # fmt: skip


def test_get_takes_objects_classes_and_configurations():
    made = SGD()
    assert optimizers.get(made) is made
    assert isinstance(optimizers.get(Adam), Adam)
    classic = optimizers.get({"class_name": "Adam", "config": {"lr": 0.5, "beta_1": 0.5, "clipnorm": 2.0}})
    assert (float(classic.lr), float(classic.beta_1), classic.clipnorm) == (0.5, 0.5, 2.0)


@pytest.mark.parametrize("theirs", [
    keras.optimizers.Adam(0.5), keras.optimizers.SGD(0.5, momentum=0.9), keras.optimizers.RMSprop(0.5),
    keras.optimizers.AdamW(0.5), keras.optimizers.Adagrad(0.5), keras.optimizers.Lion(0.5),
    keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.5, 10, 0.1)),
])  # fmt: skip
def test_configurations_of_keras_3(theirs):
    ours = optimizers.get(keras.optimizers.serialize(theirs))
    assert type(ours).__name__ == type(theirs).__name__
    assert float(K.get_value(ours.lr)) == 0.5


def test_custom_optimizer_by_its_rule():
    class Halving(optimizers.Optimizer):
        slots = ("last",)
        share = optimizers.Hyperparameter()

        def __init__(self, lr=0.5, share=0.5, **kwargs):
            super().__init__(lr, **kwargs)
            self.share = share

        def rule(self, now, weight, gradient, last):
            change = now.share * last + now.lr * gradient
            return weight - change, change

    with registry.custom_object_scope({"Halving": Halving}):
        optimizer = optimizers.get({"class_name": "Halving", "config": {"lr": 1.0}})
    weight = K.variable([0.0])
    for _ in range(2):
        optimizer.apply_gradients([(K.constant([1.0]), weight)])
    assert weight.numpy().tolist() == [-2.5]
    assert optimizer.get_config() == {"lr": 1.0, "share": 0.5}


@pytest.mark.parametrize(("made", "kind", "message"), [
    (lambda: SGD(momentun=0.9), TypeError, "SGD takes no argument 'momentun'. Did you mean 'momentum'?"),
    (lambda: Adam(clipnrm=1), TypeError, "Did you mean 'clipnorm'?"),
    (lambda: SGD(0.1, learning_rate=0.2), TypeError, "got both lr and learning_rate"),
    (lambda: SGD("fast"), ValueError, "SGD: lr must be a number; got 'fast'"),
    (lambda: Adam(use_ema=True), ValueError, "use_ema=True is not supported"),
    (lambda: optimizers.get("adm"), ValueError, "Unknown optimizer 'adm'. Did you mean 'Adam'?|'adam'"),
    (lambda: optimizers.get(None), TypeError, "An optimizer is given by name"),
    (lambda: optimizers.get(3), TypeError, "An optimizer is given by name"),
    (lambda: optimizers.TFOptimizer(None), TypeError, "Use the class of that kind"),
    (lambda: optimizers.get("tfoptimizer"), TypeError, "TFOptimizer wraps TensorFlow"),
    (lambda: SGD().apply_gradients([(None, K.variable([1.0]))]), ValueError, "got no gradient"),
    (lambda: SGD().apply_gradients([(K.variable([1.0]), K.constant([1.0]))]), TypeError, "in the order"),
    (lambda: optimizers.Optimizer(0.1).apply_gradients([(K.constant([1.0]), K.variable([1.0]))]), TypeError, "rule"),
])  # fmt: skip
def test_errors(made, kind, message):
    with pytest.raises(kind, match=message.replace("?", r"\?")):
        made()


def test_weights_that_do_not_fit():
    optimizer = Adam()
    optimizer.build([K.variable([1.0, 2.0])])
    with pytest.raises(ValueError, match="needs 2 arrays beside the count, got 1"):
        optimizer.set_weights([np.array(1), np.zeros(2)][1:])
    with pytest.raises(ValueError, match=r"array 1 has shape \(3,\), the optimizer's \(2,\)"):
        optimizer.set_weights([np.array(1), np.zeros(2), np.zeros(3)])
