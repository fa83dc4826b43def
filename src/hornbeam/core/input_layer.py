"""Where a graph begins: `Input` and the layer behind it."""

from hornbeam import checks, config, nest, registry
from hornbeam.backend import get_uid_name
from hornbeam.core.layer import Layer
from hornbeam.symbolic import SymbolicTensor


@registry.register("layer")
class InputLayer(checks.Constructed, Layer):
    """Entry point of a graph of layers; :func:`Input` makes one and gives its tensor.

    Args:
        input_shape: sizes without the batch.
        batch_size: rows, if they are fixed.
        batch_input_shape: sizes with the batch; replaces the two above.
        dtype: type of the values, floatx if None.
        input_tensor: symbolic tensor to wrap.
        sparse: may values come as sparse matrices? They are made dense batch by batch.
        name: name of the input, by which dicts of arrays find it.

    Raises:
        ValueError: no shape came, or two that differ.
    """

    rowwise = True
    supports_masking = True

    def __init__(
        self, input_shape=None, batch_size=None, batch_input_shape=None, dtype=None, input_tensor=None, sparse=False,
        name=None, batch_shape=None, shape=None, ragged=None, optional=False, trainable=True,
    ):  # fmt: skip
        super().__init__(name=name or get_uid_name("input"), dtype=dtype or _dtype_of(input_tensor))
        batch_input_shape = batch_shape if batch_input_shape is None else batch_input_shape
        input_shape = shape if input_shape is None else input_shape
        if input_tensor is not None:
            batch_input_shape = tuple(input_tensor.shape)
        if batch_input_shape is None:
            if input_shape is None:
                raise ValueError("An Input needs shape=(...) without the batch, or batch_shape=(...) with it.")
            inner = (input_shape,) if isinstance(input_shape, int) else tuple(input_shape)
            batch_input_shape = (batch_size, *inner)
        self.batch_input_shape = tuple(None if s is None else int(s) for s in batch_input_shape)
        self.sparse = sparse
        self.built = True
        tensor = input_tensor
        if tensor is None:
            tensor = SymbolicTensor(self.batch_input_shape, self.dtype, self.name, sparse=sparse)
        tensor._keras_history = (self, 0, 0)
        self.tensor = tensor
        self._inbound_nodes.append(_InputNode(self, tensor))

    def get_config(self):
        """Shape, type and name."""
        return {
            "batch_input_shape": list(self.batch_input_shape),
            "dtype": self.dtype,
            "sparse": self.sparse,
            "name": self.name,
        }


class _InputNode:
    """Stands for the call that made an input tensor, so that `input` and `output` work as on any layer."""

    def __init__(self, layer, tensor):
        self.operation = layer
        self.inputs = self.outputs = [tensor]


def _dtype_of(tensor):
    return config.floatx() if tensor is None else tensor.dtype


def Input(shape=None, batch_shape=None, name=None, dtype=None, sparse=False, tensor=None, batch_size=None, **newer):
    """A symbolic tensor to build functional models from.

    Args:
        shape: sizes without the batch: (784,) for rows of 784 numbers; None where unknown.
        batch_shape: sizes with the batch; replaces `shape`.
        name: by which dicts of arrays find it.
        dtype: floatx if None; 'int32' for class numbers and word ids.
        sparse: may values come as sparse matrices?
        tensor: symbolic tensor to make an input of.
        batch_size: rows, if they are fixed.

    Raises:
        ValueError: neither `shape` nor `batch_shape` came.

    Example:
        >>> Input(shape=(32,)).shape
        (None, 32)
    """
    layer = InputLayer(
        input_shape=shape, batch_size=batch_size, batch_input_shape=batch_shape, dtype=dtype, input_tensor=tensor,
        sparse=sparse, name=name,
    )  # fmt: skip
    return nest.unpack_singleton([layer.tensor])
