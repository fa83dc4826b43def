"""The few names that old Keras scripts take from TensorFlow, where it is not installed; a sentence for all others."""

import contextlib
import importlib
import types

import numpy as np

from hornbeam import utils

# What scripts of that time were written for; they compare it and take it apart.
TENSORFLOW_VERSION = "1.13.1"

_unseeded = {}


def remember_seed():
    """Remember where NumPy's generator stands before the program seeds it."""
    _unseeded["state"] = _standing()


def _standing():
    _, key, place, *_ = np.random.get_state(legacy=True)
    return np.asarray(key).tobytes(), place


def set_random_seed(seed):
    """Seed what starts weights and shuffles, unless the program has seeded NumPy: that seeds Hornbeam too."""
    if _unseeded.get("state") == _standing():
        utils.set_random_seed(seed)


class Options:
    """`tf.ConfigProto`, `tf.GPUOptions`: takes any setting, and changes nothing."""

    def __init__(self, *args, **kwargs):
        vars(self).update(kwargs)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        vars(self)[name] = inner = Options()
        return inner

    def CopyFrom(self, other):
        """Take over the settings of `other`."""
        vars(self).update(vars(other))


class Nothing:
    """What an initializer of all variables is here: they have their values from the start."""


class Session:
    """`tf.Session`, made to set options: there is nothing to run in it.

    Raises:
        NotImplementedError: by `run` of anything but an initializer of variables.
    """

    def __init__(self, target="", graph=None, config=None):
        self.graph, self.config = graph, config

    def run(self, fetches, feed_dict=None, **_):
        """Nothing for initializers of variables."""
        wanted = fetches if isinstance(fetches, (list, tuple)) else [fetches]
        if not all(isinstance(item, Nothing) for item in wanted):
            raise NotImplementedError(
                "tf.Session.run: TensorFlow is not installed, and this session only takes options. Compute with "
                "K.eval(x), K.function(inputs, outputs), or model.predict."
            )

    def close(self):
        """Nothing."""

    def as_default(self):
        """A context that changes nothing."""
        return contextlib.nullcontext(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


class Graph:
    """`tf.Graph`, used as a context around `predict` in servers: there is one graph a model here."""

    def as_default(self):
        """A context that changes nothing."""
        return contextlib.nullcontext(self)

    def finalize(self):
        """Nothing."""


_graph = Graph()


def get_default_graph():
    """A graph that can be made the default, and does nothing else."""
    return _graph


def nothing(*args, **kwargs):
    """Accepted, without effect."""
    return Nothing()


def device(name):
    """A context that changes nothing: the engine chooses."""
    return contextlib.nullcontext(name)


# --- The modules ---

_LOGGING = {"set_verbosity": nothing, **{level: level for level in ("DEBUG", "INFO", "WARN", "ERROR", "FATAL")}}
_CLASSIC = {
    "ConfigProto": Options, "GPUOptions": Options, "Session": Session, "InteractiveSession": Session, "Graph": Graph,
    "get_default_graph": get_default_graph, "reset_default_graph": nothing, "set_random_seed": set_random_seed,
    "global_variables_initializer": nothing, "initialize_all_variables": nothing,
    "local_variables_initializer": nothing, "device": device, "disable_eager_execution": nothing,
    "disable_v2_behavior": nothing,
}  # fmt: skip
_MNIST = "hornbeam.compat.mnist_files"
_LEARN = "tensorflow.contrib.learn.python.learn.datasets"

# Module -> its names; the modules below it are found beside them. A text names the module that has the name.
NAMES = {
    "tensorflow": {"__version__": TENSORFLOW_VERSION, "VERSION": TENSORFLOW_VERSION, **_CLASSIC},
    "tensorflow.logging": _LOGGING,
    "tensorflow.random": {"set_seed": set_random_seed, "set_random_seed": set_random_seed},
    "tensorflow.compat": {},
    "tensorflow.compat.v1": {"__version__": TENSORFLOW_VERSION, **_CLASSIC},
    "tensorflow.compat.v1.logging": _LOGGING,
    "tensorflow.compat.v2": {},
    "tensorflow.python": {},
    "tensorflow.contrib": {},
    "tensorflow.contrib.learn": {},
    "tensorflow.contrib.learn.python": {},
    "tensorflow.contrib.learn.python.learn": {},
    _LEARN: {"read_data_sets": _MNIST},
    f"{_LEARN}.mnist": {"read_data_sets": _MNIST, "DataSet": _MNIST},
    "tensorflow.contrib.learn.datasets": {},
    "tensorflow.contrib.learn.datasets.mnist": {"read_data_sets": _MNIST, "DataSet": _MNIST},
    "tensorflow.examples": {},
    "tensorflow.examples.tutorials": {},
    "tensorflow.examples.tutorials.mnist": {},
    "tensorflow.examples.tutorials.mnist.input_data": {"read_data_sets": _MNIST},
}  # fmt: skip


class StandIn(types.ModuleType):
    """A module called `tensorflow...` that has the harmless names and says of all others that they are not there."""

    def __init__(self, name):
        super().__init__(name, "TensorFlow is not installed; Hornbeam answers for a few of its names.")
        for key, value in NAMES[name].items():
            self.__dict__[key] = getattr(importlib.import_module(value), key) if value == _MNIST else value
        self.__dict__["__all__"] = [key for key in vars(self) if not key.startswith("_")]

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return importlib.import_module(f"{self.__name__}.{name}")
        except ModuleNotFoundError as error:
            raise AttributeError(str(error)) from None


def absent(name):
    """The sentence for a name of TensorFlow that is not answered."""
    return (
        f"{name} is a part of TensorFlow, which is not installed. `keras` and `tensorflow.keras` are Hornbeam's "
        f"classic Keras here, and of TensorFlow itself only names that set options or seeds are answered, and "
        f"examples.tutorials.mnist.input_data. Write what is computed with the words of keras.backend, or install "
        f"tensorflow."
    )
