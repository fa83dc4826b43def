"""Models: graphs of layers, stacks of layers, and users' own classes, all trained the same way."""

from hornbeam.core import Input
from hornbeam.models.configuration import model_from_config, model_from_json
from hornbeam.models.model import Model
from hornbeam.models.sequential import Sequential

__all__ = ["Input", "Model", "Sequential", "model_from_config", "model_from_json"]
