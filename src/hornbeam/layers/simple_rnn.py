"""The plain recurrent network: SimpleRNN and its cell."""

from hornbeam import registry
from hornbeam.layers.recurrent import RNNOfOwnCell, shows_cell
from hornbeam.layers.recurrent_cells import GatedCell

# What a layer shows of its cell, as far as every cell of the house has it.
COMMON = (
    "units", "activation", "use_bias", "kernel_initializer", "recurrent_initializer", "bias_initializer",
    "kernel_regularizer", "recurrent_regularizer", "bias_regularizer", "kernel_constraint", "recurrent_constraint",
    "bias_constraint", "dropout", "recurrent_dropout", "seed",
)  # fmt: skip


@registry.register("layer")
class SimpleRNNCell(GatedCell):
    """One step of a SimpleRNN: h' = activation(x . kernel + h . recurrent_kernel + bias).

    Args: those of :class:`SimpleRNN` up to `recurrent_dropout`.

    Shapes:
        x (B, D), [h (B, units)] -> h' (B, units), [h'].

    Example:
        >>> from hornbeam.layers import RNN, Input, SimpleRNNCell
        >>> RNN(SimpleRNNCell(4))(Input((5, 2))).shape
        (None, 4)
    """

    word = "simple_rnn"
    activation_arguments = ("activation",)

    def __init__(
        self, units, activation="tanh", use_bias=True, kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal", bias_initializer="zeros", kernel_regularizer=None,
        recurrent_regularizer=None, bias_regularizer=None, kernel_constraint=None, recurrent_constraint=None,
        bias_constraint=None, dropout=0.0, recurrent_dropout=0.0, seed=None, **kwargs,
    ):  # fmt: skip
        super().__init__(
            units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, dropout, recurrent_dropout, seed=seed, **kwargs,
        )  # fmt: skip

    def call(self, inputs, states, training=None):
        """One step: (h', [h'])."""
        drop, recurrent_drop = self._masks_now(inputs, training)
        (z,) = self._project(inputs, self.kernel, drop, self.bias)
        (y,) = self._project(states[0], self.recurrent_kernel, recurrent_drop)
        h = self.activation(z + y)
        return h, [h]


@registry.register("layer")
@shows_cell(*COMMON)
class SimpleRNN(RNNOfOwnCell):
    """Plain recurrent layer: h_t = activation(x_t . kernel + h_(t-1) . recurrent_kernel + bias).

    Forgets within some ten steps; LSTM and GRU remember longer.

    Args:
        units: size of state and output.
        activation: of the state; None for none.
        use_bias: add a bias?
        kernel_initializer, recurrent_initializer, bias_initializer: how the weights start.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: penalty on the output.
        kernel_constraint, recurrent_constraint, bias_constraint: applied after each update.
        dropout: fraction of the inputs dropped, the same ones at every step of a sequence.
        recurrent_dropout: fraction of the state dropped on its way into the next step, likewise.
        return_sequences, return_state, go_backwards, stateful, unroll: see :class:`RNN`.
        seed: fixes the stream of dropout.

    Shapes:
        x (B, T, D) -> (B, units), or (B, T, units) with `return_sequences`. kernel (D, units), recurrent_kernel
        (units, units), bias (units,).

    Raises:
        ValueError: an argument out of range, or inputs of another rank than 3.

    Example:
        >>> from hornbeam.layers import Input, SimpleRNN
        >>> SimpleRNN(4, return_sequences=True)(Input((5, 2))).shape
        (None, 5, 4)

    Reference:
        Elman, Finding Structure in Time, 1990.
    """

    def __init__(
        self, units, activation="tanh", use_bias=True, kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal", bias_initializer="zeros", kernel_regularizer=None,
        recurrent_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
        recurrent_constraint=None, bias_constraint=None, dropout=0.0, recurrent_dropout=0.0, return_sequences=False,
        return_state=False, go_backwards=False, stateful=False, unroll=False, seed=None, **kwargs,
    ):  # fmt: skip
        cell = SimpleRNNCell(
            units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, dropout, recurrent_dropout, seed, name="cell", dtype=kwargs.get("dtype"),
        )  # fmt: skip
        super().__init__(
            cell, return_sequences=return_sequences, return_state=return_state, go_backwards=go_backwards,
            stateful=stateful, unroll=unroll, activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
