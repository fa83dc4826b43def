"""Updates by row equal updates of whole tables, and reading the state neither shows nor changes what is put off."""

import numpy as np
import pytest

import hornbeam.engines.jax as jax_engine
import hornbeam.engines.numpy as numpy_engine
from hornbeam import backend as K
from hornbeam import optimizers, scope
from hornbeam.engines.jax import equal_ids
from hornbeam.engines.numpy import look_ups as plain
from hornbeam.optimizers import row_updates
from hornbeam.optimizers.row_updates import MET, why_all_rows

V, N, D = 30, 15, 3

RULES = {
    "sgd": lambda **k: optimizers.SGD(0.1, decay=0.01, **k),
    "adagrad": lambda **k: optimizers.Adagrad(0.05, **k),
    "rmsprop": lambda **k: optimizers.RMSprop(0.01, **k),
    "centered": lambda **k: optimizers.RMSprop(0.01, centered=True, epsilon=1e-3, **k),
    "adadelta": lambda **k: optimizers.Adadelta(**k),
}


def batches(steps, seed=0):
    """(ids, gradients) of random steps: ids repeated, rows missed for long, ids behind the table."""
    random = np.random.default_rng(seed)
    ids = np.minimum(random.zipf(1.3, (steps, N)), V + 1).astype("int32")
    return list(zip(ids, random.normal(size=(steps, N, D)).astype("float32"), strict=True))


class Table:
    """A table that one optimizer updates by row or as a whole."""

    def __init__(self, optimizer, by_row):
        self.optimizer, self.by_row = optimizer, by_row
        self.weights = [K.variable(np.zeros(2)), K.variable(np.random.default_rng(1).normal(size=(V, D)))]
        self._step = K.engine.compile_function(self._update)

    def _update(self, hyper, state, weights, step, ids, gradients):
        other = K.constant([0.5, -0.5])
        if self.by_row:
            table = K.RowGradient(ids, gradients)
        else:
            table = K.dot(K.transpose(K.one_hot(ids, V)), gradients)
        with scope.Scope(dict(zip(self.optimizer.variables_read, hyper, strict=True))):
            return self.optimizer.update([other, table], state, weights, step)

    def train(self, batches):
        for ids, gradients in batches:
            state = self.optimizer.build(self.weights, [1] if self.by_row else ())
            hyper = [v.value for v in self.optimizer.variables_read]
            values = [w.value for w in self.weights]
            step = self.optimizer.iterations.value
            new, self.optimizer.state = self._step(hyper, state, values, step, ids, gradients)
            for weight, value in zip(self.weights, new, strict=True):
                weight.assign(value)
            self.optimizer.iterations.assign_add(1)
        return self

    def numbers(self):
        return [w.numpy() for w in self.weights] + self.optimizer.get_weights()


def assert_near(a, b, within=1e-6):
    for one, other in zip(a, b, strict=True):
        np.testing.assert_allclose(one, other, rtol=within, atol=within)


@pytest.mark.parametrize("name", RULES)
def test_200_steps_by_row_equal_the_dense_rule(name):
    steps = batches(200)
    by_row, whole = (Table(RULES[name](), way).train(steps) for way in (True, False))
    assert_near(by_row.numbers(), whole.numbers())
    assert np.abs(by_row.weights[1].numpy()).max() > 0


@pytest.mark.parametrize("name", ["adagrad", "rmsprop"])
def test_a_step_that_meets_most_of_a_table_updates_all_of_it(name, monkeypatch):
    steps = batches(30)
    by_row = Table(RULES[name](), True).train(steps[:15])
    monkeypatch.setattr(row_updates, "MOST_SHARE", 0.1)
    by_row._step = K.engine.compile_function(lambda *a: by_row._update(*a))
    assert_near(by_row.train(steps[15:]).numbers(), Table(RULES[name](), False).train(steps).numbers())


def test_reading_the_state_changes_no_bit():
    steps = batches(10)
    read, unread = (Table(RULES["rmsprop"](), True) for _ in range(2))
    for batch in steps:
        read.train([batch])
        read.optimizer.get_weights()
    unread.train(steps)
    for a, b in zip(read.numbers(), unread.numbers(), strict=True):
        assert a.tobytes() == b.tobytes()


def test_a_rho_set_meanwhile_counts_from_there_on():
    steps, found = batches(40), []
    for by_row in (True, False):
        table = Table(RULES["rmsprop"](), by_row).train(steps[:20])
        table.optimizer.rho = 0.5
        found.append([table.optimizer.get_weights(), table.train(steps[20:]).numbers()])
    assert_near(found[0][0], found[1][0])
    assert_near(found[0][1], found[1][1])


def test_a_state_is_whole_again_for_steps_that_update_all_rows():
    steps, found = batches(40), []
    for by_row in (True, False):
        table = Table(RULES["rmsprop"](), by_row).train(steps[:20])
        table.by_row, table._step = False, K.engine.compile_function(lambda *a, t=table: t._update(*a))
        found.append(table.train(steps[20:]).numbers())
        assert MET not in table.optimizer.state_as_kept
    assert_near(*found)


def test_lazy_adam_moves_the_rows_it_meets_as_adam_would_and_no_others():
    (first, second) = batches(2)
    second[0][:] = 3
    whole = Table(optimizers.Adam(0.1), False).train([first])
    lazy = Table(optimizers.Adam(0.1, embeddings="lazy"), True).train([first])
    before = lazy.weights[1].numpy()
    assert_near(lazy.numbers(), whole.numbers())
    after, moved = (table.train([second]).weights[1].numpy() for table in (lazy, whole))
    others = np.arange(V) != 3
    np.testing.assert_array_equal(after[others], before[others])
    np.testing.assert_allclose(after[3], moved[3], rtol=1e-6, atol=1e-6)
    assert np.abs(moved[others] - before[others]).max() > 1e-3


class Halved(optimizers.RMSprop):
    """A rule of one's own over one whose rows could wait."""

    def rule(self, now, weight, gradient, *slots):
        return (weight * 0.5, *slots)


@pytest.mark.parametrize(
    ("optimizer", "reason"),
    [
        (optimizers.RMSprop(), None),
        (optimizers.SGD(momentum=0.9), "momentum"),
        (optimizers.RMSprop(momentum=0.9), "momentum"),
        (optimizers.SGD(clipnorm=1.0), "clipnorm"),
        (optimizers.SGD(clipvalue=1.0, embeddings="lazy"), "clipvalue"),
        (optimizers.SGD(weight_decay=0.1), "weight_decay"),
        (optimizers.SGD(weight_decay=0.1, embeddings="lazy"), None),
        (optimizers.SGD(gradient_accumulation_steps=2), "gradient_accumulation_steps"),
        (optimizers.RMSprop(embeddings="dense"), "embeddings='dense'"),
        (optimizers.Adam(), "Adam moves rows"),
        (optimizers.Nadam(embeddings="lazy"), None),
        (optimizers.Adafactor(embeddings="lazy"), "whole weights"),
        (Halved(), "Halved moves rows"),
    ],
)
def test_who_needs_all_rows(optimizer, reason):
    found = why_all_rows(optimizer)
    assert found is None if reason is None else reason in found


def test_the_choice_is_kept_in_the_configuration_and_checked():
    again = optimizers.Adam.from_config(optimizers.Adam(embeddings="lazy").get_config())
    assert again.embeddings == "lazy"
    assert "embeddings" not in optimizers.Adam().get_config()
    with pytest.raises(ValueError, match="embeddings must be one of .*'lazy'.*; got 'sparse'"):
        optimizers.Adam(embeddings="sparse")


def halved(rows, gradients):
    return {"table": rows["table"] / 2 + gradients, "marks": rows["marks"] + 5}


def test_both_engines_change_rows_alike():
    ids = np.array([4, 1, 4, 7, 1, 9, 4], "int32")  # 7 and 9 lie behind a table of 7 rows
    rows = np.arange(14, dtype="float32").reshape(7, 2)
    found = []
    for engine, first_places in ((jax_engine, equal_ids.first_places), (numpy_engine, plain._first_places)):
        blank = engine.zeros((7,), "int32")
        arrays = {"table": engine.ones((7, 2), "float32"), "marks": blank}
        first, met, _ = first_places(blank, ids)
        new, _ = engine.update_rows(arrays, ids, engine.convert(rows), blank, halved)
        products = engine.multiply_rows(engine.convert(rows), 0.5, np.arange(7))
        found.append([first, met, new["table"], new["marks"], products])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(np.asarray(a), b, rtol=1e-6)
    np.testing.assert_array_equal(found[1][1], [7, 7, 7, 7, 1, 7, 4])
    np.testing.assert_array_equal(found[1][2][4], 0.5 + rows[0] + rows[2] + rows[6])
    np.testing.assert_array_equal(found[1][3], [0, 5, 0, 0, 5, 0, 0])


@pytest.mark.parametrize("different", [1, 40, 1_500, 2_000])
def test_rows_changed_in_parts_are_those_changed_at_once(different):
    random = np.random.default_rng(different)
    size, count = 3_000, 2_000
    ids = random.permutation(np.arange(count) % different + random.integers(size - different)).astype("int32")
    ids[random.integers(count, size=20)] = size  # behind the table
    gradients = random.normal(size=(count, 2)).astype("float32")
    table = random.normal(size=(size, 2)).astype("float32")
    marks, scratch = np.zeros(size, "int32"), random.integers(0, count, size).astype("int32")
    compiled = jax_engine.compile_function(lambda *a: jax_engine.update_rows(*a, halved)[0])
    found = compiled({"table": table, "marks": marks}, ids, gradients, scratch)
    wanted, _ = numpy_engine.update_rows({"table": table, "marks": marks}, ids, gradients, scratch, halved)
    np.testing.assert_array_equal(np.asarray(found["marks"]), wanted["marks"])
    np.testing.assert_allclose(np.asarray(found["table"]), wanted["table"], rtol=1e-5, atol=1e-5)
    assert wanted["marks"].sum() == 5 * len(set(ids[ids < size]))
