"""What a layer demands of its inputs, checked at every call."""

from hornbeam import checks, nest


class InputSpec(checks.Constructed):
    """Demands on one input: number of axes, sizes, type.

    Args:
        dtype: type name, or None for any.
        shape: sizes, None for any.
        ndim: exact number of axes.
        max_ndim, min_ndim: bounds on the number of axes.
        axes: dict from axis to the size it must have (None for any).
    """

    def __init__(self, dtype=None, shape=None, ndim=None, max_ndim=None, min_ndim=None, axes=None):
        self.dtype = dtype
        self.shape = None if shape is None else tuple(shape)
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = {int(axis): size for axis, size in (axes or {}).items()}

    def __repr__(self):
        told = {key: value for key, value in vars(self).items() if value not in (None, {})}
        return f"InputSpec({', '.join(f'{k}={v}' for k, v in told.items())})"

    def check(self, layer, shape):
        """Raise ValueError if `shape` is not what `layer` needs."""
        rank = len(shape)
        if self.ndim is not None and rank != self.ndim:
            raise checks.wrong_rank(layer, shape, exactly=self.ndim, cure=_rank_cure(rank, self.ndim))
        if self.min_ndim is not None and rank < self.min_ndim:
            raise checks.wrong_rank(layer, shape, least=self.min_ndim, cure=_rank_cure(rank, self.min_ndim))
        if self.max_ndim is not None and rank > self.max_ndim:
            raise checks.wrong_rank(layer, shape, exactly=f"at most {self.max_ndim}", cure="Flatten it first.")
        for axis, size in self.axes.items():
            if size is not None and shape[axis] not in (size, None):
                raise checks.wrong_size(layer, axis, size, shape, "Build a new layer for another size.")
        for axis, size in enumerate(self.shape or ()):
            if size is not None and shape[axis] not in (size, None):
                raise checks.wrong_size(layer, axis, size, shape)


def _rank_cure(rank, wanted):
    if rank < wanted:
        return "Add an axis: K.expand_dims(x, -1), or a Reshape layer."
    return "Put a Flatten or Reshape layer before it."


def check_inputs(layer, shapes):
    """Check the shapes a layer is called on against its `input_spec`.

    Raises:
        ValueError: another number of inputs, or a shape that does not fit.
    """
    if layer.input_spec is None:
        return
    specs = nest.to_list(layer.input_spec)
    if len(specs) != len(shapes):
        raise ValueError(
            f"{type(layer).__name__} {layer.name!r} takes {len(specs)} inputs, got {len(shapes)}: {shapes}."
        )
    for spec, shape in zip(specs, shapes, strict=True):
        if spec is not None and shape is not None:
            spec.check(layer, shape)
