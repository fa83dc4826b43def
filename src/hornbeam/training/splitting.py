"""Which devices the batches of a model are split over, and the lines that say so."""

from hornbeam import backend as K
from hornbeam import distribution

LEAST_ROWS = 8  # of a batch on each core, where the choice is ours; fewer are not worth the cores' meeting


def devices_for(steps, kind, data, rows):
    """Names of the devices that batches of a model are split over; none for the usual one.

    Args:
        steps: the model's programs; its `split` gets a line that says what was decided.
        kind: 'train', 'test' or 'predict'.
        data: an ArrayData of the form of the batches.
        rows: of a batch.
    """
    wanted, why = _wanted(steps.model, kind, rows), None
    if not wanted:
        return ()
    count = len(wanted)
    if rows < count:
        why = f"{rows} rows are fewer than {count} devices"
    elif rows % count and not steps.program(kind, data)[1]:
        why = f"{count} devices cannot share {rows} rows evenly, and rows of this model meet, so none can be added"
    steps.split[kind] = f"split over {', '.join(wanted)}" if why is None else f"on one device ({why})"
    return wanted if why is None else ()


def _wanted(model, kind, rows):
    given = given_for(model)
    if given is not None:
        return given.devices if _is_unusual(given) else ()
    cores = K.engine.idle_cores()
    worth_it = cores and kind == "train" and rows >= LEAST_ROWS * len(cores) and _leaves_cores_idle(model)
    return cores if worth_it else ()


def _is_unusual(given):
    return given.devices != tuple(distribution.list_devices()[:1])


def _leaves_cores_idle(model):
    """Are there loops of small operations, and nothing that keeps all cores busy by itself?"""
    layers = [layer.leaves_cores_idle for layer in model.flat_layers()]
    return True in layers and False not in layers


def given_for(model):
    """The `DataParallel` that is set, or that the model was compiled with; None if there is none."""
    return distribution.distribution() or model._distribution


def check_batch_size(model, batch_size, rows):
    """Raise ValueError if batches of `batch_size` out of so many `rows` leave devices without any."""
    given = given_for(model)
    if given is not None and batch_size < len(given.devices) <= rows:
        raise ValueError(
            f"batch_size={batch_size} is smaller than the number of devices it is to be split over, "
            f"{', '.join(given.devices)}. Give batches of {len(given.devices)} rows or more, or fewer devices."
        )


def notes(model):
    """Lines for `compile_report`: where steps are computed, if not on the usual device alone."""
    given, split = given_for(model), getattr(model._steps, "split", {})
    if given is not None and not split and _is_unusual(given):
        where = "on one device (run_eagerly)" if model.run_eagerly else f"split over {', '.join(given.devices)}"
        return [f"  batches: {where}"]
    return [f"  batches, {kind}: {line}" for kind, line in split.items()]
