"""Models that cannot share the program of all folds, or only in part."""

import numpy as np
import pytest

from hornbeam import Input, Model, Sequential
from hornbeam import backend as K
from hornbeam.callbacks import EarlyStopping
from hornbeam.layers import BatchNormalization, Dense, Flatten, concatenate
from hornbeam.training.validation import session
from hornbeam.utils import set_random_seed
from hornbeam.validation import k_fold

draw = np.random.default_rng(0)
X = draw.normal(size=(21, 4)).astype("float32")
Y = (X @ draw.normal(size=(4, 1))).astype("float32")


def dense(optimizer="sgd", loss="mse", units=1):
    model = Sequential([Dense(units, input_shape=(4,)), Dense(1)])
    model.compile(optimizer, loss)
    return model


def by_hand(make, folds, x, y, **settings):
    found = []
    for rest, held_out in folds:
        model = make()
        parts = [[[a[rows] for a in group] for group in (x, y)] for rows in (rest, held_out)]
        found.append(model.fit(*parts[0], validation_data=tuple(parts[1]), verbose=0, **settings).history)
    return found


def test_losses_that_forbid_padding():
    def spread(y_true, y_pred):
        return K.mean(K.square(y_true - y_pred)) + K.std(y_pred)

    folds = [(np.arange(10), np.arange(10, 21))]
    set_random_seed(1)
    result = k_fold(lambda: dense(loss=spread), X, Y, split=folds, epochs=2, batch_size=4, verbose=0)
    set_random_seed(1)
    hand = by_hand(lambda: dense(loss=spread), folds, [X], [Y], epochs=2, batch_size=4)
    np.testing.assert_allclose(result.curves["val_loss"], hand[0]["val_loss"], rtol=1e-5)


def test_callbacks_are_made_for_each_fold():
    made = []

    def callbacks():
        made.append(EarlyStopping("loss", patience=0, baseline=-1.0))  # stops after the first epoch
        return [made[-1]]

    result = k_fold(dense, X, Y, k=2, epochs=4, callbacks=callbacks, verbose=0)
    assert len(made) == 2
    assert result.curves["loss"].shape == (1,)


def test_several_configurations_are_noted():
    sizes = iter([1, 2, 1])
    result = k_fold(lambda: dense(units=next(sizes)), X, Y, k=3, epochs=1, verbose=0)
    assert result.notes == ["2 configurations came from the building function; each was compiled."]
    assert result.notes[0] in repr(result)


def test_state_inputs_and_outputs():
    """BatchNormalization's averages and Adam's moments start anew; two inputs and outputs find their places."""

    def make():
        one, two = Input((4,), name="one"), Input((5, 2), name="two")
        h = BatchNormalization(momentum=0.5)(concatenate([Dense(3)(one), Flatten()(two)]))
        model = Model([one, two], [Dense(1, name="a")(h), Dense(1, name="b")(h)])
        model.compile("adam", "mse", metrics={"a": ["mae"]})
        return model

    def seeded():
        set_random_seed(1)
        return make()

    series = draw.normal(size=(21, 5, 2)).astype("float32")
    x, y = {"two": series, "one": X}, {"a": Y, "b": Y[:, 0] > 0}
    fold = (np.arange(10), np.arange(10, 21))
    result = k_fold(seeded, x, y, split=[fold, fold], epochs=2, batch_size=4, verbose=0)
    (hand,) = by_hand(seeded, [fold], [X, series], [Y, Y[:, 0] > 0], epochs=2, batch_size=4)
    for name, values in hand.items():
        np.testing.assert_allclose(result.fold_curves[name][0], values, rtol=1e-5, atol=1e-6, err_msg=name)
        np.testing.assert_array_equal(*result.fold_curves[name], err_msg=name)


def test_a_loss_that_is_no_number():
    with pytest.warns(UserWarning, match="the loss of fold 1 is not a finite number from epoch 1 on"):
        k_fold(dense, np.full((8, 4), np.nan, "float32"), Y[:8], k=2, epochs=1, verbose=0)


def test_validation_in_larger_steps_changes_nothing(monkeypatch):
    found = []
    for rows in (256, 1):
        monkeypatch.setattr(session, "VALIDATION_ROWS", rows)
        set_random_seed(1)
        found.append(k_fold(dense, X, Y, split=[(range(9), range(9, 21))], epochs=2, batch_size=1, verbose=0))
    np.testing.assert_allclose(found[0].curves["val_loss"], found[1].curves["val_loss"], rtol=1e-6)


def test_a_model_with_a_training_step_of_its_own():
    class Own(Sequential):
        def train_step(self, data):
            x, y = data
            with K.GradientTape() as tape:
                loss = K.mean(K.square(self(x, training=True) - y))
            gradients = tape.gradient(loss, self.trainable_weights)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_weights))
            return {"loss": loss}

        def test_step(self, data):
            x, y = data
            return {"loss": K.mean(K.square(self(x) - y))}

    def make():
        model = Own([Dense(1, input_shape=(4,))])
        model.compile("sgd")
        return model

    folds = [(np.arange(12), np.arange(12, 21))]
    set_random_seed(1)
    result = k_fold(make, X, Y, split=folds, epochs=2, batch_size=4, verbose=0)
    set_random_seed(1)
    part = make().fit(X[:12], Y[:12], validation_data=(X[12:], Y[12:]), epochs=2, batch_size=4, verbose=0).history
    np.testing.assert_allclose(result.curves["val_loss"], part["val_loss"], rtol=1e-5)


def test_rows_in_a_file(tmp_path):
    import h5py

    with h5py.File(tmp_path / "rows.h5", "w") as file:
        stored = file.create_dataset("x", data=X)
        results = []
        for x in (X, stored):
            set_random_seed(1)
            results.append(k_fold(dense, x, Y, k=2, shuffle=False, epochs=1, standardize=True, verbose=0))
    np.testing.assert_allclose(results[0].scores["loss"], results[1].scores["loss"], rtol=1e-5)
