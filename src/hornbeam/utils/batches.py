"""What one batch is handed about as: inputs, targets and weights in a tuple."""


def unpack_x_y_sample_weight(data):
    """(x, y, sample_weight) from what a step is given; None for what is not there.

    Example:
        >>> unpack_x_y_sample_weight(("x", "y"))
        ('x', 'y', None)
    """
    if not isinstance(data, (tuple, list)):
        return data, None, None
    if len(data) > 3:
        raise ValueError(f"A batch is x, (x, y) or (x, y, sample_weight); got {len(data)} parts.")
    return (*data, *[None] * (3 - len(data)))


def pack_x_y_sample_weight(x, y=None, sample_weight=None):
    """What a step is given: x alone, (x, y) or (x, y, sample_weight).

    Example:
        >>> pack_x_y_sample_weight("x", "y")
        ('x', 'y')
    """
    if y is None:
        return (x,) if isinstance(x, (tuple, list)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)
