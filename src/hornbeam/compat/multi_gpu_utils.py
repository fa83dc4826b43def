"""`multi_gpu_model`: the model, its batches split over devices."""

from hornbeam import legacy
from hornbeam.distribution import DataParallel, list_devices


def multi_gpu_model(model, gpus=None, cpu_merge=True, cpu_relocation=False):
    """The model itself, whose batches are split over GPUs from now on; see `hornbeam.distribution.DataParallel`.

    Copies of it are not needed, and its weights are saved as they are. GPUs that are not there are left out.

    Args:
        model: the model.
        gpus: how many GPUs, or a list of their numbers; None for all.
        cpu_merge, cpu_relocation: not looked at.

    Raises:
        ValueError: one GPU or none is asked for.

    Example:
        >>> import warnings
        >>> from hornbeam import Sequential
        >>> model = Sequential()
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     multi_gpu_model(model, gpus=2) is model
        True
    """
    there = [name for name in list_devices() if not name.startswith("cpu:")]
    numbers = range(len(there) if gpus is None else gpus) if gpus is None or isinstance(gpus, int) else gpus
    if gpus is not None and len(numbers) < 2:
        raise ValueError(f"multi_gpu_model: gpus is a number from 2 on, or a list of 2 or more; got {gpus!r}.")
    found = [there[i] for i in numbers if i < len(there)]
    if len(found) > 1:
        model._distribution = DataParallel(found)
    where = f"split over {', '.join(found)}" if len(found) > 1 else "not split, for there are no two such GPUs here"
    legacy.tell(
        {("utils", "multi_gpu_model")},
        f"multi_gpu_model gives the model back as it is; its batches are {where}. Today's spelling: compile it within "
        f"`with hornbeam.distribution.DataParallel(devices):`.",
    )
    return model
