"""The layer base: weights, `build`, `call`, masks, losses, configuration."""

import contextlib
import functools
import inspect
import re

import numpy as np

from hornbeam import backend as K
from hornbeam import checks, config, constraints, initializers, nest, registry, regularizers, scope
from hornbeam.core.construction import RecordsArguments, config_from_signature, taken_by
from hornbeam.core.precision import policy_of, run_mixed
from hornbeam.core.spec import check_inputs
from hornbeam.symbolic import Node, SymbolicTensor

_ARGUMENTS = (
    "input_shape", "batch_input_shape", "batch_size", "dtype", "name", "trainable", "weights", "input_dtype",
    "input_dim", "input_length", "activity_regularizer",
)  # fmt: skip


def _takes_shape_first(add_weight):
    """Let `add_weight` be given the shape first as well, as Keras 1 and 3 have it: (shape, initializer, name, ...)."""

    @functools.wraps(add_weight)
    def add(self, *args, **kwargs):
        if args and isinstance(args[0], (tuple, list)):
            kwargs["shape"], *rest = args
            if rest and isinstance(rest[0], str) and rest[0] not in registry.names("initializer"):
                kwargs["name"], *rest = rest
            kwargs.update(zip(("initializer", "name", "trainable", "regularizer", "constraint"), rest, strict=False))
            args = ()
        return add_weight(self, *args, **kwargs)

    return add


class Layer(metaclass=RecordsArguments):
    """A function of tensors with weights of its own.

    A subclass stores its settings in `__init__`, makes weights in `build(input_shape)` with :meth:`add_weight`, and
    computes in `call(inputs)` with words of the vocabulary. `call` may also take `mask` and `training`, which are
    filled in. What is not overridden follows from these three: output shapes are traced from `call`, the
    configuration is read off the constructor's signature.

    Args:
        name: unique within a model; the class name and a number if None.
        trainable: may an optimizer change the weights?
        dtype: type of the weights, floatx if None; or a policy such as 'mixed_bfloat16'.
        input_shape, batch_input_shape, batch_size, input_dim, input_length: for the first layer of a Sequential.
        weights: list of arrays to start from.

    Example:
        >>> from hornbeam import backend as K
        >>> class Double(Layer):
        ...     def call(self, inputs):
        ...         return 2 * inputs
        >>> K.get_value(Double()(np.ones((1, 2), "float32"))).tolist()
        [[2.0, 2.0]]
    """

    supports_masking = False
    # True if each row of the result depends on the same row of the inputs only (or the layer heeds
    # K.valid_rows_mask), so that a short batch may be padded. Users' own layers are not assumed to be so.
    rowwise = False
    # True for loops of small operations, which keep one core busy; False for large operations that use all of them.
    leaves_cores_idle = None
    computes_in_full_precision = False  # under a mixed policy: statistics need the digits
    stateful = False
    input_spec = None

    def __init__(self, trainable=True, name=None, dtype=None, **kwargs):
        unknown = set(kwargs) - set(_ARGUMENTS)
        if unknown:
            raise checks.unknown_keywords(
                type(self).__name__, unknown, [*_parameters(type(self).__init__), *_ARGUMENTS]
            )
        self.name = name or _unique_name(type(self).__name__)
        self._trainable = trainable
        self.dtype_policy = policy_of(dtype or kwargs.get("input_dtype"))
        self.dtype = checks.data_type(type(self).__name__, self.dtype_policy.variable_dtype)
        self.built = False
        self._own_weights = []
        self._added_losses = []
        self._added_updates = []
        self._inbound_nodes = []
        self._outbound_nodes = []
        self._initial_weights = kwargs.get("weights")
        if "activity_regularizer" in kwargs:
            self.activity_regularizer = regularizers.get(kwargs["activity_regularizer"])
        shape = _batch_shape(kwargs)
        if shape is not None:
            self.batch_input_shape = shape

    # --- Weights ---

    @_takes_shape_first
    def add_weight(
        self,
        name=None,
        shape=None,
        dtype=None,
        initializer=None,
        regularizer=None,
        trainable=True,
        constraint=None,
        **_,
    ):
        """Make a weight of this layer.

        Args:
            name: tells it from the layer's other weights.
            shape: sizes; () for a number.
            initializer: name or object; 'glorot_uniform' if None ('zeros' for integers).
            regularizer, constraint: objects, names or None.
            trainable: does the optimizer change it?

        Returns:
            A K variable.
        """
        dtype = dtype or self.dtype
        if initializer is None:
            initializer = "glorot_uniform" if "float" in dtype else "zeros"
        shape = tuple(int(s) for s in shape or ())
        full_name = f"{self.name}/{name or f'weight_{len(self._own_weights)}'}:0"
        told = registry.told_of_weights()
        if told is not None:
            told(shape)
            variable = K.Variable.blank(shape, dtype, name=full_name, trainable=trainable)
        else:
            initializer = initializers.get(initializer)
            variable = _first_variable(initializer, shape, dtype, name=full_name, trainable=trainable)
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        self._own_weights.append(variable)
        return variable

    def _sublayers(self):
        """Layers held in attributes, also inside lists, tuples and dicts, in the order they were set."""
        found = {}
        for key, value in vars(self).items():
            if not isinstance(value, (Layer, dict, list, tuple)):  # most are not: this is half of a walk through a model
                continue
            if key in ("_inbound_nodes", "_outbound_nodes", "_made_with"):
                continue
            for leaf in _layers_in(value):
                found[leaf] = None
        return list(found)

    def flat_layers(self):
        """This layer and all layers inside it, each once."""
        found, waiting = {}, [self]
        while waiting:
            layer = waiting.pop()
            if layer not in found:
                found[layer] = None
                waiting.extend(reversed(layer._sublayers()))
        return list(found)

    @property
    def compute_dtype(self):
        """Type that inputs and weights have inside `call`: `dtype`, but for mixed policies."""
        return self.dtype_policy.compute_dtype if self.dtype_policy.mixed else self.dtype

    @property
    def trainable(self):
        """May an optimizer change the weights? Takes effect at the next `compile`."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        self._trainable = bool(value)

    @property
    def trainable_weights(self):
        """Variables the optimizer changes; none if the layer is frozen."""
        if not self.trainable:
            return []
        own = [w for w in self._own_weights if w.trainable]
        return _once(own + [w for layer in self._sublayers() for w in layer.trainable_weights])

    @trainable_weights.setter
    def trainable_weights(self, variables):  # Keras 1 layers set their list in build()
        self._own_weights = [*variables, *(w for w in self._own_weights if not w.trainable)]

    @property
    def non_trainable_weights(self):
        """Variables the optimizer leaves alone."""
        trainable = set(self.trainable_weights)
        return [w for w in self.weights if w not in trainable]

    @non_trainable_weights.setter
    def non_trainable_weights(self, variables):
        for variable in variables:
            variable.trainable = False
        self._own_weights = [*(w for w in self._own_weights if w.trainable), *variables]

    @property
    def weights(self):
        """All variables: trainable ones of this layer and those inside it, then the others."""
        own = self._own_weights
        inner = self._sublayers()
        trainable = [w for w in own if w.trainable] + [w for la in inner for w in la.weights if w.trainable]
        rest = [w for w in own if not w.trainable] + [w for la in inner for w in la.weights if not w.trainable]
        return _once(trainable + rest)

    # Newer names of the same.
    trainable_variables = property(lambda self: self.trainable_weights, doc="The same as :attr:`trainable_weights`.")
    non_trainable_variables = property(lambda self: self.non_trainable_weights, doc="As `non_trainable_weights`.")
    variables = property(lambda self: self.weights, doc="The same as :attr:`weights`.")

    @property
    def state_variables(self):
        """Variables that keep state between batches even in inference (stateful recurrent layers)."""
        return []

    def get_weights(self):
        """Values of :attr:`weights` as NumPy arrays."""
        return K.batch_get_value(self.weights)

    def set_weights(self, weights):
        """Set all weights.

        Raises:
            ValueError: another number of arrays than the layer has weights, or a shape that does not fit.
        """
        own = self.weights
        if len(own) != len(weights):
            raise ValueError(
                f"{type(self).__name__} {self.name!r} has {len(own)} weights, got {len(weights)} arrays. "
                + ("It is not built yet: call it or give input_shape first." if not self.built else "")
            )
        for variable, value in zip(own, weights, strict=True):
            if tuple(np.shape(value)) != variable.shape:
                raise ValueError(
                    f"{type(self).__name__} {self.name!r}: weight {variable.name!r} has shape {variable.shape}, "
                    f"got an array of shape {np.shape(value)}."
                )
        K.batch_set_value(list(zip(own, weights, strict=True)))

    def count_params(self):
        """Number of elements of all weights.

        Raises:
            RuntimeError: the layer has no weights yet, because it was not built.
        """
        if not self.built and not self.weights and type(self).build is not Layer.build:
            raise RuntimeError(
                f"{type(self).__name__} {self.name!r} is not built yet, so its parameters cannot be counted. "
                f"Call it on something, or give input_shape."
            )
        return sum(int(np.prod(w.shape)) for w in self.weights)

    # --- To override ---

    def build(self, input_shape):
        """Make the weights. `input_shape` is a tuple (B, ...) with None for unknown sizes, or a list of them."""
        self.built = True

    def call(self, inputs, *args, **kwargs):
        """The layer's mathematics."""
        return inputs

    def compute_mask(self, inputs, mask=None):
        """Mask of the result, given the masks of the inputs.

        Raises:
            TypeError: a mask came and the layer cannot use one.
        """
        if self.supports_masking:
            return mask
        if any(m is not None for m in nest.flatten(mask)):
            raise TypeError(
                f"{type(self).__name__} {self.name!r} does not support masking, but was given a mask. Put a layer "
                f"before it that consumes the mask (a recurrent layer), or set supports_masking = True in your layer."
            )
        return None

    def compute_output_shape(self, input_shape):
        """Shape of the result for inputs of `input_shape`, traced from `call`."""
        shapes = [input_shape] if _is_shape(input_shape) else list(input_shape)
        inputs = [SymbolicTensor(s, self.dtype, "shape") for s in shapes]
        form, _ = K.infer(
            lambda args, kwargs: self.run(args[0], None, [], {})[0],
            [inputs[0] if _is_shape(input_shape) else inputs],
            {},
        )
        found = nest.map_structure(lambda spec: spec.shape, form)
        return found

    def compute_output_dtype(self, dtypes):
        """Type of the result for inputs of the types in the list `dtypes`: the first float, else the layer's own."""
        return next((d for d in dtypes if "float" in d), self.dtype)

    # --- Calling ---

    def __call__(self, inputs, *args, **kwargs):
        if K.is_symbolic(inputs, args, kwargs):
            return self._call_on_symbols(inputs, args, kwargs)
        return self._call_on_values(inputs, args, kwargs)

    def _call_on_symbols(self, inputs, args, kwargs):
        shapes = [K.int_shape(t) for t in nest.flatten(inputs)]
        self._build_once(inputs, shapes)
        check_inputs(self, shapes)
        node = Node(self, (inputs, *args), kwargs)
        outputs = K.attach(node, self._result_form(inputs, args, kwargs), self._output_name())
        self._record_masks(inputs, outputs)
        for i, tensor in enumerate(node.outputs):
            if tensor is not None:
                tensor._keras_history = (self, len(self._inbound_nodes), i)
                tensor._uses_learning_phase = tensor._uses_learning_phase or "training" in _parameters(type(self).call)
        self._inbound_nodes.append(node)
        for tensor in node.inputs:
            if tensor._keras_history is not None:
                tensor._keras_history[0]._outbound_nodes.append(node)
        return outputs

    def _output_name(self):
        calls = len(self._inbound_nodes)
        return self.name if calls == 0 else f"{self.name}_call_{calls + 1}"

    def _result_form(self, inputs, args, kwargs):
        """Nest of specs of the result: by the layer's own rule for layers of the house, else by tracing `call`."""
        has_rule = type(self).compute_output_shape is not Layer.compute_output_shape
        if has_rule and type(self).__module__.startswith("hornbeam.") and not args and not kwargs:
            dtype = self.compute_output_dtype([K.dtype(t) for t in nest.flatten(inputs)])
            if "float" in dtype and (self.dtype_policy.mixed or _has_halves(inputs, self)):
                dtype = self.compute_dtype
            shape = self.compute_output_shape(nest.map_structure(K.int_shape, inputs))
            return K.Spec(shape, dtype) if _is_shape(shape) else [K.Spec(s, dtype) for s in shape]
        return self._traced_form(inputs, args, kwargs)

    def _traced_form(self, inputs, args, kwargs):
        masks = nest.map_structure(lambda t: getattr(t, "_keras_mask", None), inputs)
        form, _ = K.infer(lambda a, k: self.run(a[0], a[1], a[2:], k)[0], (inputs, masks, *args), kwargs)
        return form

    def _record_masks(self, inputs, outputs):
        masks = nest.map_structure(lambda t: getattr(t, "_keras_mask", None), inputs)
        if all(m is None for m in nest.flatten(masks)) and type(self).compute_mask is Layer.compute_mask:
            return
        found = self.compute_mask(inputs, nest.to_list(masks) if isinstance(masks, tuple) else masks)
        tensors, found = nest.flatten(outputs), nest.to_list(found)
        for tensor, mask in zip(tensors, found * len(tensors) if len(found) == 1 else found, strict=False):
            if tensor is not None:
                tensor._keras_mask = mask

    def _call_on_values(self, inputs, args, kwargs):
        inputs = nest.map_structure(functools.partial(as_value, owner=self), inputs)
        self._build_once(inputs, [tuple(np.shape(v)) for v in nest.flatten(inputs)])
        with _scope_for_call(kwargs) as here:
            masks = nest.map_structure(here.mask_of, inputs)
            outputs, out_masks = self._run_here(inputs, masks, args, kwargs)
            flat, flat_masks = nest.flatten(outputs), nest.flatten(out_masks)
            flat_masks = flat_masks * len(flat) if len(flat_masks) == 1 else flat_masks
            for value, mask in zip(flat, flat_masks, strict=False):
                if mask is not None or here.mask_of(value) is not None:
                    here.set_mask(value, mask)
        return outputs

    def call_node(self, args, kwargs, masks):
        """Run the layer as a node of a graph; see `symbolic.Node`."""
        return self._run_here(args[0], masks[0] if masks else None, args[1:], kwargs)

    def _run_here(self, inputs, masks, args, kwargs):
        here = scope.current()
        if type(here) is K.Taping:
            return here.run_layer(self, inputs, masks, args, kwargs)
        return self.run(inputs, masks, args, kwargs)

    def run(self, inputs, masks, args, kwargs):
        """Call the layer on values whose masks are known: (result, masks of the result)."""
        masked = masks is not None and any(m is not None for m in nest.flatten(masks))
        parameters = _parameters(type(self).call)
        here = scope.current()
        asked = kwargs.get("training")
        if "training" in parameters:
            if asked is None:
                kwargs = {**kwargs, "training": K.training_now()}
        elif "training" in kwargs:
            kwargs = {k: v for k, v in kwargs.items() if k != "training"}
        if masked and "mask" in parameters and kwargs.get("mask") is None:
            kwargs = {**kwargs, "mask": masks}
        check_inputs(self, [tuple(np.shape(v)) for v in nest.flatten(inputs)])
        outer_training = here.training if here is not None else None
        if asked is not None and here is not None:
            here.training = asked
        outputs = self._call_typed(inputs, args, kwargs, here)
        if asked is not None and here is not None:
            here.training = outer_training
        self._add_activity_loss(outputs, here)
        if not masked and type(self).compute_mask is Layer.compute_mask:
            return outputs, None
        return outputs, self.compute_mask(inputs, masks if masked else nest.map_structure(lambda _: None, inputs))

    def _call_typed(self, inputs, args, kwargs, here):
        if here is None or not (self.dtype_policy.mixed or here.compute_dtype is not None or _has_halves(inputs, self)):
            return self.call(inputs, *args, **kwargs)
        return run_mixed(self, lambda cast: self.call(cast, *args, **kwargs), inputs)

    def _add_activity_loss(self, outputs, here):
        activity = getattr(self, "activity_regularizer", None)
        if activity is not None and here is not None:
            for value in nest.flatten(outputs):
                here.losses.append((self, activity(value)))

    def _build_once(self, inputs, shapes):
        if self.built:
            return
        check_inputs(self, shapes)  # before sizes are taken from shapes that cannot serve
        self.build(_like(inputs, shapes))
        self.built = True
        if self._initial_weights is not None:
            self.set_weights(self._initial_weights)
            self._initial_weights = None

    # --- Losses and updates ---

    def add_loss(self, losses, inputs=None):
        """Add a term to what training minimises.

        Args:
            losses: a scalar or a list: values inside `call`, symbolic tensors outside, or functions without
                arguments.
        """
        here = scope.current()
        for loss in nest.to_list(losses):
            if isinstance(loss, SymbolicTensor) or callable(loss):
                self._added_losses.append(loss)
            elif here is not None:
                here.losses.append((self, loss))
            else:
                self._added_losses.append(lambda value=loss: value)

    def add_update(self, updates, inputs=None):
        """Add updates of variables, made with `K.update` and its kin, to every training step."""
        for update in updates if isinstance(updates, list) else [updates]:
            if isinstance(update, tuple) and isinstance(update[1], SymbolicTensor):
                self._added_updates.append(update)

    def add_metric(self, value, name=None, aggregation="mean"):
        """Report `value` (a scalar, averaged over the epoch) under `name`: inside `call`, or a symbolic tensor."""
        here = scope.current()
        if isinstance(value, SymbolicTensor):
            self.__dict__.setdefault("_added_metrics", []).append((name or value.name, value))
        elif here is not None:
            here.metrics.append((name or f"{self.name}_metric_{len(here.metrics)}", value))

    @property
    def losses(self):
        """Symbolic losses added, and the weight penalties, as values."""
        added = [loss() if callable(loss) else loss for layer in self.flat_layers() for loss in layer._added_losses]
        return added + [penalty for _, penalty in self.weight_penalties()]

    def weight_penalties(self):
        """(variable, penalty) for every regularized weight inside, with the variables' present values."""
        found = {}
        for layer in self.flat_layers():
            for variable in layer._own_weights:
                if variable.regularizer is not None and variable not in found:
                    found[variable] = variable.regularizer(variable)
        return list(found.items())

    @property
    def updates(self):
        """Symbolic updates added by this layer and those inside it."""
        return [update for layer in self.flat_layers() for update in layer._added_updates]

    def get_losses_for(self, inputs):
        """The losses; they are not told apart by inputs here."""
        return self.losses

    def get_updates_for(self, inputs):
        """The updates; they are not told apart by inputs here."""
        return self.updates

    # --- What the layer was called on ---

    def _tensors_at(self, which, index, asked):
        if not self._inbound_nodes:
            raise AttributeError(
                f"{type(self).__name__} {self.name!r} was not called on a symbolic tensor yet, so it has no {asked}."
            )
        if index >= len(self._inbound_nodes):
            raise ValueError(f"{self.name!r} was called {len(self._inbound_nodes)} times; there is no call {index}.")
        return nest.unpack_singleton(getattr(self._inbound_nodes[index], which))

    def _only_tensors(self, which, asked):
        if len(self._inbound_nodes) > 1:
            raise AttributeError(
                f"{type(self).__name__} {self.name!r} was called {len(self._inbound_nodes)} times, so `{asked}` is not "
                f"clear. Use get_{asked.split('_')[0]}_at(index)."
            )
        return self._tensors_at(which, 0, asked)

    def get_input_at(self, node_index):
        """Input tensor(s) of call number `node_index`, from 0."""
        return self._tensors_at("inputs", node_index, "input")

    def get_output_at(self, node_index):
        """Output tensor(s) of call number `node_index`, from 0."""
        return self._tensors_at("outputs", node_index, "output")

    def get_input_shape_at(self, node_index):
        """Shape(s) of :meth:`get_input_at`."""
        return nest.map_structure(K.int_shape, self.get_input_at(node_index))

    def get_output_shape_at(self, node_index):
        """Shape(s) of :meth:`get_output_at`."""
        return nest.map_structure(K.int_shape, self.get_output_at(node_index))

    def get_input_mask_at(self, node_index):
        """Mask(s) of :meth:`get_input_at`."""
        return nest.map_structure(lambda t: t._keras_mask, self.get_input_at(node_index))

    def get_output_mask_at(self, node_index):
        """Mask(s) of :meth:`get_output_at`."""
        return nest.map_structure(lambda t: t._keras_mask, self.get_output_at(node_index))

    input = property(lambda self: self._only_tensors("inputs", "input"), doc="Symbolic input(s) of the only call.")
    output = property(lambda self: self._only_tensors("outputs", "output"), doc="Symbolic output(s) of the only call.")
    input_mask = property(
        lambda self: nest.map_structure(lambda t: t._keras_mask, self.input), doc="Mask of the input."
    )
    output_mask = property(
        lambda self: nest.map_structure(lambda t: t._keras_mask, self.output), doc="Mask of the output."
    )

    @property
    def input_shape(self):
        """Shape(s) of the input(s) of the only call."""
        return nest.map_structure(K.int_shape, self._only_tensors("inputs", "input_shape"))

    @property
    def output_shape(self):
        """Shape(s) of the output(s) of the only call."""
        return nest.map_structure(K.int_shape, self._only_tensors("outputs", "output_shape"))

    @property
    def uses_learning_phase(self):
        """Does the result depend on training or not?"""
        return "training" in _parameters(type(self).call) or any(la.uses_learning_phase for la in self._sublayers())

    # --- Configuration ---

    def get_config(self):
        """Constructor arguments as numbers, strings, lists and dicts; `from_config` makes an equal layer of them."""
        settings = {"name": self.name, "trainable": self.trainable}
        if hasattr(self, "batch_input_shape"):
            settings["batch_input_shape"] = list(self.batch_input_shape)
        settings["dtype"] = self.dtype_policy.name if self.dtype_policy.mixed else self.dtype
        return {**taken_by(type(self), settings), **config_from_signature(self)}

    @classmethod
    def from_config(cls, config):
        """A new layer from what :meth:`get_config` gave."""
        return cls(**config)

    def assert_input_compatibility(self, inputs):
        """Raise ValueError if `inputs` do not fit the layer's `input_spec`."""
        check_inputs(self, [K.int_shape(t) for t in nest.flatten(inputs)])

    def __getstate__(self):
        """Attributes that copies take over: all but the calls on symbolic tensors, which stay with this layer."""
        return {**vars(self), "_inbound_nodes": [], "_outbound_nodes": []}

    def __repr__(self):
        return f"<{type(self).__name__} {self.name!r}>"


def _has_halves(inputs, layer):
    """Does a layer of single precision, told so, come after one of mixed precision?"""
    if getattr(layer, "_made_with", {}).get("dtype") is None or layer.dtype != "float32":
        return False
    return any(K.dtype(v) == "bfloat16" for v in nest.flatten(inputs) if hasattr(v, "dtype"))


def _layers_in(value):
    if isinstance(value, Layer):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    # Looking at the first item spares a walk over long lists of words or numbers.
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], (Layer, list, tuple, dict)):
        return [leaf for leaf in nest.flatten(value) if isinstance(leaf, Layer)]
    return []


@functools.cache
def _parameters(function):
    return tuple(inspect.signature(function).parameters)


def _unique_name(class_name):
    snake = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"([A-Z]+)([A-Z][a-z0-9]+)", r"\1_\2", class_name)).lower()
    return K.get_uid_name(snake.lstrip("_"))


def _batch_shape(kwargs):
    """The batch shape a first layer was told, in whichever of the classic ways, or None."""
    if kwargs.get("batch_input_shape") is not None:
        return tuple(kwargs["batch_input_shape"])
    shape = kwargs.get("input_shape")
    if shape is None and kwargs.get("input_dim") is not None:
        length = kwargs.get("input_length")
        shape = (
            (kwargs["input_dim"],) if length is None and "input_length" not in kwargs else (length, kwargs["input_dim"])
        )
    if shape is None:
        return None
    return (kwargs.get("batch_size"), *((shape,) if isinstance(shape, int) else shape))


def _is_shape(shape):
    return isinstance(shape, tuple) and all(s is None or isinstance(s, (int, np.integer)) for s in shape) or (
        isinstance(shape, list) and all(s is None or isinstance(s, (int, np.integer)) for s in shape)
    )  # fmt: skip


def _like(inputs, shapes):
    if isinstance(inputs, (list, tuple, dict)):
        return nest.pack_like(list(inputs) if isinstance(inputs, tuple) else inputs, shapes)
    return shapes[0]


def as_value(x, owner=None):
    """`x` (array, number, variable, sparse matrix) as a value of the engine; values and None stay.

    Raises:
        TypeError: text, dates or Python objects; names the layer `owner`.
    """
    if isinstance(x, K.Variable):
        return x.value
    if isinstance(x, K.Taped):
        return x if K.is_taping() else x.value
    if x is None or K.is_tensor(x):
        return x
    x = np.asarray(x.toarray() if hasattr(x, "toarray") else x)
    if x.dtype.kind in "USOMm":
        raise checks.not_numbers(owner, x)
    return K.engine.convert(x, config.floatx() if x.dtype == "float64" else None)


@contextlib.contextmanager
def _scope_for_call(kwargs):
    """The scope under way, or one of its own for a call outside any."""
    here = scope.current()
    if here is not None:
        yield here
        return
    with scope.Scope(training=K.training_now(kwargs.get("training"))) as own:
        yield own


def _first_variable(initializer, shape, dtype, **settings):
    """The variable that `initializer` starts. Random numbers are settled now, and drawn when somebody needs them; types
    that the engine may narrow are drawn at once.
    """
    draw = initializers.later(initializer, shape, dtype) if dtype == "float32" else None
    if draw is not None:
        return K.Variable.later(draw, shape, dtype, **settings)
    with K.engine.at_once():  # a layer may be met for the first time while a program is traced
        value = initializer(shape, dtype)
    return K.Variable(value, dtype, **settings)


def _once(items):
    return list(dict.fromkeys(items))


def deserialize(config, custom_objects=None):
    """The layer a configuration describes."""
    return registry.deserialize("layer", config, custom_objects)


def serialize(layer):
    """Configuration of a layer: {'class_name', 'config'}."""
    return registry.serialize(layer)
