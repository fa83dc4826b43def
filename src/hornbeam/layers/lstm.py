"""Long short-term memory: LSTM, its cell, and the name of the GPU version."""

from hornbeam import activations, registry
from hornbeam import backend as K
from hornbeam.layers.recurrent import RNNOfOwnCell, shows_cell
from hornbeam.layers.recurrent_cells import GatedCell
from hornbeam.layers.simple_rnn import COMMON


@registry.register("layer")
class LSTMCell(GatedCell):
    """One step of an LSTM: i, f, o = gates(x W + h U + b); c' = f c + i activation(...); h' = o activation(c').

    Args: those of :class:`LSTM` up to `implementation`, as far as they concern one step.

    Shapes:
        x (B, D), [h, c] each (B, units) -> h' (B, units), [h', c'].

    Example:
        >>> from hornbeam.layers import RNN, Input, LSTMCell
        >>> RNN(LSTMCell(4))(Input((5, 2))).shape
        (None, 4)
    """

    gates = 4
    word = "lstm"
    activation_arguments = ("activation", "recurrent_activation")
    state_size = property(lambda self: [self.units, self.units], doc="Sizes of the states h and c.")

    def __init__(
        self, units, activation="tanh", recurrent_activation="hard_sigmoid", use_bias=True,
        kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", bias_initializer="zeros",
        unit_forget_bias=True, kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None,
        kernel_constraint=None, recurrent_constraint=None, bias_constraint=None, dropout=0.0, recurrent_dropout=0.0,
        implementation=1, seed=None, **kwargs,
    ):  # fmt: skip
        super().__init__(
            units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, dropout, recurrent_dropout, implementation, seed, **kwargs,
        )  # fmt: skip
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias

    _forget_block = 1  # which block of the bias starts at one

    def _bias_start(self):
        if not self.unit_forget_bias:
            return self.bias_initializer
        blocks = self._bias_shape()[0] // self.units
        sizes = [self._forget_block * self.units, (blocks - self._forget_block - 1) * self.units]

        def start(shape, dtype=None):
            before, after = (self.bias_initializer((size,), dtype) for size in sizes)
            return K.concatenate([before, K.constant(1, dtype, (self.units,)), after], 0)

        return start

    def call(self, inputs, states, training=None):
        """One step: (h', [h', c'])."""
        drop, recurrent_drop = self._masks_now(inputs, training)
        return self.advance(self._project(inputs, self.kernel, drop, self.biases()), states, recurrent_drop)

    def advance(self, z, states, recurrent_drop):
        """One step, from the inputs' share `z` of each gate."""
        h, c = states
        y = self._project(h, self.recurrent_kernel, recurrent_drop)
        i, f, o = (self.recurrent_activation(z[j] + y[j]) for j in (0, 1, 3))
        c = f * c + i * self.activation(z[2] + y[2])
        h = o * self.activation(c)
        return h, [h, c]


@registry.register("layer")
@shows_cell(*COMMON, "recurrent_activation", "unit_forget_bias", "implementation")
class LSTM(RNNOfOwnCell):
    """Long short-term memory: a cell state c that gates write to (i), keep (f) and read (o).

    i, f, o = recurrent_activation(x W + h U + b); c' = f c + i activation(x W + h U + b); h' = o activation(c'). The
    default of `recurrent_activation` is the classic one; Keras 3 and cuDNN have 'sigmoid'.

    Args:
        units: size of states and output.
        activation: of what is written and of c when it is read; None for none.
        recurrent_activation: of the gates.
        use_bias: add a bias?
        kernel_initializer, recurrent_initializer, bias_initializer: how the weights start.
        unit_forget_bias: start the bias of f at 1, so that c is kept at first?
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: penalty on the output.
        kernel_constraint, recurrent_constraint, bias_constraint: applied after each update.
        dropout: fraction of the inputs dropped, the same ones at every step of a sequence.
        recurrent_dropout: fraction of h dropped on its way into the gates, likewise.
        implementation: 0, 1 or 2; with 2 all gates share one dropout mask. Speed is the same.
        return_sequences, return_state, go_backwards, stateful, unroll: see :class:`RNN`.
        seed: fixes the stream of dropout.

    Shapes:
        x (B, T, D) -> (B, units), or (B, T, units) with `return_sequences`. States h, c (B, units). kernel
        (D, 4 units), recurrent_kernel (units, 4 units), bias (4 units,), blocks i, f, c, o.

    Raises:
        ValueError: an argument out of range, or inputs of another rank than 3.

    Example:
        >>> from hornbeam.layers import LSTM, Input
        >>> LSTM(4, return_sequences=True)(Input((5, 2))).shape
        (None, 5, 4)

    Reference:
        Hochreiter and Schmidhuber, Long Short-Term Memory, 1997; Gers et al., Learning to Forget, 2000.
    """

    def __init__(
        self, units, activation="tanh", recurrent_activation="hard_sigmoid", use_bias=True,
        kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", bias_initializer="zeros",
        unit_forget_bias=True, kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None,
        activity_regularizer=None, kernel_constraint=None, recurrent_constraint=None, bias_constraint=None,
        dropout=0.0, recurrent_dropout=0.0, implementation=1, return_sequences=False, return_state=False,
        go_backwards=False, stateful=False, unroll=False, seed=None, use_cudnn="auto", **kwargs,
    ):  # fmt: skip
        cell = LSTMCell(
            units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, unit_forget_bias, kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout, implementation, seed,
            name="cell", dtype=kwargs.get("dtype"),
        )  # fmt: skip
        super().__init__(
            cell, return_sequences=return_sequences, return_state=return_state, go_backwards=go_backwards,
            stateful=stateful, unroll=unroll, activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip


class _TwoBiasLSTMCell(LSTMCell):
    """An LSTM cell with a bias for inputs and one for states, in one row: (8 units,)."""

    _forget_block = 5

    def _bias_shape(self):
        return (8 * self.units,)

    def biases(self):
        return self.bias[: 4 * self.units] + self.bias[4 * self.units :]


@registry.register("layer")
class CuDNNLSTM(LSTM):
    """An LSTM as cuDNN has it: sigmoid gates, tanh, bias (8 units,). Runs anywhere.

    Kept for code and weights that name it; LSTM is as fast.

    Args: as :class:`LSTM`.

    Example:
        >>> from hornbeam.layers import CuDNNLSTM, Input
        >>> CuDNNLSTM(4)(Input((5, 2))).shape
        (None, 4)
    """

    def __init__(
        self, units, kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", bias_initializer="zeros",
        unit_forget_bias=True, kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None,
        activity_regularizer=None, kernel_constraint=None, recurrent_constraint=None, bias_constraint=None,
        return_sequences=False, return_state=False, stateful=False, **kwargs,
    ):  # fmt: skip
        cell = _TwoBiasLSTMCell(
            units, "tanh", "sigmoid", True, kernel_initializer, recurrent_initializer, bias_initializer,
            unit_forget_bias, kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint,
            recurrent_constraint, bias_constraint, name="cell", dtype=kwargs.get("dtype"),
        )  # fmt: skip
        RNNOfOwnCell.__init__(
            self, cell, return_sequences=return_sequences, return_state=return_state, stateful=stateful,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
