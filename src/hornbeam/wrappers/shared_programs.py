"""Compiled programs that models of one configuration share, so that a grid search compiles once, not once a fit."""

import threading
from collections import OrderedDict

import numpy as np

from hornbeam.training.steps import Steps
from hornbeam.training.validation.fingerprint import fingerprint

_MOST = 16  # configurations that are remembered, each with the first model that had it
_MOST_WEIGHTS = 2_000_000  # larger models are not kept in memory after their time
_PARTS = ("captured", "log_names", "seconds_per_step", "_programs", "_may_pad", "_looked_up")

_known: OrderedDict = OrderedDict()
_lock = threading.Lock()


def share_programs(model, x, y, sample_weight=None, class_weight=None):
    """Let the model use the programs of an earlier one that is configured alike, or later ones use its own.

    A program takes weights, states and the optimizer's memory as arguments, so it serves any model it fits.

    Args:
        model: compiled, not trained in this process yet.
        x, y, sample_weight, class_weight: what it will be trained on; nothing is done for anything but arrays.
    """
    if not isinstance(x, np.ndarray) or model.has_own_steps or model.run_eagerly:
        return
    data = model._prepare(x, y, sample_weight, class_weight, for_training=True)
    found = {"_steps": model._ready_steps(data), "_predict_steps": model._forward_steps()}
    if any(type(steps) is not Steps for steps in found.values()) or model.count_params() > _MOST_WEIGHTS:
        return
    # Two threads must not trace with the same steps, which note what they are at.
    key = (threading.get_ident(), fingerprint(model), str(x.dtype), x.shape[1:])
    quick = model._quick()
    with _lock:
        first, first_quick = _known.setdefault(key, (found, quick))
        _known.move_to_end(key)
        while len(_known) > _MOST:
            _known.popitem(last=False)
    for name, steps in found.items():
        there = vars(first[name])
        vars(steps).update({part: there[part] for part in _PARTS if part in there})
    if quick is not None and first_quick.phase == quick.phase:
        quick.share(first_quick)
