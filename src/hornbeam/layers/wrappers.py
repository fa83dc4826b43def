"""Layers around a layer: Wrapper, TimeDistributed, Bidirectional."""

import copy

from hornbeam import backend as K
from hornbeam import checks, nest, registry, scope
from hornbeam.core import Layer


@registry.register("layer")
class Wrapper(Layer):
    """Base of layers that hold another layer and change how it is called.

    Args:
        layer: the layer inside.

    Raises:
        ValueError: `layer` is no layer.

    Example:
        >>> from hornbeam.layers import Dense, Wrapper
        >>> Wrapper(Dense(2)).layer.units
        2
    """

    def __init__(self, layer, **kwargs):
        if not isinstance(layer, Layer):
            raise ValueError(
                f"{type(self).__name__} goes around a layer; got {type(layer).__name__}. Make the layer first: "
                f"{type(self).__name__}(Dense(8))."
            )
        self.layer = layer
        super().__init__(**kwargs)

    stateful = property(lambda self: getattr(self.layer, "stateful", False))
    rowwise = property(lambda self: self.layer.rowwise)

    @property
    def state_variables(self):
        """The kept states of the layers inside."""
        return list(dict.fromkeys(v for layer in self._sublayers() for v in layer.state_variables))

    def call(self, inputs, training=None):
        """The layer inside, called on the inputs."""
        return _run(self.layer, inputs, None, training)

    def build(self, input_shape):
        """Build the layer inside."""
        self.layer._build_once(None, [tuple(input_shape)])
        super().build(input_shape)

    def reset_states(self):
        """Set the kept states of the layer inside to zero."""
        self.layer.reset_states()

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """A new wrapper from what `get_config` gave."""
        config = dict(config)
        for name in ("layer", "backward_layer"):
            if isinstance(config.get(name), dict):
                config[name] = registry.deserialize("layer", config[name], custom_objects)
        constants = config.pop("num_constants", 0)
        made = cls(**config)
        made._num_constants = constants
        return made


def _run(layer, inputs, mask, training):
    """Call a built layer on values, with its own losses: the result without its mask."""
    return layer.run(inputs, mask, (), {} if training is None else {"training": training})[0]


@registry.register("layer")
class TimeDistributed(Wrapper):
    """layer(x_t) for each step t of the second axis, with the same weights.

    Steps are laid into the batch axis and the layer runs once, so it may be any layer or model; a layer that computes
    over its batch (BatchNormalization) sees all steps together.

    Args:
        layer: layer or model for one step.

    Shapes:
        x (B, T, ...) -> (B, T, ...), the inner axes as the layer gives them.

    Raises:
        ValueError: inputs without a time axis.

    Example:
        >>> from hornbeam.layers import Dense, Input, TimeDistributed
        >>> TimeDistributed(Dense(3))(Input((5, 4))).shape
        (None, 5, 3)
    """

    supports_masking = True

    def build(self, input_shape):
        """Build the layer for one step."""
        self._check_rank(input_shape)
        self.layer._build_once(None, [(None, *input_shape[2:])])
        Layer.build(self, input_shape)

    def _check_rank(self, shape):
        if len(shape) < 3:
            raise checks.wrong_rank(self, shape, least=3, cure="The axes are (batch, time, ...).")

    def call(self, inputs, training=None, mask=None):
        """All steps at once."""
        shape = K.int_shape(inputs)
        self._check_rank(shape)
        flat = _steps_as_rows(inputs)
        here = scope.current()
        rows = here.valid_rows if here is not None else None
        if rows is not None:
            here.valid_rows = rows * shape[1]  # each row of the batch has become that many
        found = _run(self.layer, flat, _inner_mask(mask), training)
        if rows is not None:
            here.valid_rows = rows
        return nest.map_structure(lambda y: K.reshape(y, (shape[0], shape[1], *K.int_shape(y)[1:])), found)

    def compute_mask(self, inputs, mask=None):
        """The mask over time: as given, or True where the layer's own mask of a step is True anywhere."""
        if type(self.layer).compute_mask is not Layer.compute_mask:
            step = K.constant(0, K.dtype(inputs), [size or 1 for size in (1, *K.int_shape(inputs)[2:])])
            with _aside(self.layer):
                made = self.layer.compute_mask(step, None if mask is None or K.ndim(mask) < 3 else step[..., 0])
            if made is not None and not isinstance(made, list):  # some masks are the layer's own: Embedding, Masking
                return _mask_of_steps(self.layer, inputs, mask)
        return mask if mask is None or K.ndim(mask) == 2 else K.any(mask, axis=list(range(2, K.ndim(mask))))

    def compute_output_shape(self, input_shape):
        """(B, T, ...)."""
        self._check_rank(input_shape)
        inner = self.layer.compute_output_shape((None, *input_shape[2:]))
        inner = nest.unpack_singleton(inner) if isinstance(inner, list) and isinstance(inner[0], tuple) else inner
        if isinstance(inner, list):
            return [(*input_shape[:2], *shape[1:]) for shape in inner]
        return (*input_shape[:2], *inner[1:])

    def compute_output_dtype(self, dtypes):
        """The layer's own type."""
        return self.layer.compute_output_dtype(dtypes)


def _inner_mask(mask):
    """Mask (B, T, ...) of single steps: (B T, ...); a mask over whole steps is none of the layer's business."""
    return None if mask is None or K.ndim(mask) < 3 else _steps_as_rows(mask)


def _steps_as_rows(x):
    shape = K.int_shape(x)
    return K.reshape(x, (shape[0] * shape[1], *shape[2:]))


def _aside(layer):
    """A scope in which `layer` may run for its masks alone: nothing it updates, adds or reports there is kept."""
    here = scope.current()
    values = {} if here is None else here.values.copy()
    values.update((v, v.value) for v in (*layer.weights, *layer.state_variables))
    return scope.Scope(values, training=False, seed=0)


@K.word
def _mask_of_steps(layer, inputs, mask):
    """(B, T): True where the mask that `layer` makes of a step is True anywhere. One node."""
    rows, inner = _steps_as_rows(inputs), _inner_mask(mask)
    with _aside(layer):
        inner = layer.run(rows, inner, (), {})[1] if hasattr(layer, "run_with") else layer.compute_mask(rows, inner)
    inner = inner[0] if isinstance(inner, list) else inner
    if K.ndim(inner) > 1:
        inner = K.any(inner, axis=list(range(1, K.ndim(inner))))
    return K.reshape(inner, K.int_shape(inputs)[:2])


@registry.register("layer")
class Bidirectional(Wrapper):
    """Two copies of a recurrent layer, one walking forwards and one backwards, joined: merge(f(x), b(x)).

    Args:
        layer: SimpleRNN, GRU, LSTM, RNN, ConvLSTM2D or another layer with `go_backwards`.
        merge_mode: how the two outputs are joined: 'concat', 'sum', 'mul', 'ave', or None for both, as a list.
        weights: list of arrays to start from, the first half for the layer walking forwards.
        backward_layer: a layer of its own for the way back, in place of a copy.

    Shapes:
        x (B, T, D) -> (B, 2 units) for 'concat', (B, units) for the others; with a time axis for
        `return_sequences`. With `return_state` a list: output(s), then the states of both, forwards first. Called on
        [x, state, ...] or with `initial_state=[...]`: the first half of the states is for the way forwards.

    Raises:
        ValueError: an unknown `merge_mode`, or an odd number of initial states.

    Example:
        >>> from hornbeam.layers import LSTM, Bidirectional, Input
        >>> Bidirectional(LSTM(4))(Input((5, 2))).shape
        (None, 8)

    Reference:
        Schuster and Paliwal, Bidirectional Recurrent Neural Networks, 1997.
    """

    supports_masking = True

    def __init__(self, layer, merge_mode="concat", weights=None, backward_layer=None, **kwargs):
        super().__init__(layer, **kwargs)
        if merge_mode not in ("sum", "mul", "ave", "concat", None):
            wanted = "'concat', 'sum', 'mul', 'ave' or None"
            raise checks.wrong_argument("Bidirectional", "merge_mode", merge_mode, wanted)
        if not hasattr(layer, "go_backwards"):
            raise ValueError(f"Bidirectional needs a recurrent layer; {type(layer).__name__} has no go_backwards.")
        self.merge_mode = merge_mode
        self.backward_layer = backward_layer
        self.forward_layer = copy.copy(layer)
        if backward_layer is None:
            classes = {type(la).__name__: type(la) for la in layer.flat_layers()}  # users' cells too
            with registry.custom_object_scope(classes), registry.functions_themselves():
                config = layer.get_config()
                config["go_backwards"] = not config.get("go_backwards")
                self.backward_layer = type(layer).from_config(config)
        self.forward_layer.name = f"forward_{layer.name}"
        self.backward_layer.name = f"backward_{(backward_layer or layer).name}"
        for side in (self.forward_layer, self.backward_layer):
            if hasattr(side, "name_cell"):
                side.name_cell()
        self._own_backward = backward_layer is not None
        self.return_sequences, self.return_state = layer.return_sequences, layer.return_state
        self._num_constants = 0
        self._both_weights = weights
        if hasattr(layer, "batch_input_shape") and not hasattr(self, "batch_input_shape"):
            self.batch_input_shape = layer.batch_input_shape

    def __call__(self, inputs, initial_state=None, constants=None, **kwargs):
        constants = nest.to_list(constants)
        if constants:
            self._num_constants = len(constants)
        if initial_state is not None or constants:
            inputs = [*nest.to_list(inputs), *nest.to_list(initial_state), *constants]
        return super().__call__(inputs, **kwargs)

    def build(self, input_shape):
        """Build both layers."""
        shapes = list(input_shape) if isinstance(input_shape, list) else [input_shape]
        first, constants = tuple(shapes[0]), shapes[len(shapes) - self._num_constants :] if self._num_constants else []
        for side in (self.forward_layer, self.backward_layer):
            side._num_constants = self._num_constants
            side._build_once([None] * (1 + len(constants)) if constants else None, [first, *constants])
        Layer.build(self, input_shape)
        if self._both_weights is not None:
            half = len(self._both_weights) // 2
            self.forward_layer.set_weights(self._both_weights[:half])
            self.backward_layer.set_weights(self._both_weights[half:])

    def call(self, inputs, mask=None, training=None, initial_state=None, constants=None):
        """Both walks, joined."""
        given = [*nest.to_list(inputs), *nest.to_list(initial_state), *nest.to_list(constants)]
        end = len(given) - (self._num_constants or len(nest.to_list(constants)))
        states, constants = given[1:end], given[end:]
        if len(states) % 2:
            raise ValueError(
                f"Bidirectional {self.name!r} takes initial states for both ways, an even number; got {len(states)}."
            )
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        half, results = len(states) // 2, []
        for side, own in ((self.forward_layer, states[:half]), (self.backward_layer, states[half:])):
            whole = [given[0], *own, *constants]
            masks = None if mask is None else [mask] + [None] * (len(whole) - 1)
            single = len(whole) == 1
            results.append(_run(side, whole[0] if single else whole, mask if single else masks, training))
        return self._joined(*results)

    def _joined(self, forward, backward):
        forward, *forward_states = forward if self.return_state else [forward]
        backward, *backward_states = backward if self.return_state else [backward]
        if self.return_sequences:
            backward = K.reverse(backward, 1)
        if self.merge_mode is None:
            joined = [forward, backward]
        elif self.merge_mode == "concat":
            joined = [K.concatenate([forward, backward], axis=-1)]
        elif self.merge_mode == "mul":
            joined = [forward * backward]
        else:
            joined = [forward + backward if self.merge_mode == "sum" else (forward + backward) / 2]
        if self.return_state:
            return [*joined, *forward_states, *backward_states]
        return nest.unpack_singleton(joined)

    def compute_output_shape(self, input_shape):
        """Shapes of output(s) and states."""
        shape = tuple(input_shape[0]) if isinstance(input_shape, list) else tuple(input_shape)
        found = self.forward_layer.compute_output_shape(shape)
        output, *states = found if self.return_state else [found]
        if self.merge_mode == "concat":
            output = (*output[:-1], None if output[-1] is None else output[-1] * 2)
        outputs = [output, output] if self.merge_mode is None else [output]
        return nest.unpack_singleton([*outputs, *states, *states])

    def compute_mask(self, inputs, mask=None):
        """The mask stays with sequences; states have none."""
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        mask = mask if self.return_sequences else None
        masks = [mask] * (2 if self.merge_mode is None else 1)
        if self.return_state:
            masks += [None] * (2 * len(self.forward_layer.states))
        return nest.unpack_singleton(masks)

    def reset_states(self):
        """Set the kept states of both ways to zero."""
        self.forward_layer.reset_states()
        self.backward_layer.reset_states()

    def get_config(self):
        """Constructor arguments; the layer as a configuration of its own."""
        config = super().get_config()
        if not self._own_backward:
            del config["backward_layer"]
        return {**config, "num_constants": self._num_constants} if self._num_constants else config

    go_backwards = property(lambda self: self.layer.go_backwards, doc="Which way the first layer walks.")
    states = property(lambda self: [*self.forward_layer.states, *self.backward_layer.states], doc="Kept states.")
