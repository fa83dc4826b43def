"""Recurrent layers on looked-up rows: words projected once are equal to places projected one by one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hornbeam import layers, models, utils
from hornbeam.engines import numpy as plain
from hornbeam.engines.jax import look_up_sources, look_ups, recurrent, recurrent_inputs, recurrent_padding

B, T, D, H, V = 4, 7, 3, 3, 30

pytestmark = pytest.mark.usefixtures("double_precision")

CASES = {
    "lstm": (recurrent.lstm, 4, 2, {}),
    "gru": (recurrent.gru, 3, 1, {"reset_after": True}),
    "simple_rnn": (recurrent.simple_rnn, 1, 1, {}),
}
IDS = {
    "few words": np.random.default_rng(0).integers(0, 5, (B, T)),
    "padding in front": np.arange(T) * (np.arange(T) >= np.array([[3], [6], [1], [7]])),
    "one word": np.full((B, T), 2),
    "half of the places": np.arange(B * T).reshape(B, T) // 2,
    "each word once": np.arange(B * T).reshape(B, T),
    "from behind": np.random.default_rng(0).integers(-3, 3, (B, T)),
}


@pytest.fixture
def small_ones_too(monkeypatch):
    monkeypatch.setattr(recurrent_inputs, "_LEAST_FLOPS", 0)
    monkeypatch.setattr(recurrent_inputs, "_LEAST_FEATURES", 1)
    monkeypatch.setattr(recurrent_inputs, "_PARTS", 3)


NAMES = ["table", "states", "kernel", "recurrent_kernel", "bias"]


def weights_of(gates, states):
    random = np.random.default_rng(1)
    normal = lambda *shape: random.normal(size=shape) * 0.6  # noqa: E731
    return {
        "table": normal(V, D), "states": [normal(B, H) for _ in range(states)], "kernel": normal(D, gates * H),
        "recurrent_kernel": normal(H, gates * H), "bias": normal(gates * H),
    }  # fmt: skip


def derivatives(kind, masked, known, second=False, **form):
    """Compiled function (ids) -> results and gradients of a layer on rows that are looked up."""
    run, gates, states, settings = CASES[kind]
    weights = weights_of(gates, states)

    def loss(weights, ids):
        table, *rest = (weights[name] for name in NAMES)
        rows = look_ups.look_up(table, ids)
        rows = rows if known else rows + 0
        outputs, last = run(rows, *rest, mask=ids != 0 if masked else None, **settings, **form)
        found = [leaf for leaf in (outputs, *last) if leaf is not None]
        return sum((jnp.sin(leaf * jnp.arange(1, H + 1))).sum() for leaf in found), found

    def steepness(weights, ids):
        value, gradient = jax.value_and_grad(loss, has_aux=True)(weights, ids)
        return sum((g * g * 0.1).sum() for g in jax.tree.leaves(gradient)), (value, gradient)

    return jax.jit(lambda ids: jax.value_and_grad(steepness if second else loss, has_aux=True)(weights, ids))


def compare(kind, masked, second, form):
    quick, slow = (derivatives(kind, masked, known, second, **form) for known in (True, False))
    for ids in IDS.values():
        for a, b in zip(jax.tree.leaves(quick(ids)), jax.tree.leaves(slow(ids)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("kind", "masked", "form"),
    [("lstm", False, {}), ("gru", False, {"backwards": True, "sequences": True}), ("simple_rnn", True, {})],
)
def test_words_projected_once_change_nothing(kind, masked, form, small_ones_too, monkeypatch):
    monkeypatch.setattr(recurrent_padding, "_PART_FLOPS", 2 * B * T * D * H // 3)
    compare(kind, masked, False, form)


@pytest.mark.nightly
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", CASES)
def test_nor_do_they_change_second_derivatives(kind, masked, small_ones_too):
    compare(kind, masked, True, {"sequences": True})


def test_results_are_those_of_the_plain_specification(small_ones_too):
    table, states, kernel, recurrent_kernel, bias = weights_of(4, 2).values()
    for ids in IDS.values():
        rows = look_ups.look_up(jnp.asarray(table), ids)
        found = recurrent.lstm(rows, states, kernel, recurrent_kernel, bias, sequences=True)
        wanted = plain.lstm(table[ids], states, kernel, recurrent_kernel, bias, sequences=True)
        for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("ids", IDS.values(), ids=IDS)
def test_each_place_knows_its_word(ids, small_ones_too):
    word, places, count = recurrent_inputs.words_of(look_ups.look_up(jnp.zeros((V, D)), ids), jnp.zeros((D, H)))
    assert count == len(np.unique(ids))
    for number, place in enumerate(places[:count]):
        np.testing.assert_array_equal(word == number, ids == ids.flat[place])


def test_a_word_behind_the_table_is_no_number_and_spoils_no_other_row(small_ones_too):
    _, *rest = weights_of(1, 1).values()
    rows = look_ups.look_up(jnp.ones((V, D)), IDS["few words"] + np.array([[0], [V], [0], [0]]))
    _, (last,) = recurrent.simple_rnn(rows, *rest)
    np.testing.assert_array_equal(np.isnan(last).all(1), [False, True, False, False])
    assert np.isfinite(last[jnp.array([0, 2, 3])]).all()


def test_rows_that_were_changed_are_not_taken_for_looked_up(small_ones_too):
    rows, kernel = look_ups.look_up(jnp.ones((V, D)), IDS["few words"]), jnp.zeros((D, H))
    assert recurrent_inputs.words_of(rows, kernel) is not None
    assert recurrent_inputs.words_of(rows * 1, kernel) is None
    assert recurrent_inputs.words_of(rows.reshape(T, B, D), kernel) is None


def test_sources_are_forgotten_with_their_rows():
    rows = look_ups.look_up(jnp.ones((V, D)), IDS["few words"])
    ids, size = look_up_sources.source_of(rows)
    assert (ids is IDS["few words"], size) == (True, V)
    before = len(look_up_sources._sources)
    del rows
    assert len(look_up_sources._sources) == before - 1


def test_a_model_learns_the_same(small_ones_too, monkeypatch):
    x = np.array([*IDS.values()]).reshape(-1, T) % V
    y = np.arange(len(x)) % 2

    def trained():
        utils.set_random_seed(0)
        layer = layers.Bidirectional(layers.SimpleRNN(H))
        model = models.Sequential([layers.Embedding(V, D, input_length=T), layer, layers.Dense(1)])
        model.compile("rmsprop", "mse")
        losses = model.fit(x, y, batch_size=B, epochs=2, verbose=0).history["loss"]
        return losses, model.get_weights(), model.predict(x)

    calls = []
    words_of = recurrent_inputs.words_of
    monkeypatch.setattr(recurrent_inputs, "words_of", lambda *given: calls.append(words_of(*given)) or calls[-1])
    quick = trained()
    assert any(call is not None for call in calls)
    monkeypatch.setattr(recurrent_inputs, "words_of", lambda x, kernel: None)
    for a, b in zip(jax.tree.leaves(quick), jax.tree.leaves(trained()), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)
