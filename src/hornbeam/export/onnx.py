"""Models as ONNX files: layer by layer, with the layers' names, to be run by onnxruntime and its like."""

import os

from hornbeam import checks, registry
from hornbeam.export.checking import check_has_graph
from hornbeam.saving.atomic import replacing
from hornbeam.utils.optional import require

OLDEST, DEFAULT = 18, 18
_MOST_BYTES = 2**31 - 2**20  # a message of this kind of file holds less than 2 GiB


@registry.register("exporter", "onnx")
def to_onnx(model, path, opset=DEFAULT):
    """Write a model's inference as an ONNX file.

    Nodes are named after the layers ('dense', 'lstm/LSTM'), inputs and outputs as `model.input_names` and
    `model.output_names` say. Sizes that are None in the model stay open in the file, the batch among them. Noise and
    dropout are left out; masks are computed by the file itself. Weights of 2 GiB and more go into a second file beside
    it, `path` with '.data' behind.

    Args:
        model: a built model.
        path: file to write, usually '*.onnx'; an existing one is replaced in one step.
        opset: version of the ONNX operators, 18 or later.

    Raises:
        ImportError: the library onnx is missing. ValueError: the model is not built, keeps states, or holds a layer
            that ONNX has no counterpart for.

    Example:
        >>> import tempfile
        >>> from hornbeam import Sequential
        >>> from hornbeam.layers import Dense
        >>> path = os.path.join(tempfile.mkdtemp(), "model.onnx")
        >>> to_onnx(Sequential([Dense(2, input_shape=(3,), name="head")]), path)
        >>> [node.name for node in require("onnx", "this example").load(path).graph.node]
        ['head']
    """
    onnx = require("onnx", "to_onnx")
    made = onnx_model(model, opset)
    if made.ByteSize() < _MOST_BYTES:
        with replacing(path) as temporary:
            onnx.save_model(made, os.fspath(temporary), format="protobuf")
        return
    data = os.path.basename(os.fspath(path)) + ".data"
    onnx.save_model(made, os.fspath(path), save_as_external_data=True, location=data)


def onnx_model(model, opset=DEFAULT):
    """The same as an `onnx.ModelProto`, unwritten; arguments and errors as of :func:`to_onnx`."""
    onnx = require("onnx", "to_onnx")
    _check_opset(opset, onnx.defs.onnx_opset_version())
    check_has_graph(model)
    walk, NoCounterpart = _begin(opset)
    graph = walk.graph
    inputs = {}
    try:
        for name, tensor in zip(model.input_names, model.inputs, strict=True):
            inputs[tensor] = graph.input(name, tensor.shape, tensor.dtype)
        names = [graph.unique(name) for name in model.output_names]
        outputs, _ = walk.evaluate(model.outputs, inputs, order=model._graph.order)
        outputs = [walk.value(v) for v in outputs]
    except NoCounterpart as error:
        raise ValueError(f"Model {model.name!r} cannot be written as ONNX: {error}. Put that into a layer of its own, "
                         f"or export as StableHLO, which has it all.") from error  # fmt: skip
    outputs = [_named(graph, value, name, outputs[:i]) for i, (value, name) in enumerate(zip(outputs, names))]
    graph.prune([v.name for v in outputs])
    made = onnx.helper.make_model(
        graph.proto(model.name, outputs, _name_of_size),
        producer_name="hornbeam",
        opset_imports=[onnx.helper.make_opsetid("", opset)],
    )
    made.ir_version = onnx.helper.find_min_ir_version_for(made.opset_import)
    return made


def _begin(opset):
    """A walk, with all makers entered; they are loaded only when a model is exported."""
    from hornbeam.export import (  # noqa: F401
        onnx_arithmetic,
        onnx_attention,
        onnx_convolution,
        onnx_layers,
        onnx_loops,
        onnx_pooling,
        onnx_products,
        onnx_recurrent,
        onnx_tensors,
        onnx_wrappers,
    )
    from hornbeam.export.onnx_graph import NoCounterpart
    from hornbeam.export.onnx_walk import Walk

    return Walk(opset), NoCounterpart


def _check_opset(opset, newest):
    opset = checks.integer("to_onnx", "opset", opset)
    if not OLDEST <= opset <= newest:
        raise checks.wrong_argument("to_onnx", "opset", opset, f"{OLDEST} to {newest}, what the library onnx knows")


def _named(graph, value, name, before):
    """`value` under the name `name`; inputs, constants and values that have another name already get a node."""
    fixed = value.array is not None or value in graph.inputs or any(value is other for other in before)
    if fixed:
        with graph.within(name):
            value = graph.add("Identity", [value], value.shape)
    graph.rename(value.name, name)
    value.name = name
    return value


def _name_of_size(value, axis):
    return "batch" if axis == 0 else f"{value.name}_{axis}"
