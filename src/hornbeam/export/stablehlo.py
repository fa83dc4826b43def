"""Models as StableHLO programs: the engine's own compiled form, which runs without Hornbeam."""

from pathlib import Path

from hornbeam import backend as K
from hornbeam import nest, registry, scope
from hornbeam.export.checking import check_has_graph
from hornbeam.saving.atomic import replacing


@registry.register("exporter", "stablehlo")
def to_stablehlo(model, path, batch_size=None):
    """Write a model's inference as a StableHLO program, weights and all.

    The file holds what the engine exports and nothing else. To run it, hand its bytes to the engine's own `deserialize`
    and call the result on one array for each of `model.input_names`, in their order; it gives what the model's `call`
    gives. It is made for CPUs, CUDA GPUs and TPUs. Everything the engine computes can be exported, layers and
    functions of the user's own too.

    Args:
        model: a built model.
        path: file to write, an existing one is replaced in one step.
        batch_size: rows, if the program is to have a fixed number of them; None leaves the number open. So are other
            sizes that are None in the model.

    Raises:
        ValueError: the model is not built, keeps states, or needs to know a size that is open.
        NotImplementedError: the engine makes no programs.

    Example:
        >>> import os, tempfile
        >>> from hornbeam import Sequential
        >>> from hornbeam.layers import Dense
        >>> path = os.path.join(tempfile.mkdtemp(), "model.stablehlo")
        >>> to_stablehlo(Sequential([Dense(2, input_shape=(3,))]), path)
        >>> os.path.getsize(path) > 0
        True
    """
    check_has_graph(model)
    if model.stateful:
        raise ValueError(
            f"Model {model.name!r} has stateful layers, and a program keeps nothing between calls. Make them with "
            f"return_state=True, and hand the states in as initial_state."
        )
    program = _program(model, batch_size)
    with replacing(path) as temporary:
        Path(temporary).write_bytes(program)


def _program(model, batch_size):
    def infer(*inputs):
        with scope.Scope(training=False):
            return model.run(nest.unpack_singleton(list(inputs)), None, (), {})[0]

    def specs(shared):
        return [_spec(t, number, shared, batch_size) for number, t in enumerate(model.inputs)]

    try:
        return K.engine.export_program(infer, specs(shared=False))
    except ValueError:
        pass  # sizes that are open in two inputs may have to be the same
    try:
        return K.engine.export_program(infer, specs(shared=True))
    except ValueError as error:
        raise ValueError(
            f"Model {model.name!r} cannot be exported with sizes left open: {error} Give to_stablehlo a batch_size, "
            f"and the Input its other sizes."
        ) from error


def _spec(tensor, number, shared, batch_size):
    """(shape, type) of an input, with names for the sizes that are open."""
    sizes = []
    for axis, size in enumerate(tensor.shape):
        if size is None:
            name = f"size{axis}" if shared else f"size{number}_{axis}"
            size = (batch_size or "batch") if axis == 0 else name
        sizes.append(size)
    return tuple(sizes), tensor.dtype
