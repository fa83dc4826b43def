"""Programs of the JAX engine as bytes: StableHLO, to be run without this library."""

import numpy as np

from hornbeam.engines.jax.tensors import _dtype

__all__ = ["export_program"]

# Machines that an exported program runs on.
_PLATFORMS = ("cpu", "cuda", "tpu")


def export_program(function, specs):
    """`function` compiled down to StableHLO, with all it holds, as bytes.

    Args:
        function: pure function of as many arrays as there are `specs`.
        specs: list of (shape, dtype name); a size may be a name, which stands for any number from 1 on, the same one
            wherever that name is.

    Raises:
        ValueError: the function needs to know a size that is open.
    """
    import jax.export  # half a tenth of a second, which only those who export shall pay

    scope = jax.export.SymbolicScope()
    forms = []
    for shape, dtype in specs:
        sizes = jax.export.symbolic_shape(", ".join(str(s) for s in shape), scope=scope) if shape else ()
        forms.append(jax.ShapeDtypeStruct(sizes, np.dtype(_dtype(dtype))))
    try:
        exported = jax.export.export(jax.jit(function), platforms=_PLATFORMS)(*forms)
    except (jax.errors.InconclusiveDimensionOperation, TypeError) as error:
        raise ValueError(str(error).splitlines()[0]) from error
    return bytes(exported.serialize())
