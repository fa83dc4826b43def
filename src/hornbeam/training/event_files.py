"""Event files, which TensorBoard reads: numbers, histograms, pictures and graphs of models, written as they come.

The records are those of tensorboardX. Its own SummaryWriter hands them to a thread, so that those of an epoch are not
in the file yet when the epoch is over, and a program that is killed loses them.
"""

import itertools
import os
import time

from hornbeam.utils.optional import require

_numbers = itertools.count()
_USER = "TensorBoard"
_PROTOS = ("event", "graph", "node_def", "versions", "attr_value", "tensor_shape")


class EventFile:
    """A new event file in a folder.

    Args:
        folder: it exists.
        purge_from: events of this step and after it, which other files of the folder hold, do not count; None for none.
    """

    def __init__(self, folder, purge_from=None):
        library = require("tensorboardX.event_file_writer", _USER)
        self._proto = require("tensorboardX.proto.event_pb2", _USER)
        self._summary = require("tensorboardX.summary", _USER)
        # Names of files tell seconds, and two trainings may begin within one.
        suffix = f".{os.getpid()}.{next(_numbers):06d}"
        self._file = library.EventsWriter(os.path.join(folder, "events"), suffix)
        if purge_from is not None:
            started = self._proto.SessionLog(status=self._proto.SessionLog.START)
            self.add(purge_from, session_log=started)

    def add(self, step=None, **content):
        """Write an event."""
        self._file.write_event(self._proto.Event(wall_time=time.time(), step=step, **content))

    def add_scalar(self, tag, value, step):
        """Write a number."""
        self.add(step, summary=self._summary.scalar(tag, value))

    def add_histogram(self, tag, values, step):
        """Write a histogram of 30 bins."""
        self.add(step, summary=self._summary.histogram(tag, values, 30))

    def add_image(self, tag, image, step):
        """Write a picture: (H, W) or (H, W, 3), numbers from 0 to 1."""
        forms = "HW" if image.ndim == 2 else "HWC"
        self.add(step, summary=self._summary.image(tag, image, rescale=255, dataformats=forms))

    def add_graph(self, model):
        """Write the model's graph, a node for every call of a layer; nothing for a model that has no graph."""
        if getattr(model, "_graph", None) is None:
            return
        proto = {name: require(f"tensorboardX.proto.{name}_pb2", _USER) for name in _PROTOS}
        nodes = []
        _add_nodes(model._graph, "", {}, nodes)
        graph = proto["graph"].GraphDef(
            node=[_node(proto, *node) for node in nodes], versions=proto["versions"].VersionDef(producer=22)
        )
        self.add(graph_def=graph.SerializeToString())

    def flush(self):
        """Hand what was written to the system, so that it stays if the program is killed."""
        self._file.flush()

    def close(self):
        """Close the file."""
        self._file.close()


def _add_nodes(graph, prefix, names, nodes):
    """Append (name, operation, names of inputs, output shape) for every node; `names` knows each tensor's node."""
    taken = {name for name, *_ in nodes}
    for tensor, given in zip(graph.inputs, graph.input_names, strict=True):
        if tensor not in names:
            names[tensor] = f"{prefix}{given}"
            nodes.append((names[tensor], "InputLayer", [], tuple(tensor.shape)))
            taken.add(names[tensor])
    for node in graph.order:
        operation = node.operation
        name = base = f"{prefix}{getattr(operation, 'name', None) or type(operation).__name__}"
        number = 1
        while name in taken:
            name, number = f"{base}_{number}", number + 1
        inner = getattr(operation, "_graph", None)
        inputs = [names[t] for t in node.inputs if t in names]
        if inner is None:
            taken.add(name)
            nodes.append((name, type(operation).__name__, inputs, tuple(node.outputs[0].shape)))
            names.update((t, name) for t in node.outputs)
            continue
        known = dict(zip(inner.inputs, inputs))
        _add_nodes(inner, f"{name}/", known, nodes)
        names.update((t, known[o]) for t, o in zip(node.outputs, inner.outputs) if o in known)
        taken = {name for name, *_ in nodes}


def _node(proto, name, kind, inputs, shape):
    sizes = [proto["tensor_shape"].TensorShapeProto.Dim(size=-1 if n is None else n) for n in shape]
    value = proto["attr_value"].AttrValue
    shapes = value(list=value.ListValue(shape=[proto["tensor_shape"].TensorShapeProto(dim=sizes)]))
    return proto["node_def"].NodeDef(name=name, op=kind, input=inputs, attr={"_output_shapes": shapes})
