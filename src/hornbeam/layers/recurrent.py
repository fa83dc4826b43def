"""RNN: a layer that runs any cell along the time axis, and the base of those that make their cell themselves."""

import functools

import numpy as np

from hornbeam import backend as K
from hornbeam import checks, nest, registry
from hornbeam.core import Layer
from hornbeam.layers.recurrent_cells import StackedRNNCells, build_cell, check_cell, run_cell, sizes_of


@registry.register("layer")
class RNN(Layer):
    """Runs a cell along the time axis: output_t, states_t = cell(x_t, states_(t-1)).

    A cell is any object with `call(inputs, states) -> (output, new states)` and `state_size` (a size or a list of
    sizes); it may have `build(input_shape)`, `output_size`, and take `constants` and `training` in its call. Where the
    mask is False, a step changes nothing and repeats the output before it.

    Args:
        cell: the cell, or a list of cells to stack.
        return_sequences: give the outputs of all steps instead of the last one's.
        return_state: give the final states as well, after the output.
        go_backwards: walk from the last step to the first; outputs come in that order.
        stateful: begin each batch with the states the batch before ended with; needs a fixed batch size.
        unroll: write the steps out instead of looping; for a few steps only.

    Shapes:
        x (B, T, ...) -> (B, units), or (B, T, units) with `return_sequences`; with `return_state` a list: that, then
        each state (B, units). Called on [x, state, ...] or with `initial_state=[...]` it begins with these states;
        with `constants=[...]` every step is given these tensors.

    Raises:
        ValueError: no cell, a wrong number or shape of states, `stateful` without a batch size.

    Example:
        >>> from hornbeam import backend as K
        >>> from hornbeam.layers import RNN, Input, Layer
        >>> class Sum(Layer):
        ...     state_size = 2
        ...     def call(self, inputs, states):
        ...         total = states[0] + inputs
        ...         return total, [total]
        >>> RNN(Sum())(K.constant([[[1.0, 2.0], [3.0, 4.0]]])).tolist()
        [[4.0, 6.0]]
    """

    supports_masking = True
    least_rank = 3

    def __init__(
        self, cell, return_sequences=False, return_state=False, go_backwards=False, stateful=False, unroll=False,
        **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        self.cell = StackedRNNCells(cell) if isinstance(cell, (list, tuple)) else cell
        check_cell(type(self).__name__, self.cell)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self._num_constants = 0
        self._states = None

    # One row depends on no other unless the user's cell makes it so; kept states belong to rows.
    rowwise = property(lambda self: getattr(self.cell, "rowwise", False) and not self.stateful)
    # Step by step, gradients of kernels are added up in every turn, for which devices that share rows would have to
    # meet in each.
    leaves_cores_idle = property(lambda self: self._walk_names() is not None)
    passes_over_padding = property(lambda self: self._walk_names() is not None)  # a batch's longest row is the end

    @property
    def states(self):
        """The kept states (variables) of a stateful layer; None for each state otherwise."""
        return [None for _ in sizes_of(self.cell)] if self._states is None else self._states

    @property
    def state_variables(self):
        """The kept states, for whoever compiles this layer."""
        return [*(self._states or ()), *(v for layer in self._sublayers() for v in layer.state_variables)]

    # --- Calling: states and constants travel as further inputs ---

    def __call__(self, inputs, initial_state=None, constants=None, **kwargs):
        constants = nest.to_list(constants)
        if constants:
            self._num_constants = len(constants)
        if initial_state is not None or constants:
            inputs = [*nest.to_list(inputs), *nest.to_list(initial_state), *constants]
        return super().__call__(inputs, **kwargs)

    def build(self, input_shape):
        """Make the cell's weights, and the states if they are kept."""
        shapes = [input_shape] if not _is_list_of_shapes(input_shape) else list(input_shape)
        shape = tuple(shapes[0])
        self._check_rank(shape)
        constants = shapes[len(shapes) - self._num_constants :] if self._num_constants else []
        build_cell(self.cell, (shape[0], *shape[2:]), constants)
        self._turns, self._width = shape[1], shape[2:]
        if self.stateful:
            self._make_states(shape)
        super().build(input_shape)

    def _check_rank(self, shape):
        if len(shape) < self.least_rank:
            cure = "The axes are (batch, time, features): K.expand_dims(x, -1) adds the last."
            raise checks.wrong_rank(self, shape, least=self.least_rank, cure=cure)

    def _make_states(self, shape):
        if shape[0] is None:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} is stateful, so it must know the batch size. Give the first "
                f"layer batch_input_shape=(batch, time, features), or Input(batch_shape=...)."
            )
        self._states = [
            K.zeros((shape[0], *_axes(size)), self.dtype, f"{self.name}/state_{i}:0")
            for i, size in enumerate(self._state_sizes(shape))
        ]
        for variable in self._states:
            variable.trainable = False

    def _state_sizes(self, input_shape):
        return sizes_of(self.cell)

    def call(self, inputs, mask=None, training=None, initial_state=None, constants=None):
        """Walk along time; see the class."""
        x, states, constants = self._sorted_inputs(inputs, initial_state, constants)
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        self._check_inputs(x, states)
        x = x if "float" in K.dtype(x) else K.cast(x, self.dtype)
        last, outputs, new_states = self._walk(x, states or self._start(x), mask, constants, training)
        if self.stateful:
            for variable, new in zip(self.states, new_states, strict=True):
                variable.assign(new)
        result = outputs if self.return_sequences else last
        return [result, *new_states] if self.return_state else result

    def _sorted_inputs(self, inputs, initial_state, constants):
        """(x, states, constants), whichever way they came."""
        given = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        states, constants = nest.to_list(initial_state), nest.to_list(constants)
        if len(given) > 1:
            end = len(given) - (self._num_constants if not constants else 0)
            states, constants = states or given[1:end], constants or given[end:]
        return given[0], states, constants

    def _check_inputs(self, x, states):
        shape = K.int_shape(x)
        self._check_rank(shape)
        self._check_width(shape)
        sizes = self._state_sizes(shape)
        if states and len(states) != len(sizes):
            raise ValueError(
                f"{type(self).__name__} {self.name!r} has {len(sizes)} states, got {len(states)} initial states. Give "
                f"one tensor (batch, size) for each of the sizes {sizes}."
            )
        for state, size in zip(states, sizes, strict=False):
            if K.int_shape(state) != (shape[0], *_axes(size)):
                raise ValueError(
                    f"{type(self).__name__} {self.name!r}: an initial state has shape {K.int_shape(state)}; with this "
                    f"input of shape {shape} it must be {(shape[0], *_axes(size))}."
                )
        if self.stateful and self._states[0].shape[0] != shape[0]:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} is stateful for batches of {self._states[0].shape[0]} rows, got "
                f"{shape[0]}. Use that batch_size everywhere, with a number of rows that it divides."
            )

    def _check_width(self, shape):
        if shape[2:] != tuple(self._width) and None not in self._width:
            raise checks.wrong_size(self, -1, self._width[-1], shape, "Build a new layer for another size.")

    def _start(self, x):
        if self.stateful:
            return [K.cast(v, K.dtype(x)) for v in self._states]
        return self.get_initial_state(x)

    def get_initial_state(self, inputs):
        """Zeros for each state, as many rows as the inputs have."""
        own = getattr(self.cell, "get_initial_state", None)
        rows, dtype = K.int_shape(inputs)[0], K.dtype(inputs)
        if own is not None:
            return nest.to_list(own(inputs=inputs, batch_size=rows, dtype=dtype))
        sizes = [_axes(size) for size in self._state_sizes(K.int_shape(inputs))]
        if rows is not None:
            return [K.constant(0, dtype, (rows, *size)) for size in sizes]
        zero = K.sum(K.zeros_like(inputs), axis=list(range(1, K.ndim(inputs))))
        for _ in sizes[0]:
            zero = K.expand_dims(zero)
        return [K.tile(zero, [1, *size]) for size in sizes]

    def _walk_names(self):
        """What the cell's words must be told if its whole walk is such words; None if it must go step by step."""
        return self.cell.walk_names() if hasattr(self.cell, "walk_names") else None

    def loop_work(self):
        """What the loops do for a row, if the walk is whole: a list of (turns, None where that differs;
        multiplications of a turn; their results)."""
        return [(self._turns, *work) for work in self.cell.loop_work()]

    def _walk(self, x, states, mask, constants, training):
        """(last output, outputs, new states)."""
        noise = None
        if hasattr(self.cell, "hold_masks"):
            noise = self.cell.draw_masks(x[:, 0] if K.int_shape(x)[1] else K.sum(x, 1), training)
        names = self._walk_names()
        if names is None or constants or K.ndim(x) != 3:
            return self._walk_step_by_step(x, states, mask, constants, training, noise)
        if mask is not None and K.ndim(mask) == 3:
            mask = K.squeeze(mask, -1)
        how = {"go_backwards": self.go_backwards, "return_sequences": self.return_sequences}
        return self.cell.walk(x, states, names, noise, mask=mask, **how)

    def _walk_step_by_step(self, x, states, mask, constants, training, noise):
        held = hasattr(self.cell, "hold_masks")
        if held:
            self.cell.hold_masks(noise)
        count = len(states)

        def step(inputs, states_and_constants):
            own, others = states_and_constants[:count], states_and_constants[count:]
            return run_cell(self.cell, inputs, own, others, training)

        try:
            return K.rnn(
                step, x, states, go_backwards=self.go_backwards, mask=mask, constants=constants, unroll=self.unroll
            )
        finally:
            if held:
                self.cell.hold_masks(None)

    # --- What comes out ---

    def _knows_output(self):
        return getattr(self.cell, "output_size", None) is not None

    def compute_output_shape(self, input_shape):
        """(B, units) or (B, T, units), and the states' shapes."""
        if not self._knows_output():
            return super().compute_output_shape(input_shape)
        shape = tuple(input_shape[0]) if _is_list_of_shapes(input_shape) else tuple(input_shape)
        size = _axes(self._output_size(shape))
        output = (*shape[:2], *size) if self.return_sequences else (shape[0], *size)
        if not self.return_state:
            return output
        return [output, *((shape[0], *_axes(s)) for s in self._state_sizes(shape))]

    def _output_size(self, input_shape):
        return self.cell.output_size

    def _result_form(self, inputs, args, kwargs):
        if not self._knows_output():
            return self._traced_form(inputs, args, kwargs)
        return super()._result_form(inputs, args, kwargs)

    def compute_mask(self, inputs, mask=None):
        """The mask stays with sequences; it ends with a single output, and states have none."""
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        mask = mask if self.return_sequences else None
        return [mask, *(None for _ in sizes_of(self.cell))] if self.return_state else mask

    # --- Kept states ---

    def reset_states(self, states=None):
        """Set the kept states to zero, or to `states`, a list of arrays.

        Raises:
            ValueError: the layer is not stateful or not built, or the states do not fit.
        """
        if not self.stateful:
            raise ValueError(f"{type(self).__name__} {self.name!r} keeps no states. Make it with stateful=True.")
        if self._states is None:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} has no states yet. Give it batch_input_shape, or call it first."
            )
        if states is None:
            states = [np.zeros(v.shape) for v in self._states]
        states = nest.to_list(states)
        if len(states) != len(self._states):
            raise ValueError(f"{type(self).__name__} {self.name!r} has {len(self._states)} states, got {len(states)}.")
        K.batch_set_value(list(zip(self._states, states, strict=True)))

    # --- Configuration ---

    def get_config(self):
        """Constructor arguments; the cell as a configuration of its own."""
        config = super().get_config()
        return {**config, "num_constants": self._num_constants} if self._num_constants else config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """A new layer from what `get_config` gave."""
        config = dict(config)
        constants = config.pop("num_constants", 0)
        if isinstance(config.get("cell"), dict):
            config["cell"] = registry.deserialize("layer", config["cell"], custom_objects)
        layer = cls(**config)
        layer._num_constants = constants or 0
        return layer


class RNNOfOwnCell(RNN):
    """Base of layers that are a cell of the house and its walk in one."""

    def __init__(self, cell, **kwargs):
        super().__init__(cell, **kwargs)
        self.name_cell()

    def _check_rank(self, shape):
        if len(shape) != 3:
            cure = "The axes are (batch, time, features): K.expand_dims(x, -1) adds the last, "
            raise checks.wrong_rank(self, shape, exactly=3, cure=f"{cure}TimeDistributed(Flatten()) joins those after.")

    def name_cell(self):
        """Call the cell what the layer is called; weights are named after the layer."""
        self.cell.name = self.name


def shows_cell(*names):
    """Class decorator: the layer's attributes `names` are those of its cell."""

    def add(cls):
        for name in names:
            setattr(cls, name, property(functools.partial(_of_cell, name=name), doc=f"The cell's `{name}`."))
        return cls

    return add


def _of_cell(layer, name):
    return getattr(layer.cell, name)


def _axes(size):
    return tuple(size) if isinstance(size, (list, tuple)) else (int(size),)


def _is_list_of_shapes(shape):
    return isinstance(shape, list) and bool(shape) and isinstance(shape[0], (list, tuple))
