"""Rows that begin alike: their first states are computed once, and nothing else changes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hornbeam import layers, models, utils
from hornbeam.engines.jax import look_ups, recurrent, recurrent_inputs, recurrent_shared

B, T, D, H, V = 6, 7, 3, 3, 50

pytestmark = pytest.mark.usefixtures("double_precision")

CASES = {
    "lstm": (recurrent.lstm, 4, 2, {}),
    "gru": (recurrent.gru, 3, 1, {"reset_after": True}),
    "classic gru": (recurrent.gru, 3, 1, {}),
    "simple_rnn": (recurrent.simple_rnn, 1, 1, {}),
}
WORDS = np.random.default_rng(0).integers(1, 9, (B, T))
LENGTHS = np.array([[4], [1], [6], [2], [7], [0]])
IDS = {
    "padded in front": WORDS * (np.arange(T) >= T - LENGTHS),
    "padded behind": WORDS * (np.arange(T) < LENGTHS),
    "full": WORDS,
    "one word": np.full((B, T), 2),
    "all begin with the same words": WORDS * (np.arange(T) > 2),
    "each word once": np.arange(B * T).reshape(B, T),
}
DROP = np.random.default_rng(2).integers(0, 2, (B, H)) * 2.0


@pytest.fixture
def small_ones_too(monkeypatch):
    for name, least in {"_LEAST_FLOPS": 0, "_LEAST_FEATURES": 1, "_PARTS": 3}.items():
        monkeypatch.setattr(recurrent_inputs, name, least)
    for name, least in {"_LEAST": 0, "_LEAST_ROWS": 2, "_AT_ONCE": B}.items():
        monkeypatch.setattr(recurrent_shared, name, least)


def derivatives(kind, known, second=False, learns_state=False, drop=False, **form):
    """Compiled function (ids, first states) -> results and gradients of a layer on rows that are looked up."""
    run, gates, _, settings = CASES[kind]
    random = np.random.default_rng(1)
    normal = lambda *shape: random.normal(size=shape) * 0.6  # noqa: E731
    weights = normal(V, D), normal(D, gates * H), normal(H, gates * H), normal(gates * H)
    settings = {**settings, **form, "recurrent_mask": [DROP] if drop else None}

    def loss(learnt, ids, states):
        (table, kernel, recurrent_kernel, bias), more = learnt
        rows = look_ups.look_up(table, ids)
        rows = rows if known else rows + 0
        states = [s + m for s, m in zip(states, more, strict=True)] if more else states
        outputs, last = run(rows, states, kernel, recurrent_kernel, bias, **settings)
        found = [leaf for leaf in (outputs, *last) if leaf is not None]
        return sum((jnp.sin(leaf * jnp.arange(1, H + 1)) * jnp.arange(B)[:, None, None]).sum() for leaf in found), found

    def steepness(learnt, *given):
        value, gradient = jax.value_and_grad(loss, has_aux=True)(learnt, *given)
        return sum((g * g * 0.1).sum() for g in jax.tree.leaves(gradient)), (value, gradient)

    def run_all(ids, states):
        more = jax.tree.map(jnp.zeros_like, states) if learns_state else ()
        return jax.value_and_grad(steepness if second else loss, has_aux=True)((weights, more), ids, states)

    return jax.jit(run_all)


@pytest.fixture
def two_groups(small_ones_too, monkeypatch):
    monkeypatch.setattr(recurrent_shared, "_EIGHTHS", (4, 8))  # fewer loops to be compiled


def states_of(kind, how):
    random = np.random.default_rng(3)
    rows = {"zeros": 0 * random.normal(size=(B, H)), "equal": random.normal(size=H) + np.zeros((B, H))}
    return [rows.get(how, random.normal(size=(B, H)))] * CASES[kind][2]


def compare(kind, starts=("zeros",), ids=tuple(IDS), **form):
    quick, slow = (derivatives(kind, known, **form) for known in (True, False))
    for how in starts:
        for name in ids:
            given = jnp.asarray(IDS[name]), states_of(kind, how)
            for a, b in zip(jax.tree.leaves(quick(*given)), jax.tree.leaves(slow(*given)), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10, err_msg=f"{how}, {name}")


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("lstm", {"backwards": True, "sequences": True}),
        ("gru", {}),
        pytest.param("lstm", {}, marks=pytest.mark.nightly),
        pytest.param("gru", {"sequences": True}, marks=pytest.mark.nightly),
        pytest.param("classic gru", {"backwards": True}, marks=pytest.mark.nightly),
        pytest.param("simple_rnn", {"sequences": True}, marks=pytest.mark.nightly),
    ],
)
def test_states_computed_once_change_nothing(kind, form, two_groups):
    compare(kind, ("zeros", "equal", "unequal"), **form)


def test_gradients_of_first_states_are_each_rows_own(two_groups):
    compare("simple_rnn", ("zeros", "unequal"), ["padded in front", "each word once"], learns_state=True)


def test_nor_does_dropout_of_states(small_ones_too):
    compare("simple_rnn", ids=["padded in front"], drop=True, sequences=True)


@pytest.mark.parametrize(
    ("kind", "form"),
    [("simple_rnn", {"sequences": True}), pytest.param("lstm", {"backwards": True}, marks=pytest.mark.nightly)],
)
def test_nor_do_second_derivatives_change(kind, form, two_groups):
    compare(kind, ids=["padded in front"], second=True, **form)


def plan(ids, reverse=False, state=0.0, state_is_learnt=False, drop=()):
    rows, kernel = look_ups.look_up(jnp.ones((V, D)), jnp.asarray(ids)), jnp.ones((D, H))
    state = jnp.zeros((B, H)) + jnp.asarray(state)
    words = recurrent_inputs.words_of(rows, kernel)
    operands = recurrent_inputs.Operands((rows,), (state,), kernel, (), None, None, drop, words)
    return recurrent_shared.plan_of(operands, reverse, state_is_learnt)


def total(plan):
    """How many rows packed arrays have."""
    return int(plan.place(-1, T))


def test_rows_join_when_the_first_of_their_group_meets_another_word(small_ones_too):
    found = plan(IDS["padded in front"])
    assert found.sizes == (1, 3, 4, 6)  # of 6 rows: 2/8 and less, 4/8, 6/8, all
    np.testing.assert_array_equal(found.rows[:5], [4, 2, 0, 3, 1])  # of 7, 6, 4, 2 and 1 words; one has none
    # 7 columns with the first row, the next two from column 1 on, the fourth from 5 on, the last two from 6 on
    np.testing.assert_array_equal(found.starts, [0, 1, 5, 6])
    np.testing.assert_array_equal(found.ends, [1, 5, 6, 7])
    assert total(found) == 6 + 1 * 1 + 4 * 3 + 1 * 4 + 1 * 6  # 6 columns of the row that walks alone come first
    behind = plan(IDS["padded in front"][:, ::-1], reverse=True)
    np.testing.assert_array_equal(behind.starts, found.starts)


@pytest.mark.parametrize(
    "given",
    [
        {"ids": IDS["each word once"]},
        {"state": np.arange(B)[:, None]},
        {"state_is_learnt": True},
        {"drop": (jnp.ones((B, H)),)},
    ],
    ids=["other words", "unequal states", "learnt states", "dropout"],
)
def test_nobody_waits_where_states_are_not_shared(given, small_ones_too):
    found = plan(**{"ids": IDS["padded in front"], **given})
    assert (found.shared, total(found)) == (0, B * T)


def test_small_ones_keep_the_plain_loop(small_ones_too, monkeypatch):
    assert plan(IDS["full"]) is not None
    monkeypatch.setattr(recurrent_shared, "_LEAST", B * T * H + 1)
    assert plan(IDS["full"]) is None


def test_places_tell_their_words(small_ones_too):
    found, ids = plan(IDS["padded in front"]), IDS["padded in front"]
    word = recurrent_inputs.words_of(look_ups.look_up(jnp.ones((V, D)), jnp.asarray(ids)), jnp.ones((D, H)))[0]
    told, place = found.word[found.spots(0, total(found))], found.places()
    for row in range(B):
        for column in range(T):
            assert told[place[column, row]] == word[row, column]


def test_a_model_learns_the_same(two_groups, monkeypatch):
    x = np.concatenate([IDS[name] for name in ("padded in front", "padded behind", "full")])
    y = np.arange(len(x)) % 2

    def trained():
        utils.set_random_seed(0)
        layer = layers.Bidirectional(layers.SimpleRNN(H, return_sequences=True))
        model = models.Sequential([layers.Embedding(V, D, input_length=T), layer, layers.GRU(H), layers.Dense(1)])
        model.compile("rmsprop", "mse")
        losses = model.fit(x, y, batch_size=B, epochs=2, verbose=0).history["loss"]
        return losses, model.get_weights(), model.predict(x)

    plans = []
    plan_of = recurrent_shared.plan_of
    monkeypatch.setattr(recurrent_shared, "plan_of", lambda *given: plans.append(plan_of(*given)) or plans[-1])
    quick = trained()
    assert any(p is not None and len(p.starts) > 1 for p in plans)
    monkeypatch.setattr(recurrent_shared, "plan_of", lambda *_: None)
    jax.clear_caches()
    for a, b in zip(jax.tree.leaves(quick), jax.tree.leaves(trained()), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
