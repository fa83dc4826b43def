"""The fused recurrent loops against plain arithmetic in float64: values, two derivatives, compiled loops."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from compiled_text import copies_of, loops_of
from hornbeam.engines import engine
from hornbeam.engines.jax import recurrent

B, T, D, H = 3, 4, 4, 5
GATES = {"lstm": 4, "gru": 3, "simple_rnn": 1}


pytestmark = pytest.mark.usefixtures("double_precision")


def plain(kind, x, states, kernel, recurrent_kernel, bias, recurrent_bias, settings):
    """One step at a time, one gate at a time, in NumPy."""
    gates, drop = GATES[kind], settings["recurrent_mask"] or [1.0]
    hard = settings["act"] == "hard_sigmoid"
    act = (lambda v: np.clip(0.2 * v + 0.5, 0, 1)) if hard else (lambda v: 1 / (1 + np.exp(-v)))
    xs = x if isinstance(x, list) else [x] * gates
    drop = drop * gates if len(drop) == 1 else drop
    cut = [slice(j * H, (j + 1) * H) for j in range(gates)]
    outputs, states, mask = [], list(states), settings["mask"]
    for t in reversed(range(T)) if settings["backwards"] else range(T):
        h = states[0]
        z = [xs[j][:, t] @ kernel[:, cut[j]] + bias[cut[j]] for j in range(gates)]
        y = [(h * drop[j]) @ recurrent_kernel[:, cut[j]] + recurrent_bias[cut[j]] for j in range(gates)]
        if kind == "lstm":
            i, f, o = act(z[0] + y[0]), act(z[1] + y[1]), act(z[3] + y[3])
            c = f * states[1] + i * np.tanh(z[2] + y[2])
            new = [o * np.tanh(c), c]
        elif kind == "gru":
            update, reset = act(z[0] + y[0]), act(z[1] + y[1])
            inner = reset * y[2] if settings["reset_after"] else (reset * h * drop[2]) @ recurrent_kernel[:, cut[2]]
            new = [update * h + (1 - update) * np.tanh(z[2] + inner)]
        else:
            new = [np.tanh(z[0] + y[0])]
        if mask is not None:
            new = [np.where(mask[:, t, None], n, s) for n, s in zip(new, states)]
        states = new
        outputs.append(states[0])
    return (np.stack(outputs, 1) if settings["sequences"] else None), tuple(states)


def fused(kind, x, states, kernel, recurrent_kernel, bias, recurrent_bias, settings):
    common = {"mask": settings["mask"], "recurrent_mask": settings["recurrent_mask"]}
    common |= {"backwards": settings["backwards"], "sequences": settings["sequences"]}
    if kind == "lstm":
        return recurrent.lstm(
            x, states, kernel, recurrent_kernel, bias, recurrent_activation=settings["act"], **common
        )
    if kind == "gru":
        return recurrent.gru(
            x, states, kernel, recurrent_kernel, bias, recurrent_bias if settings["reset_after"] else None,
            recurrent_activation=settings["act"], reset_after=settings["reset_after"], **common,
        )  # fmt: skip
    return recurrent.simple_rnn(x, states, kernel, recurrent_kernel, bias, **common)


def setting(
    kind, act="sigmoid", reset_after=False, masked=False, drops=0, split=False, backwards=False, sequences=False
):
    random = np.random.default_rng(0)

    def normal(*shape):
        return random.normal(size=shape) * 0.6

    gates = GATES[kind]
    arguments = (
        [normal(B, T, D) for _ in range(gates)] if split else normal(B, T, D),
        [normal(B, H) for _ in range(2 if kind == "lstm" else 1)],
        normal(D, gates * H),
        normal(H, gates * H),
        normal(gates * H),
        normal(gates * H) if reset_after else np.zeros(gates * H),
    )
    settings = {
        "mask": random.random((B, T)) > 0.4 if masked else None,
        "recurrent_mask": [(random.random((B, H)) > 0.3) / 0.7 for _ in range(drops)] or None,
        "act": act, "reset_after": reset_after, "backwards": backwards, "sequences": sequences,
    }  # fmt: skip
    return arguments, settings


WEIGHTS = np.arange(1, H + 1) / H


def loss_of(function, kind, settings, sin=jnp.sin):
    def loss(arguments):
        outputs, states = function(kind, *arguments, settings)
        return sum((sin(leaf * WEIGHTS)).sum() for leaf in jax.tree.leaves((outputs, states)))

    return loss


def difference(a, b):
    return max(float(abs(p - q).max()) for p, q in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


def slopes(function, arguments, used):
    """Central differences of `function`, along one random direction for each of the first `used` arguments."""
    random = np.random.default_rng(7)
    for place in range(used):
        direction = jax.tree.map(lambda a: random.normal(size=a.shape), arguments[place])
        ends = [
            function((
                *arguments[:place], jax.tree.map(lambda a, d, e=e: a + e * d, arguments[place], direction),
                *arguments[place + 1 :],
            ))
            for e in (1e-6, -1e-6)
        ]  # fmt: skip
        yield place, (ends[0] - ends[1]) / 2e-6, direction


def along(gradient, direction):
    return sum(float((g * d).sum()) for g, d in zip(jax.tree.leaves(gradient), jax.tree.leaves(direction), strict=True))


FORMS = [
    {},
    {"masked": True, "backwards": True, "sequences": True},
    {"drops": 1, "backwards": True},
    {"masked": True, "drops": "gates", "split": True, "sequences": True},
    {"drops": "gates", "backwards": True, "sequences": True},
]
CELLS = [("lstm", False), ("gru", False), ("gru", True), ("simple_rnn", False)]
CASES = [(kind, "sigmoid", after, form) for kind, after in CELLS for form in FORMS] + [
    (kind, "hard_sigmoid", False, form) for kind in ("lstm", "gru") for form in (FORMS[1], FORMS[4])
]


@pytest.mark.parametrize(("kind", "act", "reset_after", "form"), CASES, ids=str)
def test_values_and_gradients_are_those_of_plain_arithmetic(kind, act, reset_after, form):
    form = {**form, "drops": GATES[kind] if form.get("drops") == "gates" else form.get("drops", 0)}
    arguments, settings = setting(kind, act, reset_after, **form)
    value, gradient = jax.jit(jax.value_and_grad(loss_of(fused, kind, settings)))(arguments)
    want = loss_of(plain, kind, settings, np.sin)
    assert float(value) == pytest.approx(want(arguments), rel=1e-12)
    for place, slope, direction in slopes(want, arguments, 6 if reset_after else 5):
        assert along(gradient[place], direction) == pytest.approx(slope, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize(("kind", "reset_after"), CELLS)
def test_second_derivatives(kind, reset_after):
    compare_second_derivatives(kind, reset_after, masked=True)


def compare_second_derivatives(kind, reset_after, masked):
    arguments, settings = setting(kind, "sigmoid", reset_after, masked=masked, sequences=True)
    first = jax.grad(loss_of(fused, kind, settings))

    def of_first(arguments):
        return sum(jnp.sum(jnp.cos(g)) for g in jax.tree.leaves(first(arguments)[:5]))

    of_first = jax.jit(jax.value_and_grad(of_first))
    second = of_first(arguments)[1]
    for place, slope, direction in slopes(lambda a: of_first(a)[0], arguments, 6 if reset_after else 5):
        assert along(second[place], direction) == pytest.approx(float(slope), rel=1e-5, abs=1e-7)


@pytest.fixture
def all_are_large(monkeypatch):
    monkeypatch.setattr(recurrent, "_LARGE", 0)
    recurrent._fused.clear_cache()
    yield
    recurrent._fused.clear_cache()


def test_loops_taken_as_one_have_the_same_derivatives(all_are_large):
    test_values_and_gradients_are_those_of_plain_arithmetic("lstm", "sigmoid", False, {"backwards": True})
    compare_second_derivatives("lstm", False, masked=False)


def test_of_two_large_loops_backwards_the_second_begins_when_the_first_is_over(monkeypatch):
    rows, steps, units = 4000, 10, 128  # of which nothing is computed
    forms = [(rows, steps, D), (D, 4 * units), (units, 4 * units)]

    def scratch():
        """Scratch memory of both directions' gradients, in arrays (T, B, H)."""

        def loss(x, *kernels):
            zeros = (jnp.zeros((rows, units), x.dtype),) * 2
            lasts = [recurrent.lstm(x, zeros, *kernels, backwards=way)[1] for way in (False, True)]
            return sum((h * h).sum() for h, _ in lasts)

        recurrent._fused.clear_cache()
        program = jax.jit(jax.grad(loss, (0, 1, 2))).lower(*(jax.ShapeDtypeStruct(f, "float32") for f in forms))
        return program.compile().memory_analysis().temp_size_in_bytes / (4 * rows * steps * units)

    large = scratch()
    monkeypatch.setattr(recurrent, "_LARGE", rows * steps * units * 4 + 1)
    assert large < scratch() - 2  # 19.2 and 21.6


def test_gradient_inside_a_compiled_loop_is_the_same():
    arguments, settings = setting("lstm", sequences=True)
    gradient = jax.grad(loss_of(fused, "lstm", settings))

    def step(arguments):
        return jax.tree.map(lambda w, g: w - 0.1 * g, arguments, gradient(arguments))

    @jax.jit
    def train(arguments):
        body = lambda carry: (carry[0] + 1, step(carry[1]))  # noqa: E731
        return jax.lax.while_loop(lambda carry: carry[0] < 2, body, (0, arguments))[1]

    once = jax.jit(step)
    assert difference(train(arguments), once(once(arguments))) < 1e-12


@pytest.mark.parametrize("act", ["tanh", "sigmoid", "hard_sigmoid", "relu"])
@pytest.mark.parametrize(("kind", "reset_after"), CELLS)
def test_no_turn_of_the_loops_copies_whole_arrays(kind, reset_after, act):
    """With the classic default, hard_sigmoid, each did: a step of an LSTM took three times as long, of a GRU four."""
    (x, states, kernel, recurrent_kernel, bias, recurrent_bias), _ = setting(kind, reset_after=reset_after)
    made = {
        "lstm": functools.partial(recurrent.lstm, recurrent_activation=act),
        "gru": functools.partial(recurrent.gru, recurrent_activation=act, reset_after=reset_after),
        "simple_rnn": functools.partial(recurrent.simple_rnn, activation=act),
    }[kind]

    def loss(x, *weights):
        return (made(x, states, *weights)[1][0] ** 2).sum()

    weights = (kernel, recurrent_kernel, bias, *([recurrent_bias] if reset_after else []))
    gradient = engine.compile_function(jax.grad(loss, tuple(range(1 + len(weights)))))
    text = gradient.lower(x, *weights).compile().as_text()
    loops, whole = loops_of(text), f"f64[{T},{B},{H}]"
    assert loops.count(whole) > 2
    assert copies_of(whole, loops) == []


@pytest.mark.parametrize("kind", GATES)
def test_no_rows_and_no_steps(kind):
    arguments, settings = setting(kind, sequences=True)
    x, states, *weights = arguments
    outputs, last = fused(kind, x[:, :0], states, *weights, settings)
    assert outputs.shape == (B, 0, H)
    assert difference(last, tuple(states)) == 0
    outputs, _ = fused(kind, x[:0], [s[:0] for s in states], *weights, settings)
    assert outputs.shape == (0, T, H)


def test_a_row_masked_throughout_keeps_its_states_and_gets_no_gradient():
    arguments, settings = setting("lstm", sequences=True)
    settings["mask"] = np.array([[False] * T, [True] * T, [True] * T])
    x, states, *weights = arguments
    outputs, last = fused("lstm", x, states, *weights, settings)
    assert difference(last[1][0], states[1][0]) == 0
    assert difference(outputs[0], np.broadcast_to(states[0][0], (T, H))) == 0
    gradient = jax.jit(jax.grad(loss_of(fused, "lstm", settings)))(arguments)[0]
    assert float(jnp.abs(gradient[0]).max()) == 0
    assert float(jnp.abs(gradient[1]).min()) > 0


def test_words_of_this_file_belong_to_the_engine():
    assert engine.lstm is recurrent.lstm
    assert engine.gru is recurrent.gru
    assert engine.simple_rnn is recurrent.simple_rnn
