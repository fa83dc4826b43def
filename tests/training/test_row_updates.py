"""Tables whose rows are updated one by one: equal to updates of the whole, where that is possible and nowhere else."""

import numpy as np
import pytest

from compiled_text import copies_of, loops_of
from hornbeam import backend as K
from hornbeam import layers, optimizers, utils
from hornbeam.engines.jax import look_ups, loop
from hornbeam.models import Model, Sequential, load_model
from hornbeam.training import row_updates

WORDS = 80


@pytest.fixture(autouse=True)
def small_tables(monkeypatch):
    monkeypatch.setattr(row_updates, "LEAST_ROWS", WORDS)
    monkeypatch.setattr(look_ups, "_LEAST_ROWS", 1)  # in a part, so that there are several


def shared_model(optimizer):
    """Two inputs that share a table; id 0 is padding."""
    utils.set_random_seed(0)
    a, b = layers.Input((5,), dtype="int32"), layers.Input((3,), dtype="int32")
    table = layers.Embedding(WORDS, 4, mask_zero=True, name="words")
    x = layers.concatenate([layers.GlobalAveragePooling1D()(table(ids)) for ids in (a, b)])
    model = Model([a, b], layers.Dense(1, activation="sigmoid")(x))
    model.compile(optimizer, "binary_crossentropy")
    return model


def shared_data(steps, batch=4):
    random = np.random.default_rng(0)
    x = [np.minimum(random.zipf(1.3, (steps * batch, n)), WORDS - 1).astype("int32") for n in (5, 3)]
    x[0] *= random.random(x[0].shape) < 0.8
    return x, random.integers(0, 2, (steps * batch, 1)).astype("float32")


def one_table(optimizer, above=None, **settings):
    utils.set_random_seed(0)
    model = Sequential([layers.Embedding(WORDS, 3, input_length=4, name="words", **settings)])
    model.add(layers.GlobalAveragePooling1D() if above is None else above(model))
    model.add(layers.Dense(1))
    model.compile(optimizer, "mse")
    return model


def ids_and_targets(rows=40):
    random = np.random.default_rng(1)
    return random.integers(0, WORDS, (rows, 4)), random.normal(size=(rows, 1)).astype("float32")


def numbers(model):
    return model.get_weights() + model.optimizer.get_weights()


def report(model):
    lines = []
    model.compile_report(lines.append)
    return "\n".join(lines)


@pytest.mark.parametrize(
    "kind",
    [  # tests/optimizers has the short way for all of them
        pytest.param(optimizers.SGD, marks=pytest.mark.nightly),
        pytest.param(optimizers.Adagrad, marks=pytest.mark.nightly),
        optimizers.RMSprop,
    ],
)
def test_200_steps_with_repeated_shared_and_masked_ids_equal_the_dense_rule(kind):
    x, y = shared_data(200)
    found = []
    for mode in ("exact", "dense"):
        model = shared_model(kind(0.01, embeddings=mode))
        model.fit(x, y, batch_size=4, verbose=0, shuffle=False)
        assert model._steps.tables == ([0] if mode == "exact" else [])
        found.append(numbers(model))
    for by_row, whole in zip(*found, strict=True):
        np.testing.assert_allclose(by_row, whole, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("batch_size", [2, 8])
def test_a_step_copies_no_array_of_the_tables_size(batch_size, monkeypatch):
    """Neither where its 8 ids are changed at once, nor where its 32 are in parts."""
    texts, compile_function = [], loop.compile_function

    def compile_and_look(function, **settings):
        program = compile_function(function, **settings)
        monkeypatch.setattr(loop, "compile_function", compile_function)
        return lambda *args: (texts.append(program.lower(*args).compile().as_text()), program(*args))[1]

    monkeypatch.setattr(loop, "compile_function", compile_and_look)
    model = one_table("rmsprop")
    x, y = ids_and_targets()
    model.fit(x, y, batch_size=batch_size, verbose=0)
    loops = loops_of(texts[0])
    assert f"f32[{WORDS},3]" in loops
    assert copies_of(f"[{WORDS}", loops) == []


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: one_table(optimizers.SGD(0.1, clipnorm=0.5)), "clipnorm"),
        (lambda: one_table(optimizers.RMSprop(0.1, weight_decay=0.1)), "weight_decay"),
        (lambda: one_table("adam"), "Adam moves rows without gradient"),
        (lambda: one_table("sgd", embeddings_regularizer="l2"), "its regularizer"),
        (lambda: one_table("sgd", embeddings_constraint="unit_norm"), "its constraint"),
    ],
)
def test_what_needs_the_whole_table_updates_all_of_it_and_says_so(make, reason):
    model = make()
    (line,) = [line for line in report(model).splitlines() if "table 'words/" in line]
    assert "all rows (" in line
    assert reason in line
    assert row_updates.candidates(model.optimizer, model.trainable_weights) == []


def test_a_table_that_is_an_output_s_weights_as_well_is_updated_as_a_whole():
    def tied(model):
        table = model.layers[0].embeddings
        return layers.Lambda(lambda x: K.dot(K.mean(x, axis=1), K.transpose(table)))

    x, y = ids_and_targets()
    model = one_table("rmsprop", tied)
    before = model.get_weights()[0]
    model.fit(x[:8] % 5, y[:8], batch_size=8, verbose=0)
    assert model._steps.tables == []
    assert "all rows (it is used otherwise" in report(model)
    assert np.abs(model.get_weights()[0] - before)[5:].min() > 0  # rows that were not looked up


def test_the_report_says_which_tables_are_updated_by_row(monkeypatch):
    model = one_table("adagrad")
    assert f"table 'words/embeddings:0' ({WORDS}, 3): each step updates the rows it looks up" in report(model)
    monkeypatch.setattr(row_updates, "LEAST_ROWS", WORDS + 1)
    assert "table" not in report(model)


def test_resumed_training_and_saved_models_have_the_same_bits(tmp_path):
    x, y = ids_and_targets()
    undisturbed, stopped, resumed = (one_table(optimizers.RMSprop(0.01)) for _ in range(3))
    np.random.seed(5)
    undisturbed.fit(x, y, batch_size=8, epochs=4, verbose=0)
    np.random.seed(5)
    stopped.fit(x, y, batch_size=8, epochs=2, verbose=0, resume=str(tmp_path / "run"))
    np.random.seed(6)
    resumed.fit(x, y, batch_size=8, epochs=4, verbose=0, resume=str(tmp_path / "run"))
    assert resumed._steps.tables == [0]
    for a, b in zip(numbers(resumed), numbers(undisturbed), strict=True):
        assert a.tobytes() == b.tobytes()
    resumed.save(tmp_path / "model.h5")
    for a, b in zip(numbers(load_model(tmp_path / "model.h5")), numbers(resumed), strict=True):
        assert a.tobytes() == b.tobytes()


def test_rows_stay_in_single_precision_where_a_layer_computes_in_less():
    x, y = ids_and_targets()
    found = []
    for mode in ("exact", "dense"):
        model = one_table(optimizers.Adagrad(0.01, embeddings=mode), dtype="mixed_bfloat16")
        model.fit(x, y, batch_size=8, verbose=0, shuffle=False)
        assert model._steps.tables == ([0] if mode == "exact" else [])
        found.append(numbers(model))
    assert found[0][0].dtype == np.float32
    for by_row, whole in zip(*found, strict=True):
        np.testing.assert_allclose(by_row, whole, rtol=1e-2, atol=1e-3)


# --- Tables that are not large ---


def middling(optimizer="rmsprop", ids=4):
    """4096 rows of 8 numbers: with up to 341 ids a step, single rows are updated."""
    utils.set_random_seed(0)
    words = layers.Embedding(4096, 8, input_length=ids, name="words")
    model = Sequential([words, layers.GlobalAveragePooling1D(), layers.Dense(1)])
    model.compile(optimizer, "mse")
    return model


@pytest.fixture
def usual_size(monkeypatch):
    monkeypatch.setattr(row_updates, "LEAST_ROWS", 32_768)


def test_few_rows_of_a_middling_table_are_updated_one_by_one(usual_size):
    random = np.random.default_rng(0)
    x, y = random.integers(0, 4096, (256, 4)), random.normal(size=(256, 1)).astype("float32")
    found = []
    for mode in ("exact", "dense"):
        model, by_row = middling(optimizers.RMSprop(0.01, embeddings=mode)), [0] if mode == "exact" else []
        for size, wanted in ((16, by_row), (128, []), (85, by_row), (86, [])):  # 64, 512, 340 and 344 ids
            model.fit(x, y, batch_size=size, epochs=2, verbose=0, shuffle=False)
            assert model._steps.tables == wanted, size
        model.train_on_batch(x[:8], y[:8])
        assert model._steps.tables == by_row
        lines = [line for line in report(model).splitlines() if "table 'words/" in line]
        assert len(lines) == len(by_row)
        assert all("each step updates the rows it looks up" in line for line in lines)
        found.append(numbers(model))
    for by_row, whole in zip(*found, strict=True):
        np.testing.assert_allclose(by_row, whole, rtol=1e-4, atol=1e-6)


def test_steps_of_other_sizes_trace_a_table_once(usual_size, monkeypatch):
    traced = []
    look = K.engine.only_looked_up
    monkeypatch.setattr(K.engine, "only_looked_up", lambda *given: traced.append(1) or look(*given))
    x, y = np.zeros((40, 4), "int32"), np.zeros((40, 1), "float32")
    model = middling()
    for rows in (40, 7, 3, 40, 21):
        model.train_on_batch(x[:rows], y[:rows])
    assert len(traced) == 1


def test_tables_whose_look_ups_no_graph_counts_are_updated_as_a_whole(usual_size):
    for shape, ids, wanted in (((4096, 8), 341, True), ((4096, 8), 342, False), ((4095, 8), 1, False)):
        assert row_updates.is_looked_up_little(K.Variable(np.zeros(shape)), ids) is wanted
    words, other = layers.Input((5,)), layers.Input((3,))
    table = layers.Embedding(4096, 8)
    both = layers.concatenate([layers.Flatten()(table(words)), layers.Flatten()(table(other))])
    assert row_updates.ids_a_row(Model([words, other], both), table.embeddings) == 8
    inner = Model(words, layers.Dense(2)(layers.Flatten()(layers.Embedding(4096, 8)(words))))
    outer = Sequential([inner, layers.Dense(1)])
    assert row_updates.ids_a_row(outer, inner.layers[1].embeddings) == 5
    any_length = Sequential([layers.Embedding(4096, 8), layers.GlobalAveragePooling1D(), layers.Dense(1)])
    any_length.compile("sgd", "mse")
    any_length.build((None, None))
    assert row_updates.ids_a_row(any_length, any_length.layers[0].embeddings) is None
    assert row_updates.candidates(any_length.optimizer, any_length.trainable_weights, any_length, 2) == []
    spread = Sequential([layers.TimeDistributed(layers.Embedding(4096, 8), input_shape=(3, 2))])
    assert row_updates.ids_a_row(spread, spread.trainable_weights[0]) is None
