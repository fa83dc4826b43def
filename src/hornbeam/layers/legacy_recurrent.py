"""Bases of recurrent layers from before there were cells: Recurrent and ConvRecurrent2D, for old code's subclasses."""

import inspect

import numpy as np

from hornbeam import backend as K
from hornbeam import checks, nest, registry
from hornbeam.core import InputSpec, Layer
from hornbeam.layers.recurrent import RNN
from hornbeam.utils.conv_utils import conv_output_length, normalize_padding, normalize_tuple


@registry.register("layer")
class Recurrent(RNN):
    """Base of recurrent layers as Keras 1 and 2.0 had them: output_t, states_t = step(x_t, states_(t-1) + constants).

    A subclass sets `units` (`output_dim` in Keras 1) and, in `build`, its weights and `self.states = [None]`, one None
    for each state; it writes `step(inputs, states)`, which returns (output, new states). It may write
    `preprocess_input(inputs)`, run on all steps at once, `get_constants(inputs)`, tensors handed to every step after
    the states, and `get_initial_state(inputs)` (`get_initial_states` in Keras 1). New layers are better written as a
    cell for :class:`RNN`.

    Args:
        return_sequences, return_state, go_backwards, stateful, unroll: see :class:`RNN`.
        implementation: 0, 1 or 2, kept for the subclass to look at; so is the `consume_less` of Keras 1.

    Shapes:
        x (B, T, D) -> (B, units), or (B, T, units) with `return_sequences`; with `return_state` a list: that, then
        each state.

    Raises:
        ValueError: a wrong number of states, `stateful` without a batch size. TypeError: the subclass has no `step`.

    Example:
        >>> from hornbeam.layers import Recurrent
        >>> class Sum(Recurrent):
        ...     units = 2
        ...     def build(self, input_shape):
        ...         self.states = [None]
        ...     def step(self, inputs, states):
        ...         return states[0] + inputs, [states[0] + inputs]
        >>> Sum()(K.constant([[[1.0, 2.0], [3.0, 4.0]]])).tolist()
        [[4.0, 6.0]]
    """

    rowwise = False

    def __init__(
        self, return_sequences=False, return_state=False, go_backwards=False, stateful=False, unroll=False,
        implementation=0, **kwargs,
    ):  # fmt: skip
        self.consume_less = kwargs.pop("consume_less", "cpu")
        self._states, self._state_count, self._batch = None, 1, None
        Layer.__init__(self, **kwargs)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.implementation = implementation
        self.supports_masking = True
        self.dropout = self.recurrent_dropout = 0
        self.input_spec = [InputSpec(ndim=self.least_rank)]
        self.state_spec = None
        self._num_constants = 0

    # --- For subclasses to write ---

    def step(self, inputs, states):
        """(output, list of new states) of one step; `states` end with what `get_constants` gave."""
        raise TypeError(
            f"{type(self).__name__} does not say what a step is. Define step(self, inputs, states), which returns "
            f"(output, [new states])."
        )

    def preprocess_input(self, inputs, training=None):
        """What `step` is given slices of; the inputs themselves if not overridden."""
        return inputs

    def get_constants(self, inputs, training=None):
        """Tensors handed to every step after the states; none if not overridden."""
        return []

    def get_initial_state(self, inputs):
        """First states: zeros of (B, units) each, if not overridden."""
        shape = K.int_shape(inputs)
        return [K.constant(0, K.dtype(inputs), (shape[0], *size)) for size in self._state_sizes(shape)]

    def get_initial_states(self, inputs):
        """The same, by its name in Keras 1."""
        return self.get_initial_state(inputs)

    # --- States and demands, which subclasses set as attributes ---

    @property
    def states(self):
        """The kept states of a stateful layer (variables), else None for each state."""
        return [None] * self._state_count if self._states is None else self._states

    @states.setter
    def states(self, given):
        given = list(given)
        self._state_count = len(given)
        self._states = given if given and all(isinstance(v, K.Variable) for v in given) else None

    @property
    def input_spec(self):
        """Demands on the inputs, a list; initial states are further inputs, on which there are none."""
        return self._demands

    @input_spec.setter
    def input_spec(self, spec):
        self._demands = None if spec is None else list(nest.to_list(spec))

    def _fit_demands(self, inputs):
        if self._demands is not None:
            wanted = len(inputs) if isinstance(inputs, (list, tuple)) else 1
            self._demands[1:] = [InputSpec()] * (wanted - 1)

    def _output_size(self, input_shape):
        size = getattr(self, "units", None) or getattr(self, "output_dim", None)
        if size is None:
            raise ValueError(f"{type(self).__name__} {self.name!r} must set self.units, the size of its output.")
        return size

    def _knows_output(self):
        return hasattr(self, "units") or hasattr(self, "output_dim")

    def _state_sizes(self, input_shape):
        size = self._output_size(input_shape)
        return [size if isinstance(size, tuple) else (size,)] * self._state_count

    # --- Calling ---

    def _build_once(self, inputs, shapes):
        if not self.built:
            self._batch = shapes[0]
            self._fit_demands(inputs)
            super()._build_once(inputs, shapes)
            if self.stateful and self._states is None:
                self.reset_states()
        self._fit_demands(inputs)

    def build(self, input_shape):
        """Nothing to make here; subclasses make their weights."""
        self.built = True

    def run(self, inputs, masks, args, kwargs):
        """See `Layer.run`."""
        self._fit_demands(inputs)
        return super().run(inputs, masks, args, kwargs)

    def _check_inputs(self, x, states):
        self._check_rank(K.int_shape(x))
        if states and len(states) != self._state_count:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} has {self._state_count} states, got {len(states)} initial states."
            )

    def _start(self, x):
        if self.stateful:
            return [K.cast(v, K.dtype(x)) for v in self._states]
        classic = type(self).get_initial_states is not Recurrent.get_initial_states
        return nest.to_list(self.get_initial_states(x) if classic else self.get_initial_state(x))

    def _walk(self, x, states, mask, constants, training):
        constants = [*constants, *_call(self.get_constants, x)]
        return K.rnn(
            lambda inputs, states: self.step(inputs, [*states, *constants]), _call(self.preprocess_input, x), states,
            go_backwards=self.go_backwards, mask=mask, unroll=self.unroll,
        )  # fmt: skip

    # --- What comes out ---

    def compute_mask(self, inputs, mask=None):
        """The mask stays with sequences; it ends with a single output, and states have none."""
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        mask = mask if self.return_sequences else None
        return [mask, *[None] * self._state_count] if self.return_state else mask

    def reset_states(self, states=None):
        """Set the kept states to zero, or to `states`, a list of arrays.

        Raises:
            ValueError: the layer is not stateful, has no batch size, or the states do not fit.
        """
        if self.stateful and self._states is None:
            shape = self._batch or getattr(self, "batch_input_shape", (None,))
            self._make_states(tuple(shape))
        super().reset_states(states)

    def get_config(self):
        """Constructor arguments, and those of this base."""
        names = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "implementation")
        return {**{name: getattr(self, name) for name in names}, **super().get_config()}


def _call(function, inputs):
    """`function(inputs)`; those of Keras 2 also take `training`, which is that of the call under way."""
    takes = "training" in inspect.signature(function).parameters
    return function(inputs, training=None) if takes else function(inputs)


@registry.register("layer")
class ConvRecurrent2D(Recurrent):
    """Base of recurrent layers over images, as Keras 2.0 had it: see :class:`Recurrent`; states are images.

    New layers are better written as a cell for :class:`ConvRNN2D`.

    Args:
        filters: channels of output and states.
        kernel_size, strides, padding, data_format, dilation_rate: of the convolution of the inputs, as in Conv2D.
        return_sequences, go_backwards, stateful: see :class:`RNN`.

    Shapes:
        x (B, T, H, W, C) -> (B, H', W', filters), or (B, T, H', W', filters) with `return_sequences`; channels come
        third for 'channels_first'.

    Raises:
        ValueError: an argument out of range. TypeError: the subclass has no `step`.

    Example:
        >>> from hornbeam.layers import ConvRecurrent2D
        >>> ConvRecurrent2D(4, 3).compute_output_shape((None, 5, 8, 8, 1))
        (None, 6, 6, 4)
    """

    least_rank = 5

    def __init__(
        self, filters, kernel_size, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1),
        return_sequences=False, go_backwards=False, stateful=False, **kwargs,
    ):  # fmt: skip
        super().__init__(
            return_sequences=return_sequences, go_backwards=go_backwards, stateful=stateful, **kwargs
        )
        owner = type(self).__name__
        self.filters = checks.integer(owner, "filters", filters, least=1)
        self.kernel_size = normalize_tuple(kernel_size, 2, "kernel_size", owner, 1)
        self.strides = normalize_tuple(strides, 2, "strides", owner, 1)
        self.padding = normalize_padding(padding, owner, ("valid", "same"))
        self.data_format = checks.data_format(owner, data_format)
        self.dilation_rate = normalize_tuple(dilation_rate, 2, "dilation_rate", owner, 1)

    def _knows_output(self):
        return True

    def _output_size(self, input_shape):
        channels_first = self.data_format == "channels_first"
        sizes = input_shape[3:] if channels_first else input_shape[2:4]
        rules = zip(sizes, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        found = tuple(conv_output_length(n, k, self.padding, s, d) for n, k, s, d in rules)
        return (self.filters, *found) if channels_first else (*found, self.filters)

    def get_config(self):
        """Constructor arguments, and those of this base."""
        names = ("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate")
        own = {name: np.asarray(value).tolist() for name, value in ((n, getattr(self, n)) for n in names)}
        return {**own, **super().get_config()}
