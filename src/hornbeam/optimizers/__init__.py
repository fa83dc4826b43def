"""Optimizers: how gradients change weights. Classic names, formulas and defaults, and the newer ones.

Each is a pure pair, `init(weights) -> state` and `update(gradients, state, weights, step) -> (weights, state)`, with
scalars such as `lr` that can be set while training.
"""

from hornbeam import registry
from hornbeam.optimizers import schedules
from hornbeam.optimizers.accumulated import Adagrad, Ftrl
from hornbeam.optimizers.descent import SGD, Lion
from hornbeam.optimizers.external import External, is_transformation
from hornbeam.optimizers.factored import Adafactor
from hornbeam.optimizers.moments import Adam, Adamax, AdamW, Nadam
from hornbeam.optimizers.optimizer import Optimizer, clip_norm
from hornbeam.optimizers.root_mean_square import Adadelta, RMSprop
from hornbeam.optimizers.values import Hyperparameter

__all__ = [
    "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "External", "Ftrl", "Hyperparameter", "Lion",
    "Nadam", "Optimizer", "RMSprop", "SGD", "TFOptimizer", "adadelta", "adagrad", "adam", "adamax", "clip_norm",
    "deserialize", "get", "nadam", "rmsprop", "schedules", "serialize", "sgd",
]  # fmt: skip

# Classic lower-case names of the classes.
sgd, rmsprop, adagrad, adadelta, adam, adamax, nadam = SGD, RMSprop, Adagrad, Adadelta, Adam, Adamax, Nadam


@registry.register("optimizer", "tfoptimizer")
class TFOptimizer:
    """The classic wrapper for TensorFlow's optimizers: a name that says what to use instead.

    Raises:
        TypeError: always.
    """

    def __init__(self, *args, **kwargs):
        raise TypeError(
            "TFOptimizer wraps TensorFlow's optimizers, and there is no TensorFlow here. Use the class of that kind "
            "from hornbeam.optimizers (tf.train.AdamOptimizer(0.001) is Adam(lr=0.001)), or any optax transformation."
        )


def serialize(optimizer):
    """Configuration of an optimizer: {'class_name', 'config'}."""
    return registry.serialize(optimizer)


def deserialize(config, custom_objects=None):
    """The optimizer a configuration or name describes; case does not matter.

    Raises:
        ValueError: unknown name; names the nearest.
    """
    if isinstance(config, str):
        config = {"class_name": config, "config": {}}
    if isinstance(config, dict) and isinstance(config.get("class_name"), str):
        name = config["class_name"]
        own = registry.get_registered_object(name, custom_objects) is not None
        if not own and name not in registry.names("optimizer") and name.lower() in registry.names("optimizer"):
            config = {**config, "class_name": name.lower()}
    return registry.deserialize("optimizer", config, custom_objects)


def get(identifier):
    """The optimizer that `identifier` means.

    Args:
        identifier: name ('adam', 'RMSprop'), configuration, optimizer, class of optimizers, or a transformation with
            `init` and `update`, as optax has them.

    Raises:
        ValueError: unknown name; names the nearest. TypeError: something that is none of these came.

    Example:
        >>> type(get("rmsprop")).__name__
        'RMSprop'
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, (str, dict)):
        return deserialize(identifier)
    if isinstance(identifier, type) and issubclass(identifier, Optimizer):
        return identifier()
    if is_transformation(identifier):
        return External(identifier)
    raise TypeError(
        f"An optimizer is given by name ('adam'), object (Adam(lr=0.001)), configuration or optax transformation; got "
        f"{identifier!r}."
    )
