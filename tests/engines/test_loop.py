"""The loop of many steps in one program."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hornbeam.engines.jax.loop import compile_steps


def step(fixed, state, batch, valid):
    """Adds up the real rows of each batch."""
    rows = batch["x"].shape[0]
    real = jnp.ones(rows) if valid is None else (jnp.arange(rows) < valid)
    total = (batch["x"] * real).sum() * fixed["factor"]
    return {"sum": state["sum"] + total, "count": state["count"] + 1}, {"total": total, "count": state["count"]}


X = np.arange(10, dtype="float32")
PLAN = np.array([[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 0, 0]], "int32")
VALID = np.array([3, 3, 3, 1], "int32")
FIXED = {"factor": np.float32(2)}


def start():
    return {"sum": jnp.zeros(()), "count": jnp.zeros((), "int32")}


@pytest.fixture(scope="module")
def run():
    return compile_steps(step)


def test_all_steps_at_once(run):
    state, logs = run(FIXED, start(), {"x": X}, PLAN, VALID, np.int32(0), np.int32(4))
    assert float(state["sum"]) == 2 * X.sum()
    assert logs["total"].tolist() == [6, 24, 42, 18]
    assert logs["count"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("cut", [[1, 2, 3, 4], [2, 4], [3, 4], [1, 4]])
def test_any_cut_is_the_same_and_nothing_compiles_again(run, cut):
    run(FIXED, start(), {"x": X}, PLAN, VALID, np.int32(0), np.int32(4))
    compiled = run._cache_size()
    state, found, begin = start(), [], 0
    for end in cut:
        state, logs = run(FIXED, state, {"x": X}, PLAN, VALID, np.int32(begin), np.int32(end))
        found += logs["total"].tolist()[begin:end]
        assert logs["total"].tolist()[end:] == [0] * (4 - end)
        begin = end
    assert found == [6, 24, 42, 18]
    assert float(state["sum"]) == 2 * X.sum()
    assert run._cache_size() == compiled


def test_stacked_batches_in_place_of_a_plan(run):
    state, logs = run(FIXED, start(), {"x": X[PLAN]}, None, VALID, np.int32(0), np.int32(4))
    assert float(state["sum"]) == 2 * X.sum()
    assert logs["total"].tolist() == [6, 24, 42, 18]


def test_without_counts_all_rows_are_real(run):
    _, logs = run(FIXED, start(), {"x": X}, PLAN, None, np.int32(0), np.int32(4))
    assert logs["total"].tolist() == [6, 24, 42, 18]  # the last batch is filled up with row 0, whose value is 0


def test_no_step_at_all(run):
    state, logs = run(FIXED, start(), {"x": X}, PLAN, VALID, np.int32(2), np.int32(2))
    assert float(state["sum"]) == 0
    assert logs["total"].tolist() == [0] * 4


def test_the_states_memory_is_handed_over(run):
    state = start()
    run(FIXED, state, {"x": X}, PLAN, VALID, np.int32(0), np.int32(1))
    assert state["sum"].is_deleted()
    jax.block_until_ready(run(FIXED, start(), {"x": X}, PLAN, VALID, np.int32(0), np.int32(1)))


@pytest.mark.parametrize(("shape", "dtype"), [
    ((4096, 64), "float32"), ((4096, 4, 5, 8), "float32"), ((1 << 18,), "int32"), ((1 << 19, 2), "uint8"),
    ((600_000,), "bool"),
])  # fmt: skip
def test_few_rows_of_a_large_array_are_copied_by_one_thread(shape, dtype):
    x = np.random.default_rng(0).integers(0, 100, shape).astype(dtype)
    plan = np.random.default_rng(1).integers(0, len(x), (3, 7)).astype("int32")
    plan[1, :3] = len(x) - 1, 0, 0  # the ends, one of them twice
    run = compile_steps(lambda fixed, state, batch, valid: (state, batch["x"] * fixed))
    given = np.ones((), dtype), jnp.zeros(()), {"x": x}, plan, None, np.int32(0), np.int32(3)
    assert "outer_dimension_partitions\":[\"" not in run.lower(*given).compile().as_text()
    np.testing.assert_array_equal(run(*given)[1], x[plan])


def test_many_bytes_of_a_large_array_are_shared_among_threads_where_there_are_several():
    x = np.zeros((4096, 512), "float32")
    run = compile_steps(lambda fixed, state, batch, valid: (state, batch["x"].sum()))
    given = 0.0, jnp.zeros(()), {"x": x}, np.zeros((1, 512), "int32"), None, np.int32(0), np.int32(1)
    assert len(run.lower(*given).as_text().split("stablehlo.while")) == 2  # the one over steps
