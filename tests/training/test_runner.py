"""Chunks: many steps at once are the same as one after the other, to the bit; memory; interruptions."""

import contextlib
import functools
import gc
import itertools
import os
import signal
import threading

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam.callbacks import Callback
from hornbeam.layers import Dense, Dropout
from hornbeam.models import Sequential
from hornbeam.training import data as data_module
from hornbeam.training import runner
from hornbeam.training.runner import Averages, Run
from hornbeam.utils import set_random_seed

draw = np.random.default_rng(0)
X = draw.normal(size=(45, 5)).astype("float32")
Y = draw.integers(0, 2, (45, 1)).astype("float32")
W = draw.random(45).astype("float32")
ROWS = 4  # 45 rows: eleven full batches and a short one


class Bench:
    """A model that can be set back to where it began, so that one compiled program serves all tests."""

    def __init__(self):
        self.model = Sequential([
            Dense(8, activation="relu", input_shape=(5,)), Dropout(0.3), Dense(1, activation="sigmoid"),
        ])  # fmt: skip
        self.model.compile("adam", "binary_crossentropy", metrics=["accuracy", "mae"])
        self.first = self.model.get_weights()

    def fit(self, seed=1, verbose=0, callbacks=None, epochs=3, x=X, y=Y, **kwargs):
        """(losses and metrics, weights) after training from the beginning."""
        model = self.model
        model.set_weights(self.first)
        model.optimizer._states.clear()
        K.set_value(model.optimizer.iterations, 0)
        set_random_seed(seed)
        kwargs = {"batch_size": ROWS, "sample_weight": W, **kwargs}
        history = model.fit(x, y, epochs=epochs, verbose=verbose, callbacks=callbacks, **kwargs).history
        return {name: list(values) for name, values in history.items()}, model.get_weights()


@pytest.fixture(scope="module")
def bench():
    return Bench()


@pytest.fixture(scope="module")
def reference(bench):
    return bench.fit(callbacks=[OneByOne()])


class OneByOne(Callback):
    """Listens to batches, so that every chunk is one step."""

    def __init__(self):
        self.losses, self.sizes = [], []

    def on_batch_end(self, batch, logs=None):
        self.losses.append(logs["loss"])
        self.sizes.append(logs["size"])


def assert_same_bits(found, wanted):
    assert found[0] == wanted[0]
    for one, other in zip(found[1], wanted[1]):
        np.testing.assert_array_equal(one, other)


# --- N steps at once are N times one step ---


@pytest.mark.parametrize("verbose", [0, 1, 2])
def test_how_much_is_shown_changes_nothing(bench, reference, verbose, capsys):
    assert_same_bits(bench.fit(verbose=verbose), reference)


@pytest.mark.parametrize("length", [1, 2, 5, 7, 100])
def test_the_length_of_chunks_changes_nothing(bench, reference, monkeypatch, length):
    seen = []
    monkeypatch.setattr(Run, "_length", lambda self, left, refresh_s: min(left, length))
    watch = Callback()
    watch.on_progress = lambda rows, logs=None: seen.append(rows)
    assert_same_bits(bench.fit(callbacks=[watch]), reference)
    assert seen[: -(-12 // length)] == [min(45, r) for r in range(4 * length, 48 + 4 * length - 1, 4 * length)] or (
        length == 100 and seen[0] == 45
    )


@pytest.mark.parametrize("seconds", [1e-9, 1e9])
def test_the_rate_of_refreshing_changes_nothing(bench, reference, monkeypatch, seconds):
    monkeypatch.setattr("hornbeam.training.trainer.QUIET_S", seconds)
    assert_same_bits(bench.fit(), reference)


@pytest.mark.parametrize("chunk", [1, 400, 1 << 20])
def test_data_too_large_to_stay_is_fed_in_chunks_with_the_same_result(bench, reference, monkeypatch, chunk):
    monkeypatch.setattr(data_module, "RESIDENT_BYTES", 0)
    monkeypatch.setattr(data_module, "CHUNK_BYTES", chunk)
    assert_same_bits(bench.fit(), reference)


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(bench, reference):
    assert_same_bits(bench.fit(seed=1), reference)
    assert bench.fit(seed=2)[0]["loss"] != reference[0]["loss"]


def test_two_fits_are_one_longer_fit_but_for_the_numbers_drawn(bench):
    """Without anything random, fit(2) and fit(1) twice are the same."""
    model = Sequential([Dense(3, activation="tanh", input_shape=(5,)), Dense(1)])
    first = model.get_weights()
    model.compile("adam", "mse")
    model.fit(X, Y, batch_size=ROWS, epochs=2, shuffle=False, verbose=0)
    together = model.get_weights()
    model.set_weights(first)
    model.compile("adam", "mse")
    model.fit(X, Y, batch_size=ROWS, epochs=1, shuffle=False, verbose=0)
    model.fit(X, Y, batch_size=ROWS, epochs=2, initial_epoch=1, shuffle=False, verbose=0)
    for one, other in zip(model.get_weights(), together):
        np.testing.assert_array_equal(one, other)


def test_batch_callbacks_see_every_step_and_the_epoch_is_their_mean(bench):
    watch = OneByOne()
    history, _ = bench.fit(callbacks=[watch], epochs=1)
    assert watch.sizes == [4] * 11 + [1]
    assert history["loss"][0] == pytest.approx(np.average(watch.losses, weights=watch.sizes), rel=1e-6)


def test_everything_ran_in_one_compiled_program(bench, reference):
    """All fits above, short last batches and all, compiled the training step once for each way data arrives."""
    programs = [run for (kind, *_), (run, _) in bench.model._steps._programs.items() if kind == "train"]
    assert len(programs) == 1
    # One for data that stays on the device; the others for chunks of stacked batches of each length that occurred.
    before = programs[0]._cache_size()
    bench.fit()
    bench.fit(callbacks=[OneByOne()])
    assert programs[0]._cache_size() == before


def test_random_words_differ_from_step_to_step():
    model = Sequential([Dropout(0.5, input_shape=(64,))])
    model.compile("sgd", "mae")
    watch = OneByOne()
    ones = np.ones((6, 64), "float32")
    model.fit(ones, ones * 3, batch_size=1, verbose=0, callbacks=[watch])
    assert len(set(watch.losses)) > 2


# --- Memory: nothing a user holds is taken away ---


def test_arrays_and_variables_taken_from_a_model_survive_training():
    model = Sequential([Dense(3, input_shape=(5,)), Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    kernel = model.layers[0].weights[0]
    taken, value = model.get_weights(), K.get_value(kernel)
    copy, alias = K.variable(kernel), K.variable(np.zeros((5, 3)))
    alias.assign(kernel)
    engine_value = kernel.value
    model.layers[1].weights[0].assign(K.variable(np.ones((3, 1))))
    other = Sequential([Dense(3, input_shape=(5,)), Dense(1)])
    for mine, theirs in zip(other.weights, model.weights):
        mine.assign(theirs)  # as target networks do
    kept = [w.copy() for w in taken]
    model.fit(X, Y, epochs=2, verbose=0)
    for one, other_value in zip(taken, kept):
        np.testing.assert_array_equal(one, other_value)
    np.testing.assert_array_equal(value, kept[0])
    np.testing.assert_array_equal(K.get_value(copy), kept[0])
    np.testing.assert_array_equal(K.get_value(alias), kept[0])
    np.testing.assert_array_equal(other.get_weights()[0], kept[0])
    assert other.predict(X[:3]).shape == (3, 1)
    assert not np.array_equal(K.get_value(kernel), kept[0])
    del engine_value  # an engine's own array may be used up; NumPy's never is


def test_two_models_may_share_layers_and_train_in_turn():
    shared = Dense(3, input_shape=(5,))
    first, second = Sequential([shared, Dense(1)]), Sequential([shared, Dense(1)])
    first.compile("adam", "mse")
    second.compile("sgd", "mse")
    for _ in range(2):
        first.fit(X, Y, verbose=0)
        second.fit(X, Y, verbose=0)
        np.testing.assert_array_equal(first.layers[0].get_weights()[0], second.layers[0].get_weights()[0])
    assert np.isfinite(first.predict(X)).all()


def test_the_data_may_be_changed_after_fit(bench):
    x = X.copy()
    wanted = bench.fit(x=x)
    x[:] = 0
    assert bench.fit(x=x)[0]["loss"] != wanted[0]["loss"]


# --- Interruptions ---


class StopAt(Callback):
    def __init__(self, hook, error):
        setattr(self, hook, lambda *args: (_ for _ in ()).throw(error))


@pytest.mark.parametrize("hook", ["on_epoch_end", "on_batch_end", "on_train_begin", "on_progress"])
def test_an_interruption_in_a_callback_leaves_a_model_that_goes_on(bench, reference, hook):
    with pytest.raises(KeyboardInterrupt):
        bench.fit(callbacks=[StopAt(hook, KeyboardInterrupt())])
    assert np.isfinite(bench.model.predict(X)).all()
    assert_same_bits(bench.fit(), reference)


class Pressed:
    """A program like another, during whose calls Ctrl-C is pressed: where the old state is gone, the new not yet there.

    Args:
        program: the other one.
        calls: numbers of the calls at which it is.
    """

    def __init__(self, program, *calls):
        self.program, self.calls, self.count = program, calls, 0
        self.lower = program.lower

    def __call__(self, *given):
        result = self.program(*given)
        self.count += 1
        if self.count in self.calls:
            signal.raise_signal(signal.SIGINT)
        return result


@pytest.fixture
def ctrl_c():
    """Ctrl-C raises KeyboardInterrupt, which a shell's background jobs ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press_at(bench, monkeypatch, *calls):
    """The programs of the bench's model, with Ctrl-C pressed at these calls."""
    steps = bench.model._steps
    ask, made = steps.program, {}

    def program(*args):
        run, may_pad = ask(*args)
        return made.setdefault(run, Pressed(run, *calls)), may_pad

    monkeypatch.setattr(steps, "program", program)


@pytest.mark.parametrize("call", [1, 2, 3])
def test_ctrl_c_waits_until_the_new_state_is_in_its_place(bench, reference, monkeypatch, ctrl_c, call):
    # the first call of a program goes through lines of Python that have no result yet and no arguments any more
    with monkeypatch.context() as patch:
        press_at(bench, patch, call)
        with pytest.raises(KeyboardInterrupt):
            bench.fit(callbacks=[OneByOne()])
    assert K.get_value(bench.model.optimizer.iterations) == call
    assert_same_bits(bench.fit(callbacks=[OneByOne()]), reference)


@pytest.mark.parametrize("place", [0, 3, 7])
def test_ctrl_c_waits_while_variables_are_handed_the_new_state(bench, reference, monkeypatch, ctrl_c, place):
    moments = itertools.count()

    def adopt(self, value, adopt=K.Variable.adopt):
        if next(moments) == place:
            signal.raise_signal(signal.SIGINT)
        adopt(self, value)

    with monkeypatch.context() as patch:
        patch.setattr(K.Variable, "adopt", adopt)
        with pytest.raises(KeyboardInterrupt):
            bench.fit()
    assert next(moments) > place
    assert np.isfinite(bench.model.predict(X)).all()
    assert_same_bits(bench.fit(), reference)


@pytest.mark.parametrize("method", ["evaluate", "predict"])
def test_ctrl_c_in_a_program_that_trains_nothing_keeps_what_it_carries(bench, monkeypatch, ctrl_c, method):
    call = functools.partial(getattr(bench.model, method), X, *([Y] if method == "evaluate" else []), batch_size=ROWS)
    wanted = call(verbose=0)
    with monkeypatch.context() as patch:
        if method == "evaluate":
            press_at(bench, patch, 1)
        else:
            carry_out = runner.carry_out
            patch.setattr(runner, "carry_out", lambda program, *rest: carry_out(Pressed(program, 1), *rest))
        with pytest.raises(KeyboardInterrupt):
            call(verbose=0)
    np.testing.assert_array_equal(call(verbose=0), wanted)


def test_ctrl_c_is_heard_at_once_while_a_program_is_made(monkeypatch, ctrl_c):
    model = Sequential([Dense(1, input_shape=(5,))])
    model.compile("sgd", "mse")

    def lower(*given):
        signal.raise_signal(signal.SIGINT)

    ask = K.engine.compile_steps

    def compile_steps(step, devices):
        run = Pressed(ask(step, devices))
        run.lower = lower
        return run

    monkeypatch.setattr(K.engine, "compile_steps", compile_steps)
    weights = model.get_weights()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, verbose=0)
    assert K.get_value(model.optimizer.iterations) == 0
    np.testing.assert_array_equal(model.get_weights()[0], weights[0])


def test_ctrl_c_is_heard_at_once_in_steps_of_plain_python(monkeypatch, ctrl_c):
    after = []

    def loss(y_true, y_pred):
        signal.raise_signal(signal.SIGINT)
        after.append("the rest")
        return K.mean(K.square(y_true - y_pred), axis=-1)

    model = Sequential([Dense(1, input_shape=(5,))])
    model.compile("sgd", loss, run_eagerly=True)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, verbose=0)
    assert after == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_in_the_middle_of_a_chunk_keeps_the_weights(ctrl_c):
    gc.collect()  # models of other tests: Python drops an interrupt that comes due in a callback of a weak reference
    model = Sequential([Dense(64, input_shape=(64,)), Dense(64), Dense(1)])
    model.compile("adam", "mse")
    x = np.zeros((60_000, 64), "float32")
    model.fit(x[:64], x[:64, :1], verbose=0)
    heard, wait_s = threading.Event(), iter([0.4])

    def press():  # again after a while, as one does, should it be dropped all the same
        while not heard.wait(next(wait_s, 10)):
            os.kill(os.getpid(), signal.SIGINT)

    start = Callback()
    start.on_epoch_begin = lambda epoch, logs=None: epoch or threading.Thread(target=press).start()  # once fit runs
    try:
        with pytest.raises(KeyboardInterrupt):
            model.fit(x, x[:, :1], epochs=10_000, batch_size=8, verbose=0, callbacks=[start])
    finally:
        heard.set()
    assert np.isfinite(model.predict(x[:64])).all()
    assert np.isfinite(model.fit(x[:64], x[:64, :1], verbose=0).history["loss"][0])


# --- Arithmetic ---


def test_averages_do_not_depend_on_the_cut_into_chunks():
    sizes = 10.0 ** np.arange(-3, 1).repeat(250)  # of very different size, so that the order of adding shows
    logs = (np.random.default_rng(3).random((1000, 2, 2)) * sizes[:, None, None]).astype("float32")
    whole = Averages()
    whole.add(logs)
    for size in (1, 3, 400):
        parts = Averages()
        for start in range(0, 1000, size):
            parts.add(logs[start : start + size])
        assert parts.values(["a", "b"]) == whole.values(["a", "b"])
    assert Averages().values([]) == {}


def test_chunks_grow_to_what_fits_the_time_between_refreshes(bench):
    run = Run.__new__(Run)
    run.steps, run.program = type("S", (), {"seconds_per_step": {}}), "program"
    assert run._length(1000, 0.2) == 1  # nothing is known: the first step may compile
    run._measure(1, 5.0)  # which took five seconds
    assert run._length(1000, 0.2) == 8
    run._measure(8, 8 * 0.001)
    assert run._length(1000, 0.2) == 200
    assert run._length(260, 0.2) == 260  # no crumbs are left
    run._measure(200, 200 * 1.0)  # the machine slept: one long chunk is not believed at once
    assert run._length(1000, 0.2) == 25
    assert runner.REFRESH_S == 0.2


def test_large_data_is_copied_once_its_program_is_compiled(bench, reference, monkeypatch):
    asked = []

    def compile_ahead(program, fixed, state, data, *rest, ahead=K.engine.compile_ahead):
        asked.append(data["x"][0])
        ahead(program, fixed, state, data, *rest)

    monkeypatch.setattr(runner, "LARGE_BYTES", 0)
    monkeypatch.setattr(K.engine, "compile_ahead", compile_ahead)
    bench.model._steps.seconds_per_step.clear()
    before = len(K.engine.compilations())
    logs, weights = bench.fit()
    assert type(asked[0]) is np.ndarray  # where it came from, at the first pass only
    assert not any(type(array) is np.ndarray for array in asked[1:])  # no further program, see `carry_out`
    assert K.engine.compilations()[before:] == []  # compiled for `reference`; the form of the arguments is the same
    assert logs == reference[0]
    assert all(np.array_equal(a, b) for a, b in zip(weights, reference[1], strict=True))


@pytest.mark.parametrize(("long_s", "expected"), [(0.0, 11), (1e3, 0)])
def test_long_chunks_are_watched_for_new_scratch_areas(long_s, expected, bench, reference, monkeypatch):
    watched = []

    @contextlib.contextmanager
    def giving_back_beside():
        watched.append("begins")
        yield
        watched.append("ends")

    monkeypatch.setattr(runner, "LONG_S", long_s)
    monkeypatch.setattr(K.engine, "giving_back_beside", giving_back_beside)
    bench.model._steps.seconds_per_step.clear()
    bench.fit(callbacks=[OneByOne()], epochs=1)
    assert watched == ["begins", "ends"] * expected  # of twelve; before the first nothing is known


def test_data_of_many_lengths_shares_programs():
    model = Sequential([Dense(3, input_dim=5)])
    model.compile("sgd", "mse")
    x, y = np.random.random((128, 5)).astype("float32"), np.random.random((128, 3)).astype("float32")

    def use(rows):
        model.fit(x[:rows], y[:rows], batch_size=8, epochs=2, verbose=0)
        kernel, bias = model.get_weights()
        expected = x[:rows] @ kernel + bias
        np.testing.assert_allclose(model.predict(x[:rows], batch_size=8, verbose=0), expected, rtol=1e-5, atol=1e-6)
        loss = model.evaluate(x[:rows], y[:rows], batch_size=8, verbose=0)
        np.testing.assert_allclose(loss, np.square(expected - y[:rows]).mean(), rtol=1e-5)

    use(65)
    before = len(K.engine.compilations())
    for rows in range(73, 128, 8):  # all with a short last batch: whole ones alone are a program of their own
        use(rows)
    assert K.engine.compilations()[before:] == []


def test_filling_up_changes_nothing_but_the_form():
    """Training on 37 rows, filled up to 64, is what single batches give, one after the other."""
    x, y = np.random.random((37, 5)).astype("float32"), np.random.random((37, 3)).astype("float32")
    whole, single = (Sequential([Dense(3, input_dim=5)]) for _ in range(2))
    for model in (whole, single):
        model.compile("rmsprop", "mse")
    single.set_weights(whole.get_weights())
    whole.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    for start in range(0, 37, 8):
        single.train_on_batch(x[start : start + 8], y[start : start + 8])
    for a, b in zip(whole.get_weights(), single.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
