"""Names of `keras.engine` that Hornbeam calls otherwise: containers are models, nodes are those of the one graph."""

from hornbeam.compat.generic_utils import to_list
from hornbeam.compat.layer_utils import count_params, get_source_inputs
from hornbeam.models import Model
from hornbeam.symbolic import Node

Container = Network = Model

__all__ = ["Container", "Network", "Node", "count_params", "get_source_inputs", "to_list"]
