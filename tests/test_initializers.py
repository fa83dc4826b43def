"""Initializers: values, distributions beside Keras 3, repeatability, cost, names and configurations."""

import inspect
import logging
import math
import tracemalloc

import jax
import keras
import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam import initializers, registry
from hornbeam.layers import Dense

CLASSIC = (
    "Initializer Zeros Ones Constant RandomNormal RandomUniform TruncatedNormal VarianceScaling Orthogonal Identity "
    "lecun_uniform glorot_normal glorot_uniform he_normal lecun_normal he_uniform zero zeros one ones constant uniform "
    "random_uniform normal random_normal truncated_normal identity orthogonal serialize deserialize get"
).split()
MAKERS = "glorot_uniform glorot_normal he_uniform he_normal lecun_uniform lecun_normal".split()
# name, options, and of the numbers for a kernel of shape (3, 40, 50): largest size, standard deviation.
# A unit has 3 * 40 = 120 inputs and 3 * 50 = 150 outputs. A uniform distribution in +-l has deviation l / sqrt(3);
# a normal one cut at +-2 s keeps 0.8796 s.
KERNEL = (3, 40, 50)
CUT = 0.87962566103423978
RANDOM = [
    ("RandomUniform", {}, 0.05, 0.05 / math.sqrt(3)),
    ("RandomUniform", {"minval": -2, "maxval": 2}, 2, 2 / math.sqrt(3)),
    ("RandomNormal", {}, math.inf, 0.05),
    ("RandomNormal", {"stddev": 3.0}, math.inf, 3.0),
    ("TruncatedNormal", {}, 0.1, 0.05 * CUT),
    ("TruncatedNormal", {"stddev": 0.5}, 1.0, 0.5 * CUT),
    ("VarianceScaling", {}, 2 / CUT * math.sqrt(1 / 120), math.sqrt(1 / 120)),
    ("VarianceScaling", {"scale": 3.0, "mode": "fan_out"}, 2 / CUT * math.sqrt(3 / 150), math.sqrt(3 / 150)),
    ("VarianceScaling", {"distribution": "untruncated_normal"}, math.inf, math.sqrt(1 / 120)),
    ("VarianceScaling", {"distribution": "truncated_normal"}, 2 / CUT * math.sqrt(1 / 120), math.sqrt(1 / 120)),
    ("VarianceScaling", {"mode": "fan_avg", "distribution": "uniform"}, math.sqrt(3 / 135), math.sqrt(1 / 135)),
    ("GlorotUniform", {}, math.sqrt(6 / 270), math.sqrt(2 / 270)),
    ("GlorotNormal", {}, 2 / CUT * math.sqrt(2 / 270), math.sqrt(2 / 270)),
    ("HeUniform", {}, math.sqrt(6 / 120), math.sqrt(2 / 120)),
    ("HeNormal", {}, 2 / CUT * math.sqrt(2 / 120), math.sqrt(2 / 120)),
    ("LecunUniform", {}, math.sqrt(3 / 120), math.sqrt(1 / 120)),
    ("LecunNormal", {}, 2 / CUT * math.sqrt(1 / 120), math.sqrt(1 / 120)),
]
EVERY = [(name, options) for name, options, _, _ in RANDOM] + [
    ("Zeros", {}),
    ("Ones", {}),
    ("Constant", {"value": 2.5}),
    ("Identity", {"gain": 0.5}),
    ("Orthogonal", {"gain": 2.0}),
]
every = pytest.mark.parametrize(("name", "options"), EVERY)


def make(name, options, **more):
    return getattr(initializers, name)(**options, **more)


def gap(a, b):
    """Largest distance between two empirical distributions (Kolmogorov and Smirnov)."""
    a, b = np.sort(a.ravel()), np.sort(b.ravel())
    points = np.concatenate([a, b])
    return np.abs(np.searchsorted(a, points, "right") / a.size - np.searchsorted(b, points, "right") / b.size).max()


# --- Random values ---


@pytest.mark.parametrize(("name", "options", "largest", "stddev"), RANDOM)
def test_mean_deviation_and_bounds(name, options, largest, stddev):
    values = make(name, options, seed=11)(KERNEL).astype("float64")
    n = values.size
    # The mean of n numbers strays by stddev / sqrt(n), their deviation by less than stddev / sqrt(2 n): 5 times that.
    assert abs(values.mean()) < 5 * stddev / math.sqrt(n)
    assert abs(values.std() / stddev - 1) < 5 / math.sqrt(2 * n)
    assert np.abs(values).max() <= largest * (1 + 1e-6)
    if largest < math.inf:  # and the bound is reached: some of 6000 numbers fall into the outer hundredth
        assert np.abs(values).max() > 0.98 * largest


@pytest.mark.parametrize(("name", "options", "largest", "stddev"), RANDOM)
def test_distributions_are_those_of_keras(name, options, largest, stddev):
    ours = make(name, options, seed=1)(KERNEL)
    theirs = np.asarray(getattr(keras.initializers, name)(**options, seed=2)(KERNEL))
    assert theirs.shape == ours.shape
    # Two samples of n from one distribution lie further apart once in 100 000 tries: sqrt(-log(p / 2) / n).
    assert gap(ours, theirs) < math.sqrt(-math.log(1e-5 / 2) / ours.size)


def test_the_mean_is_added():
    values = initializers.RandomNormal(mean=7.0, stddev=0.1, seed=1)((50, 50))
    cut = initializers.TruncatedNormal(mean=-7.0, stddev=0.1, seed=1)((50, 50))
    # Both strayings are below 0.1 / 50 = 0.002.
    assert abs(values.mean() - 7) < 0.01
    assert abs(cut.mean() + 7) < 0.01
    assert np.abs(cut + 7).max() <= 0.2 * (1 + 1e-5)


def test_numbers_of_different_blocks_differ():
    values = initializers.RandomUniform(0, 1, seed=3)((3 * initializers._BLOCK + 5,))
    blocks = [values[i * initializers._BLOCK :][: initializers._BLOCK] for i in range(3)]
    # Correlation of 65 536 pairs strays by 1 / 256.
    for a, b in ((0, 1), (1, 2), (0, 2)):
        assert abs(np.corrcoef(blocks[a], blocks[b])[0, 1]) < 5 / 256
    assert np.unique(values).size > 0.97 * values.size  # 24 bits: about 197 000 / 2**25 of them coincide


@pytest.mark.parametrize("shape", [(6, 6), (8, 3), (3, 8), (2, 3, 4, 5), (2, 2, 30)])
def test_orthogonal(shape):
    q = initializers.Orthogonal(gain=3.0, seed=2)(shape).reshape(-1, shape[-1])
    product = q.T @ q if q.shape[0] >= q.shape[1] else q @ q.T
    np.testing.assert_allclose(product, 9 * np.eye(len(product)), atol=1e-5)


def test_orthogonal_matrices_are_all_equally_likely():
    # Then every entry has mean 0 and variance 1 / n; without the signs set, the diagonal of Q would lean to one side.
    values = np.array([initializers.Orthogonal(seed=i)((4, 4)) for i in range(400)])
    assert np.abs(values.mean(0)).max() < 5 * 0.5 / math.sqrt(400)
    np.testing.assert_allclose((values**2).mean(0), np.full((4, 4), 0.25), atol=0.07)


@pytest.mark.parametrize(
    ("shape", "fans"),
    [
        ((5, 7), (5, 7)),
        ((3, 5, 7), (15, 21)),
        ((3, 3, 5, 7), (45, 63)),
        ((2, 3, 4, 5, 7), (120, 168)),
        ((16,), (4, 4)),  # the classic square root, where Keras 3 has 16
        ((), (1, 1)),
    ],
)
def test_fans(shape, fans):
    assert initializers.compute_fans(shape) == fans


def test_fans_by_axes():
    options = {"distribution": "uniform", "input_axes": [0], "output_axes": [1, 2]}
    values = initializers.VarianceScaling(3.0, "fan_out", seed=1, **options)((4, 5, 5))
    # Uniform within sqrt(3 * 3 / 25) = 0.6.
    assert 0.55 < np.abs(values).max() <= 0.6
    assert initializers.VarianceScaling(**options).get_config()["output_axes"] == [1, 2]


# --- Repeatability ---


@pytest.mark.parametrize("name", [n for n, o in EVERY if n not in ("Zeros", "Ones", "Constant", "Identity")])
def test_a_seed_repeats_and_no_seed_does_not(name):
    seeded, free = make(name, {}, seed=8), make(name, {})
    np.testing.assert_array_equal(seeded((4, 4)), seeded((4, 4)))
    np.testing.assert_array_equal(seeded((4, 4)), make(name, {}, seed=8)((4, 4)))
    assert not np.array_equal(seeded((4, 4)), make(name, {}, seed=9)((4, 4)))
    assert not np.array_equal(free((4, 4)), free((4, 4)))
    np.random.seed(4)
    first = free((4, 4))
    np.random.seed(4)
    np.testing.assert_array_equal(first, free((4, 4)))


# --- Fixed values ---


@every
def test_arrays_of_the_host_in_single_precision(name, options):
    values = make(name, options)((3, 4))
    assert type(values) is np.ndarray
    assert values.dtype == np.float32
    assert values.shape == (3, 4)
    assert values.flags.writeable


@every
@pytest.mark.parametrize("dtype", ["float16", "float64", "int32", "bfloat16"])
def test_types(name, options, dtype):
    values = make(name, options)((3, 4), dtype)
    assert values.dtype == ("float32" if dtype == "bfloat16" else dtype)
    if dtype == "bfloat16":
        assert K.variable(values, dtype=dtype).dtype == "bfloat16"


@pytest.mark.parametrize("name", ["RandomNormal", "RandomUniform", "TruncatedNormal", "HeNormal", "Zeros"])
@pytest.mark.parametrize("shape", [(), (0, 3), (2,), [2, 2], 4])
def test_shapes(name, shape):
    assert make(name, {})(shape).shape == (tuple(shape) if np.iterable(shape) else (shape,))


def test_fixed_values():
    np.testing.assert_array_equal(initializers.Zeros()((2, 3)), np.zeros((2, 3)))
    np.testing.assert_array_equal(initializers.Ones()((2, 3)), np.ones((2, 3)))
    np.testing.assert_array_equal(initializers.Constant()((2,)), [0, 0])
    np.testing.assert_array_equal(initializers.Constant(0.5)((2, 3)), np.full((2, 3), 0.5))
    assert initializers.Constant(0.1)((1,), "float64")[0] == 0.1


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 2), (7, 2)])
def test_identity(shape):
    np.testing.assert_array_equal(initializers.Identity(2.0)(shape), 2 * np.eye(*shape))
    np.testing.assert_array_equal(initializers.Identity()(shape), keras.initializers.Identity()(shape))


def test_constant_takes_arrays():
    table = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(initializers.Constant(table)((2, 3)), table)
    np.testing.assert_array_equal(initializers.Constant([1, 2, 3])((2, 3)), [[1, 2, 3], [1, 2, 3]])
    again = initializers.deserialize(initializers.serialize(initializers.Constant(table)))
    np.testing.assert_array_equal(again((2, 3)), table)


# --- Cost ---


@pytest.mark.parametrize("name", ["RandomUniform", "RandomNormal", "TruncatedNormal", "Zeros"])
def test_a_large_table_is_allocated_once(name):
    shape = (500, 2000)
    tracemalloc.start()
    try:
        values = make(name, {})(shape)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < values.nbytes + 2**20


@every
def test_nothing_is_compiled(name, options, caplog):
    caplog.set_level(logging.WARNING)
    with jax.log_compiles():
        make(name, options)((7, 9))
    assert not [record for record in caplog.records if "ompil" in record.getMessage()]


def test_a_compilation_would_have_been_seen(caplog):
    caplog.set_level(logging.WARNING)
    with jax.log_compiles():
        jax.jit(lambda x: x * 3.25)(np.ones(17))
    assert [record for record in caplog.records if "ompil" in record.getMessage()]


# --- Names, configurations, errors ---


@pytest.mark.parametrize("name", CLASSIC)
def test_the_classic_names_are_here(name):
    assert callable(getattr(initializers, name))


@every
def test_configurations_go_round(name, options):
    ours = make(name, options)
    config = initializers.serialize(ours)
    assert config["class_name"] == name
    again = initializers.deserialize(config)
    assert type(again) is type(ours)
    assert initializers.serialize(again) == config
    assert ours.clone().get_config() == ours.get_config()
    for key, value in options.items():
        assert config["config"][key] == value


def test_seeds_are_kept():
    config = initializers.GlorotUniform(seed=3).get_config()
    assert config == {"seed": 3}
    again = initializers.get({"class_name": "GlorotUniform", "config": config})
    np.testing.assert_array_equal(again((2, 2)), initializers.glorot_uniform(3)((2, 2)))


@every
def test_configurations_of_keras_3_are_read(name, options):
    config = keras.initializers.serialize(getattr(keras.initializers, name)(**options))
    again = initializers.get(config)
    assert type(again) is getattr(initializers, name)
    for key in options.keys() & config["config"].keys():  # Keras 3 forgets the gain of Identity
        assert again.get_config()[key] == config["config"][key]


@pytest.mark.parametrize("name", MAKERS)
def test_the_classic_functions_make_a_variance_scaling(name):
    scaling = initializers.get(name)
    assert inspect.signature(getattr(initializers, name)).parameters.keys() == {"seed"}
    assert set(scaling.get_config()) == {"scale", "mode", "distribution", "seed"}
    assert initializers.serialize(scaling)["class_name"] == "VarianceScaling"
    today = getattr(initializers, name.title().replace("_", ""))(seed=5)
    np.testing.assert_array_equal(getattr(initializers, name)(seed=5)(KERNEL), today(KERNEL))


def test_the_classic_default_is_saved_as_keras_2_saves_it():
    config = {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform", "seed": None}
    assert initializers.serialize(initializers.get("glorot_uniform")) == {
        "class_name": "VarianceScaling", "config": config,
    }  # fmt: skip


def test_the_type_that_tf_keras_writes_is_passed_over():
    config = {"class_name": "RandomUniform", "config": {"minval": 0, "maxval": 1, "seed": 2, "dtype": "float32"}}
    assert initializers.get(config).get_config() == {"minval": 0, "maxval": 1, "seed": 2}


@pytest.mark.parametrize(
    ("identifier", "kind"),
    [
        ("zeros", "Zeros"), ("zero", "Zeros"), ("one", "Ones"), ("ones", "Ones"), ("constant", "Constant"),
        ("uniform", "RandomUniform"), ("random_uniform", "RandomUniform"), ("normal", "RandomNormal"),
        ("random_normal", "RandomNormal"), ("truncated_normal", "TruncatedNormal"), ("identity", "Identity"),
        ("orthogonal", "Orthogonal"), ("Orthogonal", "Orthogonal"), ("he_normal", "VarianceScaling"),
        ("HeNormal", "HeNormal"), ("VarianceScaling", "VarianceScaling"), (initializers.Ones, "Ones"),
        (initializers.uniform, "RandomUniform"), (initializers.he_uniform, "VarianceScaling"),
        ({"class_name": "glorot_normal", "config": {"seed": 1}}, "VarianceScaling"),
    ],
)  # fmt: skip
def test_get_understands(identifier, kind):
    assert type(initializers.get(identifier)).__name__ == kind


def test_get_gives_objects_functions_and_none_back():
    def own(shape, dtype=None):
        return np.full(shape, 3, dtype)

    ones = initializers.Ones()
    assert initializers.get(ones) is ones
    assert initializers.get(own) is own
    assert initializers.get(None) is None
    with registry.custom_object_scope({"own": own}):
        assert initializers.get(initializers.serialize(own)) is own


def test_arguments_stand_in_the_classic_order():
    assert initializers.uniform(1, 2, 3).get_config() == {"minval": 1, "maxval": 2, "seed": 3}
    assert initializers.normal(1, 2, 3).get_config() == {"mean": 1, "stddev": 2, "seed": 3}
    assert initializers.orthogonal(2, 3).get_config() == {"gain": 2, "seed": 3}
    config = {"scale": 2, "mode": "fan_out", "distribution": "uniform", "seed": 3}
    assert initializers.VarianceScaling(2, "fan_out", "uniform", 3).get_config() == config


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: initializers.VarianceScaling(scale=0), "VarianceScaling: scale must be a number above 0; got 0"),
        (lambda: initializers.VarianceScaling(mode="fan"), "one of 'fan_in', 'fan_out', 'fan_avg'; got 'fan'"),
        (lambda: initializers.VarianceScaling(distribution="gauss"), "distribution must be one of"),
        (lambda: initializers.VarianceScaling(input_axes=[0]), "go together"),
        (lambda: initializers.RandomNormal(seed=-1), "seed must be None or an integer, 0 or more; got -1"),
        (lambda: initializers.he_normal(seed="a"), "seed must be None or an integer"),
        (lambda: initializers.Identity()((2, 2, 2)), r"Identity fills matrices, got shape \(2, 2, 2\)"),
        (lambda: initializers.Orthogonal()((2,)), r"rank 2 or more, got shape \(2,\)"),
        (lambda: initializers.Constant([1, 2])((3,)), r"value of shape \(2,\) does not fit a weight of shape \(3,\)"),
        (lambda: initializers.Constant([[1, 2]])((2,)), "does not fit"),
        (lambda: initializers.Zeros()((None, 3)), "every size must be known"),
        (lambda: initializers.get("glorot_unifrom"), "Did you mean 'glorot_uniform'"),
    ],
)
def test_errors_name_the_cure(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_get_refuses_numbers():
    with pytest.raises(TypeError, match="initializer is given by name"):
        initializers.get(0)


def test_the_base_class_says_what_to_define():
    with pytest.raises(NotImplementedError, match="define __call__"):
        initializers.Initializer()((2,))


RANDOM = ["random_normal", "truncated_normal", "random_uniform", "variance_scaling", "he_normal", "glorot_uniform"]


@pytest.mark.parametrize("name", RANDOM)
def test_what_is_drawn_later_is_settled_now(name):
    initializer = initializers.get(name)
    np.random.seed(3)
    now = initializer((4, 5), "float32")
    np.random.seed(3)
    draw = initializers.later(initializer, (4, 5), "float32")
    after = np.random.rand()
    for attribute in ("stddev", "maxval", "scale"):
        if hasattr(initializer, attribute):
            setattr(initializer, attribute, 100.0)
    np.testing.assert_array_equal(draw(), now)
    np.testing.assert_array_equal(draw(), now)
    np.random.seed(3)
    np.random.randint(0, 2**31 - 1)
    assert after == np.random.rand()


def test_others_are_called_at_once():
    class Halved(initializers.GlorotUniform):
        def __call__(self, shape, dtype=None):
            return super().__call__(shape, dtype) / 2

    for initializer in (Halved(), initializers.Zeros(), initializers.Orthogonal(), np.ones):
        assert initializers.later(initializer, (2, 2), "float32") is None


def test_weights_do_not_depend_on_when_and_in_what_order_they_are_read():
    def weights(order):
        np.random.seed(5)
        layers = [Dense(3, dtype=dtype) for dtype in ("float32", "float16", "float32")]
        for layer in layers:
            layer.build((None, 4))
        np.random.rand()
        read = {i: layers[i].get_weights()[0] for i in order}
        return [read[i] for i in sorted(read)]

    for one, other in zip(weights([0, 1, 2]), weights([2, 0, 1]), strict=True):
        np.testing.assert_array_equal(one, other)
