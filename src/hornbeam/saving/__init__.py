"""Files of models: reading and writing every layout that Keras ever had, without running what a file says."""

from hornbeam.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from hornbeam.saving.errors import MissingModelFileError, ModelFileError
from hornbeam.saving.model_files import load_model, load_weights, save_model, save_weights

__all__ = [
    "CustomObjectScope", "MissingModelFileError", "ModelFileError", "custom_object_scope", "get_custom_objects",
    "get_registered_name", "get_registered_object", "load_model", "load_weights", "register_keras_serializable",
    "save_model", "save_weights",
]  # fmt: skip
