"""Recurrent layers over images: ConvLSTM2D, its cell, and the layer that runs such cells."""

from typing import Any

from hornbeam import backend as K
from hornbeam import checks, registry
from hornbeam.layers.lstm import LSTMCell
from hornbeam.layers.recurrent import RNN, shows_cell
from hornbeam.utils.conv_utils import conv_output_length, normalize_padding, normalize_tuple


@registry.register("layer")
class ConvLSTM2DCell(LSTMCell):
    """One step of a ConvLSTM2D: an LSTM whose products are convolutions.

    Args: those of :class:`ConvLSTM2D`, as far as they concern one step.

    Shapes:
        x (B, H, W, C), [h, c] each (B, H', W', filters) -> h', [h', c'].

    Example:
        >>> from hornbeam.layers import ConvLSTM2DCell
        >>> ConvLSTM2DCell(4, 3).state_shape((None, 8, 8, 1))
        (6, 6, 4)
    """

    def __init__(
        self, filters, kernel_size, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1),
        activation="tanh", recurrent_activation="hard_sigmoid", use_bias=True, kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal", bias_initializer="zeros", unit_forget_bias=True, kernel_regularizer=None,
        recurrent_regularizer=None, bias_regularizer=None, kernel_constraint=None, recurrent_constraint=None,
        bias_constraint=None, dropout=0.0, recurrent_dropout=0.0, seed=None, **kwargs,
    ):  # fmt: skip
        filters = checks.integer(type(self).__name__, "filters", filters, least=1)
        super().__init__(
            filters, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, unit_forget_bias, kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed=seed, **kwargs,
        )  # fmt: skip
        owner = type(self).__name__
        self.filters = filters
        self.kernel_size = normalize_tuple(kernel_size, 2, "kernel_size", owner)
        self.strides = normalize_tuple(strides, 2, "strides", owner)
        self.padding = normalize_padding(padding, owner)
        self.data_format = checks.data_format(type(self).__name__, data_format)
        self.dilation_rate = normalize_tuple(dilation_rate, 2, "dilation_rate", owner)

    def _kernel_shapes(self, input_shape):
        channels = checks.known_size(self, input_shape, 1 if self.data_format == "channels_first" else -1)
        wide = 4 * self.filters
        return (*self.kernel_size, channels, wide), (*self.kernel_size, self.filters, wide)

    def state_shape(self, input_shape):
        """Shape of a state without the batch, for one step (B, H, W, C) of the inputs."""
        first = self.data_format == "channels_first"
        sizes = input_shape[2:] if first else input_shape[1:3]
        rules = zip(sizes, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        sizes = [conv_output_length(n, k, self.padding, s, d) for n, k, s, d in rules]
        if any(n is not None and n < 1 for n in sizes):
            raise ValueError(
                f"{type(self).__name__} {self.name!r}: a kernel of {self.kernel_size} is larger than its inputs of "
                f"shape {tuple(input_shape)} ({self.data_format}). Take a smaller one, or padding='same'."
            )
        return (self.filters, *sizes) if first else (*sizes, self.filters)

    def _state_shape(self, input_shape):
        return (input_shape[0], *self.state_shape(input_shape))

    def _project(self, x, kernel, masks, bias=None, gates=None):
        return self.convolve([x * m for m in masks] or [x], kernel, bias)

    def convolve(self, xs, kernel, bias=None):
        """One tensor a gate: the convolution of x, or of one x for each. That of a state keeps its size."""
        how: dict[str, Any] = {"padding": "same", "data_format": self.data_format}
        if kernel is self.kernel:
            how.update(strides=self.strides, padding=self.padding, dilation_rate=self.dilation_rate)
        if len(xs) == 1:
            parts = self.split(K.conv2d(xs[0], kernel, **how))
        else:
            parts = [K.conv2d(x, kernel[..., block], **how) for x, block in zip(xs, self._blocks(), strict=True)]
        if bias is None:
            return parts
        blocks = [bias[block] for block in self._blocks()]
        return [K.bias_add(p, b, data_format=self.data_format) for p, b in zip(parts, blocks, strict=True)]

    def _blocks(self):
        return [slice(j * self.filters, (j + 1) * self.filters) for j in range(4)]

    def split(self, whole):
        """The channels of all gates, cut into one tensor a gate."""
        first = self.data_format == "channels_first"
        return [whole[:, block] if first else whole[..., block] for block in self._blocks()]


@registry.register("layer")
class ConvRNN2D(RNN):
    """Runs a convolutional cell along the time axis of images (B, T, H, W, C).

    Args:
        cell: cell with `state_shape(step shape)`, such as ConvLSTM2DCell.
        return_sequences, return_state, go_backwards, stateful, unroll: see :class:`RNN`.

    Example:
        >>> from hornbeam.layers import ConvLSTM2DCell, ConvRNN2D, Input
        >>> ConvRNN2D(ConvLSTM2DCell(4, 3))(Input((5, 8, 8, 1))).shape
        (None, 6, 6, 4)
    """

    least_rank = 5

    def __init__(
        self, cell, return_sequences=False, return_state=False, go_backwards=False, stateful=False, unroll=False,
        **kwargs,
    ):  # fmt: skip
        super().__init__(cell, return_sequences, return_state, go_backwards, stateful, unroll, **kwargs)
        if not hasattr(cell, "state_shape"):
            raise ValueError(
                f"{type(self).__name__} needs a convolutional cell; {type(cell).__name__} has no state_shape."
            )

    def _state_sizes(self, input_shape):
        return [self._output_size(input_shape)] * len(self.cell.state_size)

    def _output_size(self, input_shape):
        return self.cell.state_shape((input_shape[0], *input_shape[2:]))

    def _check_width(self, shape):
        axis, size = 2 if self._channels_first() else -1, self.cell.kernel.shape[-2]
        if shape[axis] != size:
            raise checks.wrong_size(self, axis, size, shape, "Build a new layer for another size.")

    def _channels_first(self):
        return self.cell.data_format == "channels_first"


@registry.register("layer")
@shows_cell(
    "filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "activation",
    "recurrent_activation", "use_bias", "kernel_initializer", "recurrent_initializer", "bias_initializer",
    "unit_forget_bias", "kernel_regularizer", "recurrent_regularizer", "bias_regularizer", "kernel_constraint",
    "recurrent_constraint", "bias_constraint", "dropout", "recurrent_dropout", "seed",
)  # fmt: skip
class ConvLSTM2D(ConvRNN2D):
    """An LSTM over images: every product with a kernel is a convolution, states are images.

    i, f, o = recurrent_activation(x * W + h * U + b); c' = f c + i activation(...); h' = o activation(c').

    Args:
        filters: channels of states and output.
        kernel_size, strides, padding, data_format, dilation_rate: of the convolution of the inputs, as in Conv2D; the
            state's keeps its size.
        activation, recurrent_activation, use_bias, unit_forget_bias: as in :class:`LSTM`.
        kernel_initializer, recurrent_initializer, bias_initializer: how the weights start.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: penalty on the output.
        kernel_constraint, recurrent_constraint, bias_constraint: applied after each update.
        return_sequences, go_backwards, stateful, return_state, unroll: see :class:`RNN`.
        dropout, recurrent_dropout: fractions of inputs and state dropped, the same ones at every step.
        seed: fixes the stream of dropout.

    Shapes:
        x (B, T, H, W, C) -> (B, H', W', filters), or (B, T, H', W', filters) with `return_sequences`; channels come
        third for 'channels_first'. kernel (K, L, C, 4 filters), recurrent_kernel (K, L, filters, 4 filters).

    Raises:
        ValueError: an argument out of range, or a kernel larger than the inputs.

    Example:
        >>> from hornbeam.layers import ConvLSTM2D, Input
        >>> ConvLSTM2D(4, 3, padding="same", return_sequences=True)(Input((5, 8, 8, 1))).shape
        (None, 5, 8, 8, 4)

    Reference:
        Shi et al., Convolutional LSTM Network, 2015 (without the peephole weights).
    """

    def __init__(
        self, filters, kernel_size, strides=(1, 1), padding="valid", data_format=None, dilation_rate=(1, 1),
        activation="tanh", recurrent_activation="hard_sigmoid", use_bias=True, kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal", bias_initializer="zeros", unit_forget_bias=True, kernel_regularizer=None,
        recurrent_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
        recurrent_constraint=None, bias_constraint=None, return_sequences=False, go_backwards=False, stateful=False,
        dropout=0.0, recurrent_dropout=0.0, seed=None, **kwargs,
    ):  # fmt: skip
        cell = ConvLSTM2DCell(
            filters, kernel_size, strides, padding, data_format, dilation_rate, activation, recurrent_activation,
            use_bias, kernel_initializer, recurrent_initializer, bias_initializer, unit_forget_bias,
            kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, dropout, recurrent_dropout, seed, name="cell", dtype=kwargs.get("dtype"),
        )  # fmt: skip
        super().__init__(
            cell, return_sequences=return_sequences, go_backwards=go_backwards, stateful=stateful,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
        self.name_cell()

    def name_cell(self):
        """Call the cell what the layer is called; weights are named after the layer."""
        self.cell.name = self.name

    def _walk(self, x, states, mask, constants, training):
        """As in RNN, but the inputs of all steps go through their convolution at once."""
        cell, shape = self.cell, K.int_shape(x)
        if shape[1] == 0:
            return super()._walk(x, states, mask, constants, training)
        drop, recurrent_drop = cell.draw_masks(x[:, 0], training)
        xs = [x * K.expand_dims(m, 1) for m in drop] or [x]
        flat = [K.reshape(x, (shape[0] * shape[1], *shape[2:])) for x in xs]
        z = K.concatenate(cell.convolve(flat, cell.kernel, cell.biases()), 1 if self._channels_first() else -1)
        z = K.reshape(z, (*shape[:2], *K.int_shape(z)[1:]))
        return K.rnn(
            lambda z, states: cell.advance(cell.split(z), states, recurrent_drop), z, states,
            go_backwards=self.go_backwards, mask=mask, unroll=self.unroll,
        )  # fmt: skip
