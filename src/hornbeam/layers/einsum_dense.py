"""The dense layer over any axes: a product written as an einsum equation."""

import dataclasses
import re

from hornbeam import activations, checks, constraints, initializers, registry, regularizers
from hornbeam import backend as K
from hornbeam.core import InputSpec, Layer

_FORM = re.compile(r"(\.\.\.)?([A-Za-z]+)(\.\.\.)?,([A-Za-z]+)->(\.\.\.)?([A-Za-z]+)(\.\.\.)?")


@dataclasses.dataclass(frozen=True)
class _Sizes:
    """What an equation makes of one input shape; `axes` are those of the input that the kernel fixes."""

    kernel: tuple
    bias: tuple | None
    output: tuple
    axes: dict


@registry.register("layer")
class EinsumDense(Layer):
    """activation(einsum(equation, x, kernel) + bias): a :class:`Dense` over whichever axes you name.

    The equation says which axes are summed over ('abc,cd->abd' is Dense on sequences), split ('abc,cde->abde' makes
    heads) or joined again ('abcd,cde->abe').

    Args:
        equation: letters for the axes of x, of the kernel, of the result: 'ab,bc->ac'. '...' before or after the
            letters of x and of the result stands for axes that are left as they are.
        output_shape: sizes of the result's lettered axes without the batch, or one number; None where the size is
            that of x.
        activation: name, function or layer applied to the result; None for none.
        bias_axes: letters of the result that the bias has; None for no bias.
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer: penalties on the weights.
        kernel_constraint, bias_constraint: applied to the weights after each update.
        activity_regularizer: penalty on the result.

    Shapes:
        as the equation says; with '...' before the letters, inputs may have any number of further axes.

    Raises:
        ValueError: the equation has another form, or does not fit `output_shape`, `bias_axes` or the inputs.

    Example:
        >>> from hornbeam.layers import EinsumDense, Input
        >>> EinsumDense("...x,xy->...y", output_shape=64, bias_axes="y")(Input((32, 128))).shape
        (None, 32, 64)
    """

    rowwise = True
    supports_masking = True

    def __init__(
        self, equation, output_shape, activation=None, bias_axes=None, kernel_initializer="glorot_uniform",
        bias_initializer="zeros", kernel_regularizer=None, bias_regularizer=None, kernel_constraint=None,
        bias_constraint=None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        self.equation = equation
        self._letters = _parse(equation)
        self.partial_output_shape = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        self.activation = activations.get(activation)
        self.bias_axes = bias_axes
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self._check_letters()

    def _check_letters(self):
        """Raise ValueError unless every letter has a place."""
        _, inputs, kernel, outputs, _ = self._letters
        for letter in outputs:
            if letter not in inputs + kernel:
                raise self._misfit(f"the result's axis {letter!r} is neither in the inputs nor in the kernel")
        for letter in kernel:
            if letter not in inputs + outputs:
                raise self._misfit(f"the kernel's axis {letter!r} is neither in the inputs nor in the result")
        for letter in self.bias_axes or "":
            if letter not in outputs:
                raise self._misfit(f"bias_axes={self.bias_axes!r} names {letter!r}, which the result does not have")

    def _misfit(self, fault):
        return ValueError(f"EinsumDense {self.name!r} with equation {self.equation!r}: {fault}.")

    def build(self, input_shape):
        """Make kernel and bias of the shapes the equation gives."""
        sizes = self._sizes(input_shape)
        if None in (*sizes.kernel, *(sizes.bias or ())):
            raise self._misfit(
                f"a weight would have an unknown size, for inputs of shape {tuple(input_shape)} and "
                f"output_shape={self.partial_output_shape}. Give the Input, or output_shape, that size"
            )
        left, inputs, kernel, outputs, _ = self._letters
        self.rowwise = bool(left) or (inputs[0] == outputs[0] and inputs[0] not in kernel)
        self.kernel = self.add_weight(
            "kernel", sizes.kernel, initializer=self._scaled_initializer(), regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )  # fmt: skip
        self.bias = None
        if sizes.bias is not None:
            self.bias = self.add_weight(
                "bias", sizes.bias, initializer=self.bias_initializer, regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )  # fmt: skip
        rank = len(input_shape)
        if left and rank > len(inputs):
            self.input_spec = InputSpec(min_ndim=len(inputs) + 1, axes={a - rank: s for a, s in sizes.axes.items()})
        else:
            self.input_spec = InputSpec(ndim=rank, axes=sizes.axes)
        super().build(input_shape)

    def _scaled_initializer(self):
        """The kernel's initializer, told which axes count inputs and which outputs if it scales by their number."""
        initializer, (_, _, kernel, outputs, _) = self.kernel_initializer, self._letters
        if not isinstance(initializer, initializers.VarianceScaling) or initializer.input_axes is not None:
            return initializer
        axes = {
            "input_axes": [i for i, letter in enumerate(kernel) if letter not in outputs],
            "output_axes": [i for i, letter in enumerate(kernel) if letter in outputs],
        }
        return type(initializer).from_config({**initializer.get_config(), **axes})

    def _sizes(self, input_shape):
        """Shapes of kernel, bias and result for inputs of `input_shape`."""
        left, inputs, kernel, outputs, right = self._letters
        rank, more = len(input_shape), len(input_shape) - len(inputs)
        if more < 0 or (more and not (left or right)):
            raise self._misfit(f"its {len(inputs)} letters do not fit inputs of shape {tuple(input_shape)}")
        first = more if left else 0
        at = {letter: first + i for i, letter in enumerate(inputs)}
        given = self.partial_output_shape if first else (input_shape[0], *self.partial_output_shape)
        if len(given) != len(outputs):
            raise self._misfit(
                f"output_shape={self.partial_output_shape} must have {len(outputs) - (not first)} sizes, one for each "
                f"letter of the result but the batch"
            )
        size = {letter: input_shape[axis] for letter, axis in at.items()}
        for letter, wanted in zip(outputs, given, strict=True):
            if None not in (wanted, size.get(letter)) and wanted != size[letter]:
                raise self._misfit(f"axis {letter!r} is {size[letter]} in the inputs, but output_shape says {wanted}")
            size[letter] = wanted if wanted is not None else size.get(letter)
        named = tuple(size[letter] for letter in outputs)
        bias = None
        if self.bias_axes:
            from_here = outputs[min(outputs.index(letter) for letter in self.bias_axes) :]
            bias = (*(size[c] if c in self.bias_axes else 1 for c in from_here), *(1,) * (more if right else 0))
        return _Sizes(
            kernel=tuple(size[letter] for letter in kernel),
            bias=bias,
            output=(*input_shape[:first], *named, *(input_shape[rank - more :] if right and more else ())),
            axes={axis: size[letter] for letter, axis in at.items() if letter in kernel},
        )

    def call(self, inputs):
        """activation(einsum(equation, inputs, kernel) + bias)."""
        outputs = K.einsum(self.equation, inputs, self.kernel)
        if self.bias is not None:
            outputs = outputs + self.bias
        return self.activation(outputs)

    def compute_output_shape(self, input_shape):
        """The sizes of the result's letters, unless the activation gives another shape, as glu does."""
        return activations.result_shape(self.activation, self._sizes(input_shape).output)

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "output_shape": list(self.partial_output_shape)}


def _parse(equation):
    """(ellipsis on the left?, letters of the inputs, of the kernel, of the result, ellipsis on the right?)."""
    found = _FORM.fullmatch(equation.replace(" ", "")) if isinstance(equation, str) else None
    if found is not None:
        left, inputs, right, kernel, left_again, outputs, right_again = found.groups()
        if left == left_again and right == right_again and not (left and right):
            return bool(left), inputs, kernel, outputs, bool(right)
    raise checks.wrong_argument(
        "EinsumDense", "equation", equation, "of the form 'ab,bc->ac', '...ab,bc->...ac' or 'ab...,bc->ac...'"
    )
