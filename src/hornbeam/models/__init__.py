"""Models: graphs of layers, stacks of layers, and users' own classes, all trained the same way."""

from hornbeam.core import Input
from hornbeam.models.copying import clone_model
from hornbeam.models.files import load_model, model_from_config, model_from_json, model_from_yaml, save_model
from hornbeam.models.model import Model
from hornbeam.models.sequential import Sequential

__all__ = [
    "Input", "Model", "Sequential", "clone_model", "load_model", "model_from_config", "model_from_json",
    "model_from_yaml", "save_model",
]  # fmt: skip
