"""Gated recurrent units: GRU, its cell, and the name of the GPU version."""

from hornbeam import activations, registry
from hornbeam import backend as K
from hornbeam.layers.recurrent import RNNOfOwnCell, shows_cell
from hornbeam.layers.recurrent_cells import GatedCell
from hornbeam.layers.simple_rnn import COMMON


@registry.register("layer")
class GRUCell(GatedCell):
    """One step of a GRU: z, r = gates(x W + h U + b); h' = z h + (1 - z) activation(x W + (r h) U + b).

    Args: those of :class:`GRU` up to `reset_after`, as far as they concern one step.

    Shapes:
        x (B, D), [h (B, units)] -> h' (B, units), [h'].

    Example:
        >>> from hornbeam.layers import RNN, GRUCell, Input
        >>> RNN(GRUCell(4))(Input((5, 2))).shape
        (None, 4)
    """

    gates = 3
    word = "gru"
    activation_arguments = ("activation", "recurrent_activation")

    def __init__(
        self, units, activation="tanh", recurrent_activation="hard_sigmoid", use_bias=True,
        kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", bias_initializer="zeros",
        kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None, kernel_constraint=None,
        recurrent_constraint=None, bias_constraint=None, dropout=0.0, recurrent_dropout=0.0, implementation=1,
        reset_after=False, seed=None, **kwargs,
    ):  # fmt: skip
        super().__init__(
            units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, dropout, recurrent_dropout, implementation, seed, **kwargs,
        )  # fmt: skip
        self.recurrent_activation = activations.get(recurrent_activation)
        self.reset_after = reset_after

    def _bias_shape(self):
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def word_settings(self):
        """Is r applied after the product with the recurrent kernel?"""
        return {"reset_after": self.reset_after}

    def call(self, inputs, states, training=None):
        """One step: (h', [h'])."""
        (h,) = states
        drop, recurrent_drop = self._masks_now(inputs, training)
        bias, recurrent_bias = self.biases(), None
        if bias is not None and K.ndim(bias) == 2:
            bias, recurrent_bias = bias[0], bias[1]
        z, r, x = self._project(inputs, self.kernel, drop, bias)
        if self.reset_after:
            yz, yr, yh = self._project(h, self.recurrent_kernel, recurrent_drop, recurrent_bias)
            z, r = self.recurrent_activation(z + yz), self.recurrent_activation(r + yr)
            candidate = self.activation(x + r * yh)
        else:
            gates = self.recurrent_kernel[:, : 2 * self.units]
            yz, yr = self._project(h, gates, recurrent_drop[:2], gates=2)
            z, r = self.recurrent_activation(z + yz), self.recurrent_activation(r + yr)
            (yh,) = self._project(r * h, self.recurrent_kernel[:, 2 * self.units :], recurrent_drop[-1:], gates=1)
            candidate = self.activation(x + yh)
        h = z * h + (1 - z) * candidate
        return h, [h]


@registry.register("layer")
@shows_cell(*COMMON, "recurrent_activation", "implementation", "reset_after")
class GRU(RNNOfOwnCell):
    """Gated recurrent unit: keeps z of its state and takes 1 - z of a candidate that sees r of the state.

    z, r = recurrent_activation(x W + h U + b); h' = z h + (1 - z) activation(x W + (r h) U + b). Two thirds of an
    LSTM's weights. The defaults are the classic ones; cuDNN and Keras 3 have recurrent_activation='sigmoid' and
    reset_after=True: h' = z h + (1 - z) activation(x W + b + r (h U + b')).

    Args:
        units: size of state and output.
        activation: of the candidate; None for none.
        recurrent_activation: of the gates.
        use_bias: add biases?
        kernel_initializer, recurrent_initializer, bias_initializer: how the weights start.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: penalty on the output.
        kernel_constraint, recurrent_constraint, bias_constraint: applied after each update.
        dropout: fraction of the inputs dropped, the same ones at every step of a sequence.
        recurrent_dropout: fraction of the state dropped on its way into the gates, likewise.
        implementation: 0, 1 or 2; with 2 all gates share one dropout mask. Speed is the same.
        return_sequences, return_state, go_backwards, stateful, unroll: see :class:`RNN`.
        reset_after: apply r after the product with the recurrent kernel?
        seed: fixes the stream of dropout.

    Shapes:
        x (B, T, D) -> (B, units), or (B, T, units) with `return_sequences`. kernel (D, 3 units), recurrent_kernel
        (units, 3 units), blocks z, r, candidate; bias (3 units,), or (2, 3 units) with `reset_after`.

    Raises:
        ValueError: an argument out of range, or inputs of another rank than 3.

    Example:
        >>> from hornbeam.layers import GRU, Input
        >>> GRU(4)(Input((5, 2))).shape
        (None, 4)

    Reference:
        Cho et al., Learning Phrase Representations using RNN Encoder-Decoder, 2014 (arXiv 1406.1078, version 3).
    """

    def __init__(
        self, units, activation="tanh", recurrent_activation="hard_sigmoid", use_bias=True,
        kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", bias_initializer="zeros",
        kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None, activity_regularizer=None,
        kernel_constraint=None, recurrent_constraint=None, bias_constraint=None, dropout=0.0, recurrent_dropout=0.0,
        implementation=1, return_sequences=False, return_state=False, go_backwards=False, stateful=False,
        unroll=False, reset_after=False, seed=None, use_cudnn="auto", **kwargs,
    ):  # fmt: skip
        cell = GRUCell(
            units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint,
            recurrent_constraint, bias_constraint, dropout, recurrent_dropout, implementation, reset_after, seed,
            name="cell", dtype=kwargs.get("dtype"),
        )  # fmt: skip
        super().__init__(
            cell, return_sequences=return_sequences, return_state=return_state, go_backwards=go_backwards,
            stateful=stateful, unroll=unroll, activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip


class _FlatBiasGRUCell(GRUCell):
    """A GRU cell whose two biases lie in one row: (6 units,)."""

    def _bias_shape(self):
        return (6 * self.units,)

    def biases(self):
        return K.reshape(self.bias, (2, 3 * self.units))


@registry.register("layer")
class CuDNNGRU(GRU):
    """A GRU as cuDNN has it: sigmoid gates, tanh, `reset_after`, bias (6 units,). Runs anywhere.

    Kept for code and weights that name it; GRU is as fast.

    Args: as :class:`GRU`.

    Example:
        >>> from hornbeam.layers import CuDNNGRU, Input
        >>> CuDNNGRU(4)(Input((5, 2))).shape
        (None, 4)
    """

    def __init__(
        self, units, kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", bias_initializer="zeros",
        kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None, activity_regularizer=None,
        kernel_constraint=None, recurrent_constraint=None, bias_constraint=None, return_sequences=False,
        return_state=False, stateful=False, **kwargs,
    ):  # fmt: skip
        cell = _FlatBiasGRUCell(
            units, "tanh", "sigmoid", True, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, reset_after=True, name="cell", dtype=kwargs.get("dtype"),
        )  # fmt: skip
        RNNOfOwnCell.__init__(
            self, cell, return_sequences=return_sequences, return_state=return_state, stateful=stateful,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
