"""Data parallelism: batches split over several devices, GPUs or cores of a CPU, by the same code."""

from hornbeam import checks
from hornbeam.engines import engine

_current = None
_MISSING = {
    "ModelParallel": "Weights are not split over devices here, only batches",
    "LayoutMap": "Weights are not split over devices here, only batches",
    "DeviceMesh": "Devices are given by name or number",
    "TensorLayout": "How arrays lie on devices follows from DataParallel",
    "distribute_tensor": "How arrays lie on devices follows from DataParallel",
    "initialize": "All devices are those of one process",
}


def __getattr__(name):
    if name in _MISSING:
        raise AttributeError(f"hornbeam.distribution has no {name}. {_MISSING[name]}: DataParallel(devices).")
    raise AttributeError(f"hornbeam.distribution has no {name!r}.")


def list_devices(device_type=None):
    """Names of this process's devices, the fastest kind first.

    Args:
        device_type: 'cpu', 'gpu' or 'tpu'; None for all.

    Example:
        >>> list_devices("cpu")[0]
        'cpu:0'
    """
    return engine.device_names(None if device_type is None else str(device_type).lower())


def get_device_count(device_type=None):
    """Number of devices, as :func:`list_devices` has them."""
    return len(list_devices(device_type))


class DataParallel:
    """Each device computes its rows of every batch; weights are the same on all of them.

    `fit`, `evaluate` and `predict` give the same numbers as on one device, to rounding: losses, batch normalisation,
    metrics and dropout masks are those of the whole batch. A model compiled within the scope, or while the distribution
    is set, keeps its devices. Batches that the devices cannot share evenly are filled up; where rows meet in a way that
    does not allow it, they are computed on one device, and `model.compile_report()` says so. So are `run_eagerly=True`
    and predictions of few rows.

    GPUs are found. A CPU is one device unless the environment variable `HORNBEAM_CPU_DEVICES` says, before hornbeam is
    imported, how many of its cores shall be devices. Loops over time share two cores unasked, see docs/distribution.md.

    Args:
        devices: list of names ('gpu:0'), or how many of the fastest kind; None for all of these.
        device_mesh: None; the devices lie in one row.
        auto_shard_dataset: accepted; there is one process, which reads all data.

    Raises:
        ValueError: an unknown device, the same one twice, or more of them than there are.

    Example:
        >>> with DataParallel(["cpu:0"]) as split:
        ...     split.num_model_replicas
        1

    Reference:
        keras.distribution, of which ModelParallel and LayoutMap (weights split over devices) are not here.
    """

    batch_dim_name = "batch"

    def __init__(self, devices=None, device_mesh=None, auto_shard_dataset=True):
        if device_mesh is not None:
            raise ValueError(f"DataParallel: there is no device_mesh here; got {device_mesh!r}. Give devices=[names].")
        self.devices = _found(devices)
        self.auto_shard_dataset = auto_shard_dataset
        self._before = []

    @property
    def num_model_replicas(self):
        """Number of devices."""
        return len(self.devices)

    def __enter__(self):
        self._before.append(_current)
        set_distribution(self)
        return self

    def __exit__(self, *error):
        set_distribution(self._before.pop())

    def __repr__(self):
        return f"DataParallel({list(self.devices)})"


def _found(given):
    """Tuple of names of devices.

    Raises:
        ValueError: they are not there.
    """
    known = list_devices()
    fastest = list_devices(known[0].split(":")[0])
    if given is None:
        return tuple(fastest)
    if isinstance(given, str):
        raise TypeError(f"DataParallel: devices is a list of names or a number; got {given!r}. Write [{given!r}].")
    if not isinstance(given, (list, tuple)):
        count = checks.integer("DataParallel", "devices", given, least=1)
        if count > len(fastest):
            raise ValueError(f"DataParallel: {count} devices are asked for, {_there(known)}")
        return tuple(fastest[:count])
    names = [str(name).lower() for name in given]
    for name in names:
        if name not in known:
            raise ValueError(f"DataParallel: there is no device {name!r}, {_there(known)}")
    if not names or len(set(names)) != len(names):
        raise ValueError(f"DataParallel: devices are one or more different ones; got {given!r}.")
    return tuple(names)


def _there(known):
    cores = sum(name.startswith("cpu:") for name in known)
    return (
        f"only {', '.join(known)}. To use {cores + 1} or more cores of this CPU as devices, set the environment "
        f"variable HORNBEAM_CPU_DEVICES to their number before hornbeam is imported."
    )


def set_distribution(value):
    """Split batches as `value`, a :class:`DataParallel`, says from now on; None ends it.

    Raises:
        TypeError: it is something else.
    """
    global _current
    if value is not None and not isinstance(value, DataParallel):
        raise TypeError(f"set_distribution takes a DataParallel or None; got {value!r}.")
    _current = value


def distribution():
    """The :class:`DataParallel` that is set, or None."""
    return _current
