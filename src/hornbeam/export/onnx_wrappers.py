"""ONNX makers of layers around layers: TimeDistributed, Bidirectional, and the bare Wrapper."""

from hornbeam import nest
from hornbeam.export.onnx_layers import rows_and_steps, steps_again
from hornbeam.export.onnx_walk import layer_maker, word_maker
from hornbeam.layers import Bidirectional, TimeDistributed, Wrapper


@layer_maker(Wrapper)
def _wrapper(walk, layer, call):
    return walk.one(layer.layer, call.inputs)


@layer_maker(TimeDistributed)
def _time_distributed(walk, layer, call):
    x = call.inputs
    flat, sizes = rows_and_steps(walk, x)
    mask = None if call.mask is None or call.mask.rank < 3 else rows_and_steps(walk, call.mask)[0]
    found, _ = walk.layer(layer.layer, [flat], masks=[mask])
    shapes = layer.compute_output_shape(x.shape)
    shapes = shapes if isinstance(shapes, list) else [shapes]
    for value, shape in zip(nest.flatten(found), shapes, strict=True):
        value.shape = (flat.shape[0], *shape[2:])
    whole = [steps_again(walk, v, sizes, s) for v, s in zip(nest.flatten(found), shapes, strict=True)]
    return nest.pack_like(found, whole)


@word_maker("_mask_of_steps")
def _mask_of_steps(walk, like, layer, inputs, mask):
    flat, sizes = rows_and_steps(walk, inputs)
    inner = None if mask is None or mask.rank < 3 else rows_and_steps(walk, mask)[0]
    found = nest.flatten(walk.layer(layer, [flat], masks=[inner])[1])[0]
    if found.rank > 1:
        numbers = walk.graph.reduce("ReduceMax", walk.graph.cast(found, "int32"), range(1, found.rank))
        found = walk.graph.cast(numbers, "bool")
    return steps_again(walk, found, sizes, like.shape)


@word_maker("masks_of_model")
def _masks_of_model(walk, like, operation, inputs, mask):
    """The node that stands for the masks of a model's outputs, where the model was called on symbols."""
    return walk.layer(operation.model, [inputs], masks=[mask])[1]


@layer_maker(Bidirectional)
def _bidirectional(walk, layer, call):
    given = [*nest.to_list(call.inputs), *nest.to_list(call.kwargs.get("initial_state"))]
    given += nest.to_list(call.kwargs.get("constants"))
    end = len(given) - (layer._num_constants or len(nest.to_list(call.kwargs.get("constants"))))
    states, constants = given[1:end], given[end:]
    half, results = len(states) // 2, []
    for side, own in ((layer.forward_layer, states[:half]), (layer.backward_layer, states[half:])):
        whole = [given[0], *own, *constants]
        masks = call.mask if len(whole) == 1 else [call.mask] + [None] * (len(whole) - 1)
        results.append(walk.layer(side, [whole[0] if len(whole) == 1 else whole], masks=[masks])[0])
    return _joined(walk, layer, *results)


def _joined(walk, layer, forward, backward):
    """Both walks as one; the layer's own rule, written again because it asks what is symbolic."""
    g = walk.graph
    forward, *forward_states = forward if layer.return_state else [forward]
    backward, *backward_states = backward if layer.return_state else [backward]
    if layer.return_sequences:
        backward = g.backwards(backward, [1])
    if layer.merge_mode is None:
        joined = [forward, backward]
    elif layer.merge_mode == "concat":
        last = forward.shape[-1]
        shape = (*forward.shape[:-1], None if last is None else last + backward.shape[-1])
        joined = [g.add("Concat", [forward, backward], shape, axis=-1)]
    elif layer.merge_mode == "mul":
        joined = [g.add("Mul", [forward, backward])]
    else:
        total = g.add("Add", [forward, backward])
        joined = [total if layer.merge_mode == "sum" else g.add("Mul", [total, 0.5])]
    if layer.return_state:
        return [*joined, *forward_states, *backward_states]
    return nest.unpack_singleton(joined)

