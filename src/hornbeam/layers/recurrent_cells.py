"""What recurrent cells have in common (weights, dropout, whole walks), and cells stacked into one."""

import math

from hornbeam import activations, checks, constraints, initializers, registry, regularizers
from hornbeam import backend as K
from hornbeam.core import Layer


class GatedCell(Layer):
    """Base of the cells of this house: a cell computes one step, `call(inputs, states) -> (output, new states)`.

    Subclasses say how many `gates` their kernels hold side by side, which `word` of the vocabulary is their walk along
    a whole sequence, and which of their `activation_arguments` that word is told.

    Args:
        units: size of state and output, 1 or more.
        implementation: with 2, all gates of a sequence share one dropout mask; with 0 and 1 each has its own. Speed
            is the same.
        seed: fixes the dropout masks' stream.
    """

    gates = 1
    word = ""
    activation_arguments = ()
    rowwise = True

    def __init__(
        self, units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
        kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
        bias_constraint, dropout, recurrent_dropout, implementation=1, seed=None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        owner = type(self).__name__
        self.units = checks.integer(owner, "units", units, least=1)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        # The classics took any number and held it between 0 and 1; at 1 nothing would be left.
        self.dropout = checks.fraction(owner, "dropout", dropout or 0.0)
        self.recurrent_dropout = checks.fraction(owner, "recurrent_dropout", recurrent_dropout or 0.0)
        if implementation not in (0, 1, 2):
            raise checks.wrong_argument(owner, "implementation", implementation, "0, 1 or 2")
        self.implementation = implementation
        self.seed = seed
        self._masks = None

    state_size = property(lambda self: self.units, doc="Size of the state(s).")
    output_size = property(lambda self: self.units, doc="Size of the output.")

    def build(self, input_shape):
        """Make the weights for inputs (B, D)."""
        kernel_shape, recurrent_shape = self._kernel_shapes(input_shape)
        self.kernel = self.add_weight(
            "kernel", kernel_shape, initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        self.recurrent_kernel = self.add_weight(
            "recurrent_kernel", recurrent_shape, initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer, constraint=self.recurrent_constraint,
        )  # fmt: skip
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", self._bias_shape(), initializer=self._bias_start(), regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )  # fmt: skip
        super().build(input_shape)

    def _kernel_shapes(self, input_shape):
        wide = self.gates * self.units
        return (checks.known_size(self, input_shape, -1), wide), (self.units, wide)

    def _bias_shape(self):
        return (self.gates * self.units,)

    def _bias_start(self):
        return self.bias_initializer

    def biases(self):
        """The bias as one step takes it, a block for each gate."""
        return self.bias

    # --- A whole sequence by one word ---

    def walk_names(self):
        """Keyword arguments that name the activations to the cell's word.

        None if it does not know one of them, or if a subclass computes its steps in a way of its own.
        """
        kinds = type(self).__mro__
        own = next(place for place, kind in enumerate(kinds) if "word" in vars(kind))
        if any(step in vars(kind) for kind in kinds[:own] for step in ("call", "advance", "_project", "_masks_now")):
            return None
        found = {name: _fused_name(getattr(self, name)) for name in self.activation_arguments}
        return None if None in found.values() else found

    def walk(self, x, states, names, noise, **how):
        """(last output, outputs or None, new states) of a sequence x (B, T, D).

        Args:
            names: what `walk_names` gave.
            noise: what `draw_masks` gave.
            how: mask (B, T), go_backwards, return_sequences.
        """
        drop, recurrent_drop = noise
        xs = [x * K.expand_dims(m, 1) for m in drop]
        return getattr(K, self.word)(
            xs if len(xs) > 1 else xs[0] if xs else x, states, self.kernel, self.recurrent_kernel, self.biases(),
            recurrent_mask=recurrent_drop or None, **names, **self.word_settings(), **how,
        )  # fmt: skip

    def word_settings(self):
        """Further keyword arguments of the cell's word."""
        return {}

    def loop_work(self):
        """What each loop does for a row in a turn: a list of (multiplications, results)."""
        kernel = self.recurrent_kernel.shape  # inputs are projected before the loop
        return [(math.prod(kernel), kernel[-1])]

    # --- Dropout: one mask for a whole sequence ---

    def draw_masks(self, inputs, training):
        """Draw the masks of a sequence, given one step of it (B, D): (for inputs, for states), lists of 0, 1 or
        `gates` factors."""
        ones = K.constant(1, K.dtype(inputs), self._state_shape(K.int_shape(inputs)))
        count = 1 if self.implementation == 2 else self.gates
        return (
            self._noise(K.ones_like(inputs), self.dropout, training, count, 0),
            self._noise(ones, self.recurrent_dropout, training, count, self.gates),
        )

    def _state_shape(self, input_shape):
        return (input_shape[0], self.units)

    def _noise(self, ones, rate, training, count, place):
        if rate == 0 or training is None or training is False:
            return []
        seeds = [None if self.seed is None else self.seed + place + i for i in range(count)]
        return [K.in_train_phase(lambda s=s: K.dropout(ones, rate, seed=s), ones, training=training) for s in seeds]

    def hold_masks(self, masks):
        """Use `masks` at every step until they are replaced; None draws new ones at each call."""
        self._masks = masks

    def _masks_now(self, inputs, training):
        return self.draw_masks(inputs, training) if self._masks is None else self._masks

    def _project(self, x, kernel, masks, bias=None, gates=None):
        """x . kernel + bias, one tensor a gate, each from its own dropped `x`."""
        gates = gates or self.gates
        blocks = [slice(j * self.units, (j + 1) * self.units) for j in range(gates)]
        if len(masks) > 1:
            parts = [K.dot(x * m, kernel[:, block]) for m, block in zip(masks, blocks, strict=True)]
            return parts if bias is None else [p + bias[block] for p, block in zip(parts, blocks, strict=True)]
        whole = K.dot(x * masks[0] if masks else x, kernel)
        whole = whole if bias is None else whole + bias
        return [whole[:, block] for block in blocks]


@registry.register("layer")
class StackedRNNCells(Layer):
    """Cells on top of each other, as one cell: the output of each is the input of the next.

    Args:
        cells: list of cells, lowest first.

    Shapes:
        States come and go in reverse: those of the last cell first, so that the first state is the output.

    Raises:
        ValueError: something in the list is no cell.

    Example:
        >>> from hornbeam.layers import RNN, GRUCell, Input, StackedRNNCells
        >>> RNN(StackedRNNCells([GRUCell(4), GRUCell(3)]))(Input((5, 2))).shape
        (None, 3)
    """

    rowwise = property(lambda self: all(getattr(cell, "rowwise", False) for cell in self.cells))

    def __init__(self, cells, **kwargs):
        super().__init__(**kwargs)
        for cell in cells:
            check_cell("StackedRNNCells", cell)
        self.cells = list(cells)

    @property
    def state_size(self):
        """Sizes of all states, the last cell's first."""
        return [size for cell in reversed(self.cells) for size in sizes_of(cell)]

    @property
    def output_size(self):
        """Size of the last cell's output."""
        return getattr(self.cells[-1], "output_size", None) or sizes_of(self.cells[-1])[0]

    def build(self, input_shape):
        """Build each cell for the output of the one below."""
        constants = []
        if isinstance(input_shape, list):
            input_shape, *constants = input_shape
        for cell in self.cells:
            build_cell(cell, input_shape, constants)
            size = getattr(cell, "output_size", None) or sizes_of(cell)[0]
            input_shape = (input_shape[0], *(size if isinstance(size, (list, tuple)) else (size,)))
        super().build(input_shape)

    def shares(self, states):
        """The states of each cell, lowest first."""
        waiting, shares = list(states), []
        for cell in reversed(self.cells):
            shares.insert(0, waiting[: len(sizes_of(cell))])
            del waiting[: len(sizes_of(cell))]
        return shares

    def call(self, inputs, states, constants=None, training=None):
        """One step of every cell: (output of the last, new states)."""
        new_states = []
        for cell, own in zip(self.cells, self.shares(states), strict=True):
            inputs, new = run_cell(cell, inputs, own, constants, training)
            new_states[:0] = new
        return inputs, new_states

    # --- A whole sequence, one cell after the other ---

    def walk_names(self):
        """What each cell's `walk_names` gives; None if one of them must go step by step."""
        found = [cell.walk_names() if hasattr(cell, "walk_names") else None for cell in self.cells]
        return None if None in found else found

    def walk(self, x, states, names, noise, mask=None, go_backwards=False, return_sequences=False):
        """(last output, outputs or None, new states) of a sequence x (B, T, D): each cell walks over the outputs of
        the one below. The result is that of the steps one by one, since a masked step changes no cell."""
        last = outputs = None
        new_states = []
        above = len(self.cells)
        for cell, own, told, drop in zip(self.cells, self.shares(states), names, noise, strict=True):
            above -= 1
            how = {"mask": mask, "go_backwards": go_backwards, "return_sequences": return_sequences or above > 0}
            last, outputs, new = cell.walk(x, own, told, drop, **how)
            new_states[:0] = new
            if go_backwards and mask is not None:
                mask = K.reverse(mask, 1)  # outputs come in the order of processing
            x, go_backwards = outputs, False
        return last, outputs, new_states

    def loop_work(self):
        """What each loop does for a row in a turn: a list of (multiplications, results)."""
        return [work for cell in self.cells for work in cell.loop_work()]

    def draw_masks(self, inputs, training):
        """Dropout masks of a sequence, one entry a cell."""
        found = []
        for cell in self.cells:
            found.append(cell.draw_masks(inputs, training) if hasattr(cell, "draw_masks") else None)
            size = getattr(cell, "output_size", None) or sizes_of(cell)[0]
            if isinstance(size, int):
                inputs = K.constant(0, K.dtype(inputs), (K.int_shape(inputs)[0], size))
        return found

    def hold_masks(self, masks):
        """Hand each cell its masks."""
        for cell, own in zip(self.cells, masks or [None] * len(self.cells), strict=True):
            if hasattr(cell, "hold_masks"):
                cell.hold_masks(own)

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """A new stack from what `get_config` gave."""
        cells = [registry.deserialize("layer", cell, custom_objects) for cell in config["cells"]]
        return cls(**{**config, "cells": cells})


# --- The protocol of cells, users' own among them ---


def check_cell(owner, cell):
    """Raise ValueError if `cell` lacks what a cell needs."""
    for word in ("call", "state_size"):
        if not hasattr(cell, word):
            raise ValueError(
                f"{owner} needs cells, objects with call(inputs, states) and state_size; {type(cell).__name__} has no "
                f"{word}."
            )


def sizes_of(cell):
    """List of the cell's state sizes (numbers, or tuples for states of more axes)."""
    sizes = cell.state_size
    return list(sizes) if isinstance(sizes, (list, tuple)) else [sizes]


def build_cell(cell, input_shape, constant_shapes=()):
    """Make the cell's weights, if they are not made yet."""
    if getattr(cell, "built", True) is True and hasattr(cell, "built"):
        return
    if hasattr(cell, "build"):
        cell.build([input_shape, *constant_shapes] if constant_shapes and takes(cell, "constants") else input_shape)
    cell.built = True
    given = getattr(cell, "_initial_weights", None)
    if given is not None:
        cell.set_weights(given)
        cell._initial_weights = None


def _fused_name(function):
    """The name under which fused words know an activation function, or None."""
    return next((name for name in K.fused_activations() if activations.get(name) is function), None)


def takes(cell, argument):
    """Has the cell's `call` that argument?"""
    from hornbeam.core.layer import _parameters

    return argument in _parameters(type(cell).call)


def run_cell(cell, inputs, states, constants, training):
    """One step of a cell: (output, list of new states)."""
    kwargs = {}
    if constants and takes(cell, "constants"):
        kwargs["constants"] = constants
    if takes(cell, "training"):
        kwargs["training"] = training
    output, new = cell.call(inputs, list(states), **kwargs)
    return output, list(new) if isinstance(new, (list, tuple)) else [new]
