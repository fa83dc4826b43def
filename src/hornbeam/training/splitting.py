"""Which devices the batches of a model are split over, and the lines that say so."""

import math
import weakref

from hornbeam import backend as K
from hornbeam import distribution, nest
from hornbeam.training import row_updates

# Where the choice is ours, measured on two cores (benchmarks/NOTES.md, "Cores as devices"):
LEAST_ROWS = 16  # of a batch on each core
LEAST_WORK = 20_000_000  # multiplications of a step inside its loops; fewer are not worth the cores' meeting
WORK_OF_A_WEIGHT = 80  # as many multiplications more for each number whose gradient the cores must add up
MOST_WORK_OF_A_TURN = 32_000_000  # such a product is shared by the cores already, and each would read the whole kernel
MOST_GATES = 40_000_000  # numbers of a batch; more are blocks that other threads' memory cannot keep from call to call
MOST_WEIGHTS = 100_000_000  # numbers; each core keeps all of them

_known = weakref.WeakKeyDictionary()  # programs of a model -> {(kind, rows, longest row of the data): is it worth it?}


def devices_for(steps, kind, data, rows):
    """Names of the devices that batches of a model are split over; none for the usual one.

    Args:
        steps: the model's programs; its `split` gets a line that says what was decided.
        kind: 'train', 'test' or 'predict'.
        data: an ArrayData of the form of the batches.
        rows: of a batch.
    """
    wanted, why = _wanted(steps, kind, data, rows), None
    if not wanted:
        return ()
    count = len(wanted)
    if rows < count:
        why = f"{rows} rows are fewer than {count} devices"
    elif rows % count and not steps.program(kind, data, rows=rows)[1]:
        why = f"{count} devices cannot share {rows} rows evenly, and rows of this model meet, so none can be added"
    steps.split[kind] = f"split over {', '.join(wanted)}" if why is None else f"on one device ({why})"
    return wanted if why is None else ()


def _wanted(steps, kind, data, rows):
    given = given_for(steps.model)
    if given is not None:
        return given.devices if _is_unusual(given) else ()
    cores = K.engine.idle_cores()
    if not cores or rows < LEAST_ROWS * len(cores) or not steps.model.built:  # a step of one's own may build layers
        return ()
    longest = max((a.shape[1] for a in nest.flatten(data.inputs) if len(a.shape) > 1), default=0)
    known = _known.setdefault(steps, {})  # looking at the layers takes a tenth of a call of one small batch
    if (kind, rows, longest) not in known:
        added_up = _added_up(steps, rows) if kind == "train" else 0
        known[kind, rows, longest] = _pays(steps.model, rows, longest, added_up)
    return cores if known[kind, rows, longest] else ()


def _is_unusual(given):
    return given.devices != tuple(distribution.list_devices()[:1])


def _pays(model, rows, longest, added_up):
    """Are there loops of small operations that are worth sharing, and nothing that keeps all cores busy by itself?"""
    layers = model.flat_layers()
    kinds = [layer.leaves_cores_idle for layer in layers]
    if True not in kinds or False in kinds:
        return False
    loops = [loop for layer in layers if layer.leaves_cores_idle and layer.built for loop in layer.loop_work()]
    loops = [(turns or longest, products, numbers) for turns, products, numbers in loops]
    work = sum(rows * turns * products for turns, products, _ in loops)
    gates = sum(rows * turns * numbers for turns, _, numbers in loops)
    return (
        work >= LEAST_WORK + WORK_OF_A_WEIGHT * added_up
        and max((rows * products for _, products, _ in loops), default=0) <= MOST_WORK_OF_A_TURN
        and gates <= MOST_GATES
        and sum(math.prod(v.shape) for v in model.weights) <= MOST_WEIGHTS
    )


def _added_up(steps, rows):
    """Numbers whose gradients come together from all devices: not those of large tables that are updated by row."""
    updated = steps.optimizer, steps.trainable, steps.model, rows
    by_row = row_updates.candidates(*updated) if steps.updates_rows else ()
    return sum(math.prod(v.shape) for i, v in enumerate(steps.trainable) if i not in by_row)


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
