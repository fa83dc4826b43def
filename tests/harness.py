"""One check for every layer: what any layer promises, proven on a few small arrays.

    from harness import check_layer

    def test_dense():
        check_layer(Dense, {"units": 3}, input_shape=(4,))
"""

import contextlib
import json
import os
import tempfile
from unittest import mock

import numpy as np

from hornbeam import backend as K
from hornbeam import nest, registry, scope
from hornbeam.core import Input
from hornbeam.models import Model, Sequential, model_from_json
from hornbeam.saving import hdf5, model_files

BATCH = 3
OPEN_SIZE = 4  # what an unknown size in `input_shape` is on the day
OTHER_ENGINES = ("numpy",)
_seen = set()  # classes of layers whose first case went through what is slow and says much the same for the others


def check_layer(
    make, kwargs=None, input_shape=None, inputs=None, *, dtype="float32", random=False, gradients=True,
    sequential=True, one_step=True, config=True, engines=True, custom_objects=None, rtol=1e-5, atol=1e-6,
):  # fmt: skip
    """Prove what any layer promises.

    Promised shape and type = real ones, on symbols and on values, for a whole batch, one row and none; weights,
    configuration and file round trips; use in a functional model and in a stack; finite gradients; one compiled
    training step; the same result on every engine; rows that pad a batch change nothing.

    Args:
        make: the layer's class, or a function giving a new layer at every call.
        kwargs: arguments for `make`.
        input_shape: sizes without the batch, None where unknown; or a list of such shapes for several inputs.
        inputs: array(s) to use in place of random ones; their shapes are taken where `input_shape` is missing.
        random: does the result change from call to call while training?
        gradients: is the layer differentiable?
        sequential: can it stand first in a stack? One input only.
        one_step: run one compiled training step (in the first case of a class)?
        config: can the layer be written down?
        engines: is it the same on the other engines?
        custom_objects: for reading the configuration.

    Returns:
        the result of the layer (inference) on the inputs, as NumPy array or list of them, and the layer.
    """
    case = _Case(make, dict(kwargs or {}), input_shape, inputs, dtype, custom_objects, rtol, atol)
    case.check_compiled(gradients)
    case.check_shapes()
    case.check_weights()
    case.check_engines(engines, random)
    if config:
        case.check_config()
        case.check_models(sequential and not case.several)
    if type(case.layer) not in _seen:
        case.check_values()
        if config and one_step and gradients:
            case.check_step()
        _seen.add(type(case.layer))
    return case.result, case.layer


def _zip(*structures):
    return zip(*(nest.flatten(s) for s in structures), strict=True)


def _distance(y_true, y_pred):
    """A loss no last activation is unsuited for."""
    return K.mean(K.square(y_true - y_pred), axis=-1)


def numpy_of(structure):
    """Values as NumPy arrays, in the same nesting."""
    return nest.map_structure(lambda v: None if v is None else K.get_value(v), structure)


def run_on_engine(name, layer, arrays, training=False, valid_rows=None):
    """Result of `layer` on the engine called `name`, and its weights afterwards; the layer itself stays as it is."""
    with K.use_engine(name) as engine:
        own = [*layer.weights, *layer.state_variables]
        with scope.Scope({v: engine.convert(v.numpy()) for v in own}, training, 7, valid_rows) as here:
            found, _ = layer.run(nest.map_structure(engine.convert, arrays), None, (), {})
        found = nest.map_structure(lambda v: None if v is None else engine.to_numpy(v), found)
        return found, [engine.to_numpy(here.values[v]) for v in layer.weights]


def by_file(model, custom_objects=None):
    """`model` by way of an HDF5 file, weights and all; without what makes a real save safe, which costs time."""
    with tempfile.TemporaryDirectory(prefix="hornbeam-tests-") as folder:
        path = os.path.join(folder, "m.h5")
        hdf5.write_model(model_files.describe(model), path)
        return model_files.assemble(hdf5.read_model(path), custom_objects)


class _Case:
    """One layer, its inputs and its result."""

    def __init__(self, make, kwargs, input_shape, inputs, dtype, custom_objects, rtol, atol):
        self.make = lambda: make(**kwargs)
        self.custom_objects, self.rtol, self.atol = custom_objects, rtol, atol
        self.several = isinstance(inputs, list) or (isinstance(input_shape, list) and inputs is None)
        if inputs is None:
            draw = np.random.default_rng(0)
            shapes = input_shape if self.several else [input_shape]
            sizes = [(BATCH, *(OPEN_SIZE if s is None else s for s in shape)) for shape in shapes]
            floating = "float" in dtype
            inputs = [draw.normal(size=s) if floating else draw.integers(0, 4, s) for s in sizes]
            inputs = [x.astype(dtype) for x in inputs]
        else:
            inputs = [np.asarray(x) for x in nest.to_list(inputs)]
        self.inputs = inputs if self.several else inputs[0]
        if input_shape is None:
            input_shape = [x.shape[1:] for x in inputs]
        self.shapes = input_shape if isinstance(input_shape, list) else [input_shape]
        self.dtypes = [str(x.dtype) for x in inputs]
        self.layer = self.make()
        self.quick = K.backend()  # the engine for what is only worth a look: one that compiles nothing, if it may be

    def symbols(self):
        found = [Input(shape, dtype=dtype) for shape, dtype in zip(self.shapes, self.dtypes, strict=True)]
        return found if self.several else found[0]

    def equal(self, found, wanted, what):
        for one, other in _zip(numpy_of(found), numpy_of(wanted)):
            np.testing.assert_allclose(one, other, rtol=self.rtol, atol=self.atol, err_msg=what)

    # --- What is checked, in this order ---

    def check_shapes(self):
        """The symbolic promise and the hand-written rule hold for real values."""
        assert len(nest.flatten(self.promised)) == len(nest.flatten(self.result))
        for symbol, value in _zip(self.promised, self.result):
            assert len(symbol.shape) == value.ndim, f"promised {symbol.shape}, got {value.shape}"
            same = all(p in (None, real) for p, real in zip(symbol.shape, value.shape, strict=True))
            assert same, f"promised {tuple(symbol.shape)}, got {value.shape}"
            assert symbol.dtype == str(value.dtype), f"promised {symbol.dtype}, got {value.dtype}"
            assert value.dtype.kind != "f" or np.isfinite(value).all()
        ruled = self.layer.compute_output_shape(nest.map_structure(np.shape, self.inputs))
        real = [v.shape for v in nest.flatten(self.result)]
        ruled = [ruled] if all(isinstance(s, int) for s in ruled) else list(ruled)
        assert [tuple(s) for s in ruled] == real

    def check_values(self):
        """Called on values, the layer gives the same; on none, none."""
        self.equal(self.layer(self.inputs), self.result, "called on values")
        none = numpy_of(self.layer(nest.map_structure(lambda x: x[:0], self.inputs)))
        if self.layer.rowwise:
            for value, empty in _zip(self.result, none):
                assert empty.shape == (0, *value.shape[1:])

    def check_weights(self):
        """What get_weights gives, set_weights takes; the counts agree."""
        weights = self.layer.get_weights()
        self.layer.set_weights([w + 1 for w in weights])
        self.equal(self.layer.get_weights(), [w + 1 for w in weights], "weights set")
        self.layer.set_weights(weights)
        assert self.layer.count_params() == sum(w.size for w in weights)
        assert len(self.layer.trainable_weights) + len(self.layer.non_trainable_weights) == len(weights)

    def _twin(self, **changes):
        """A layer read from this one's configuration, by way of JSON."""
        settings = json.loads(json.dumps(self.layer.get_config()))
        entry = {"class_name": registry.get_registered_name(type(self.layer)), "config": {**settings, **changes}}
        twin = registry.deserialize("layer", entry, self.custom_objects)
        if not changes:
            assert json.loads(json.dumps(twin.get_config())) == settings
        return twin

    def check_config(self):
        """A layer made from the configuration, with the same weights, gives the same."""
        twin = self._twin()
        twin(self.symbols())
        self._same_as_this(twin, "layer from configuration")

    def _same_as_this(self, other, what):
        """`other` (a layer or model), given this layer's weights, has the same result."""
        other.set_weights(self.layer.get_weights())
        self.equal(run_on_engine(self.quick, other, self.inputs)[0], self.result, what)

    def check_compiled(self, gradients):
        """Compiled, the layer has a result, and finite gradients."""
        symbols = self.symbols()
        self.promised = self.layer(symbols)
        graph, wanted = self._gradient_graph(symbols) if gradients else (None, [])

        def both(weights, inputs):
            values = dict(zip(self.layer.weights, weights, strict=True))
            with scope.Scope(dict(values), seed=7):
                found = self.layer(inputs)
            own = [values[v] for v in graph._variables] if wanted else []
            return found, graph._run(own, nest.flatten(inputs), False, 7)[0] if wanted else []

        weights = [v.value for v in self.layer.weights]
        inputs = nest.map_structure(lambda x: K.constant(x, str(x.dtype)), self.inputs)
        found = K.engine.compile_function(both)(weights, inputs)
        self.result, gradients = numpy_of(found[0]), numpy_of(found[1])
        for tensor, gradient in zip(wanted, gradients, strict=True):
            known = zip(tensor.shape, gradient.shape, strict=True)
            assert all(size in (None, real) for size, real in known), f"gradient of {tensor.name}: {gradient.shape}"
            assert np.isfinite(gradient).all(), f"gradient of {tensor.name} is not finite"

    def _gradient_graph(self, symbols):
        """Function of the graph giving gradients, and what they are taken by."""
        loss = sum(K.sum(K.square(y)) for y in nest.flatten(self.promised) if "float" in y.dtype)
        wanted = [t for t in nest.flatten(symbols) if "float" in t.dtype] + self.layer.trainable_weights
        return K.function(nest.flatten(symbols), K.gradients(loss, wanted) if wanted else []), wanted

    def check_engines(self, engines, random):
        """Every other engine gives the same. Rows keep to themselves, and rows that pad a batch do nothing."""
        for name in OTHER_ENGINES if engines else ():
            self.quick = name
            self.equal(run_on_engine(name, self.layer, self.inputs)[0], self.result, f"{name} engine")
        if self.layer.rowwise:
            self._check_rows(self.quick, random)

    def _check_rows(self, engine, random):
        one, _ = run_on_engine(engine, self.layer, nest.map_structure(lambda x: x[:1], self.inputs))
        for value, row in _zip(self.result, one):
            np.testing.assert_allclose(row, value[:1], rtol=self.rtol, atol=self.atol, err_msg="one row alone")
        if random:
            return
        padded = nest.map_structure(lambda x: np.concatenate([x, x[:1], x[:1] + 1]), self.inputs)
        plain, plain_weights = run_on_engine(engine, self.layer, self.inputs, training=True)
        rows = len(nest.flatten(self.inputs)[0])
        found, weights = run_on_engine(engine, self.layer, padded, training=True, valid_rows=np.int32(rows))
        self.equal([y[:rows] for y in nest.flatten(found)], nest.flatten(plain), "training, beside rows of padding")
        self.equal(weights, plain_weights, "weights after training with rows of padding")

    def check_models(self, sequential):
        """In a functional model read from its file (or its JSON), and in a stack: the same result."""
        symbols = self.symbols()
        model = Model(symbols, self.layer(symbols))
        if type(self.layer) in _seen:
            self.model = model_from_json(model.to_json(), self.custom_objects)
            self._same_as_this(self.model, "model read from JSON")
        else:
            self.model = by_file(model, self.custom_objects)
            found = run_on_engine(self.quick, self.model, self.inputs)[0]
            self.equal(found, self.result, "model read from its file")
        if sequential and isinstance(self.result, np.ndarray):
            stack = Sequential([self._twin(batch_input_shape=(None, *self.shapes[0]))])
            self._same_as_this(stack, "stack")

    def check_step(self):
        """One training step of the model that was read."""
        if all(v.dtype.kind == "f" for v in nest.flatten(self.result)):
            self.model.compile("sgd", _distance)
            assert np.isfinite(self.model.train_on_batch(self.inputs, self.result)).all()


# --- Parity with Keras 3 ---


# The newer of two ways to make code for fused operations takes three times as long, and is worth it in long runs only.
_QUICK = {"xla_cpu_use_fusion_emitters": False}


@contextlib.contextmanager
def quick_compilation():
    """Within, programs are compiled without the costly optimisations: four times as fast, for programs that run once.

    With FULL_COMPILATION=1 in the environment they are compiled as users' programs are.
    """
    import jax
    from jax._src import compiler

    if os.environ.get("FULL_COMPILATION") == "1":
        yield
        return
    ordinary, before = compiler.get_compile_options, jax.config.read("jax_disable_most_optimizations")

    def quick(*args, **kwargs):
        options = ordinary(*args, **kwargs)
        options.env_option_overrides = [*options.env_option_overrides, *_QUICK.items()]
        return options

    jax.config.update("jax_disable_most_optimizations", True)
    try:
        with mock.patch.object(compiler, "get_compile_options", quick):
            yield
    finally:
        jax.config.update("jax_disable_most_optimizations", before)


@contextlib.contextmanager
def no_draws():
    """Within, Keras makes weights of zeros. They are replaced anyway, and every draw takes a compilation of its own."""
    import jax
    import keras

    def zeros(*_, shape, dtype, **__):
        return np.zeros(shape, dtype)

    def blank(self, shape, dtype=None, **_):
        return np.zeros(shape, dtype or "float32")

    draws = dict.fromkeys(("uniform", "normal", "truncated_normal"), zeros)
    with mock.patch.multiple(jax.random, **draws), mock.patch.object(keras.initializers.Orthogonal, "__call__", blank):
        yield


def results_and_gradients(layer, inputs, probes, training=False):
    """Results, then gradients of sum(result * probe) by the float inputs and the trainable weights; one compilation.

    Args:
        probes: function from a list of shapes to arrays to weigh the results with.
    """
    weights, others = layer.trainable_weights, layer.non_trainable_weights
    arrays = [K.constant(x, str(x.dtype)) for x in nest.to_list(inputs)]
    places = [i for i, x in enumerate(nest.to_list(inputs)) if x.dtype.kind == "f"]

    def loss(floats, given, fixed):
        given = list(given)
        for i, x in zip(places, floats, strict=False):
            given[i] = x
        own = floats[len(places) :]
        values = {**dict(zip(weights, own, strict=True)), **dict(zip(others, fixed, strict=True))}
        with scope.Scope(values, training=training, seed=7):
            found = layer.run(given if isinstance(inputs, list) else given[0], None, (), {})[0]
        found = nest.flatten(found)
        return sum(K.sum(y * p) for y, p in zip(found, probes([y.shape for y in found]), strict=True)), found

    def both(floats, given, fixed):
        if not floats:
            return loss(floats, given, fixed)[1], []
        (_, found), gradients = K.engine.value_and_gradients(lambda values: loss(values, given, fixed), floats)
        return found, gradients

    floats = [*(arrays[i] for i in places), *(w.value for w in weights)]
    found, gradients = K.engine.compile_function(both)(floats, arrays, [w.value for w in others])
    return numpy_of(found), [K.get_value(g) for g in gradients]


def _results_and_gradients_of_keras(oracle, inputs, probes, **kwargs):
    import jax

    fixed = [v.value for v in oracle.non_trainable_variables]
    trainable = [v.value for v in oracle.trainable_variables]
    arrays = nest.to_list(inputs)
    places = [i for i, x in enumerate(arrays) if x.dtype.kind == "f"]

    def loss(given, weights):
        whole = list(arrays)
        for i, x in zip(places, given, strict=True):
            whole[i] = x
        found, _ = oracle.stateless_call(weights, fixed, whole if isinstance(inputs, list) else whole[0], **kwargs)
        found = nest.flatten(found)
        return sum((y * p).sum() for y, p in zip(found, probes([y.shape for y in found]), strict=True)), found

    run = jax.jit(jax.grad(loss, (0, 1), has_aux=True))
    (of_inputs, of_weights), found = run([arrays[i] for i in places], trainable)
    return [np.asarray(y) for y in found], [np.asarray(g) for g in [*of_inputs, *of_weights]]


def check_against_keras(layer, oracle, inputs, training=None, to_keras=None, rtol=1e-5, atol=1e-5):
    """Prove that a layer and the same layer of real Keras 3 agree: results and all gradients.

    Args:
        layer: ours; its weights go into the oracle.
        oracle: the layer of Keras.
        inputs: array or list of arrays.
        training: flag for both; only handed on if not None.
        to_keras: function from our list of weights to the list the oracle takes, where the order differs.
    """
    shapes = nest.map_structure(np.shape, inputs)
    layer(Input(batch_shape=shapes) if not isinstance(inputs, list) else [Input(batch_shape=s) for s in shapes])
    if not oracle.built:
        with no_draws():
            oracle.build(shapes)
    weights = layer.get_weights()
    if weights:
        oracle.set_weights(to_keras(weights) if to_keras else weights)

    def probes(shapes):
        draw = np.random.default_rng(1)
        return [draw.normal(size=shape).astype("float32") for shape in shapes]

    kwargs = {} if training is None else {"training": training}
    with quick_compilation():
        found, gradients = results_and_gradients(layer, inputs, probes, bool(training))
        wanted, wanted_gradients = _results_and_gradients_of_keras(oracle, inputs, probes, **kwargs)
    assert [y.shape for y in found] == [y.shape for y in wanted]
    assert len(gradients) == len(wanted_gradients)
    for one, other in zip([*found, *gradients], [*wanted, *wanted_gradients], strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=atol)
