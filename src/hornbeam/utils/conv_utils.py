"""Arithmetic of windows: sizes in, sizes out, and the forms their arguments may take."""

import numpy as np

from hornbeam import checks

PADDINGS = ("valid", "same", "causal")


def normalize_tuple(value, n, name, owner="normalize_tuple", least=1):
    """`value` as a tuple of `n` integers; one integer stands for all.

    Args:
        value: an integer or a sequence of `n`.
        n: how many.
        name: argument that `value` came as, for the message.
        owner: who asks, for the message.
        least: smallest integer allowed.

    Raises:
        ValueError: `value` is neither.

    Example:
        >>> normalize_tuple(3, 2, "kernel_size")
        (3, 3)
    """
    wanted = f"an integer or {n} integers, each at least {least}" if n > 1 else f"an integer of at least {least}"
    items = tuple(value) if isinstance(value, (list, tuple, np.ndarray)) else (value,) * n
    whole = all(isinstance(i, (int, np.integer)) and not isinstance(i, bool) and i >= least for i in items)
    if len(items) != n or not whole:
        raise checks.wrong_argument(owner, name, value, wanted)
    return tuple(int(i) for i in items)


def normalize_padding(value, owner="normalize_padding", known=PADDINGS):
    """`value` in lower case.

    Raises:
        ValueError: it is none of `known`.

    Example:
        >>> normalize_padding("SAME")
        'same'
    """
    padding = value.lower() if isinstance(value, str) else value
    if padding not in known:
        raise checks.wrong_argument(owner, "padding", value, f"one of {', '.join(map(repr, known))}")
    return padding


def conv_output_length(input_length, filter_size, padding, stride, dilation=1):
    """Size of what a moving window gives; None for an unknown size.

    Args:
        input_length: size of the input, or None.
        filter_size: size of the window.
        padding: 'valid' (the window stays inside), 'same' or 'causal' (zeros are added, a result for every stride),
            or 'full' (the window only has to touch the input).
        stride: how far the window moves.
        dilation: distance between the window's taps.

    Example:
        >>> conv_output_length(28, 3, "valid", 1), conv_output_length(28, 3, "same", 2)
        (26, 14)
    """
    if input_length is None:
        return None
    reach = (filter_size - 1) * dilation
    moves = {"valid": input_length - reach, "full": input_length + reach}.get(padding, input_length)
    return (moves + stride - 1) // stride


def conv_input_length(output_length, filter_size, padding, stride):
    """Smallest size of an input that gives `output_length`; the inverse of :func:`conv_output_length`.

    Example:
        >>> conv_input_length(26, 3, "valid", 1)
        28
    """
    if output_length is None:
        return None
    reach = {"same": (filter_size // 2) * 2, "valid": 0, "full": (filter_size - 1) * 2}[padding]
    return (output_length - 1) * stride - reach + filter_size


def deconv_length(dim_size, stride_size, kernel_size, padding, output_padding=None, dilation=1):
    """Size of what a transposed convolution gives; None for an unknown size.

    Args:
        dim_size: size of the input, or None.
        stride_size, kernel_size, dilation: of the convolution it turns round.
        padding: 'valid' (every tap has its place: stride * (size - 1) + window, at least stride * size) or 'same'
            (stride * size).
        output_padding: of all sizes that the convolution would bring to `dim_size`, which: (size - 1) * stride +
            window - 2 * pad + output_padding, with pad = window // 2 for 'same', else 0. None for the rule above.

    Example:
        >>> deconv_length(14, 2, 3, "same"), deconv_length(14, 2, 3, "valid"), deconv_length(14, 2, 3, "same", 0)
        (28, 29, 27)
    """
    if dim_size is None:
        return None
    window = (kernel_size - 1) * dilation + 1
    if output_padding is None:
        more = {"valid": max(window - stride_size, 0), "same": 0, "full": 2 - stride_size - window}[padding]
        return dim_size * stride_size + more
    pad = {"same": window // 2, "valid": 0, "full": window - 1}[padding]
    return (dim_size - 1) * stride_size + window - 2 * pad + output_padding


def convert_kernel(kernel):
    """`kernel` (*window, C, F) turned round on its spatial axes: a convolution's to a correlation's and back.

    Example:
        >>> convert_kernel(np.arange(3).reshape(3, 1, 1)).ravel().tolist()
        [2, 1, 0]
    """
    kernel = np.asarray(kernel)
    if not 3 <= kernel.ndim <= 5:
        raise ValueError(f"convert_kernel: a kernel has 3 to 5 axes (*window, C, F); got shape {kernel.shape}.")
    return np.flip(kernel, tuple(range(kernel.ndim - 2))).copy()
