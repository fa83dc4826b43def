"""The state of an optimizer in Keras 3's file: number of updates, rate, then slots weight by weight; and back."""

import warnings
from typing import Any

import numpy as np

from hornbeam.saving.keras3_training import optimizer_to_keras3
from hornbeam.saving.keras3_weights import optimizer_places

_APART = "hornbeam/optimizer"  # what Keras 3 has no place for


def optimizer_arrays(stored, branch):
    """(path -> array for the file, paths of `stored.optimizer_weights` in their order).

    Args:
        stored: StoredModel with optimizer_weights: the number of updates, then each slot over all weights.
        branch: where the model's weights lie; None if that is not known.
    """
    given = [np.asarray(array) for array in stored.optimizer_weights]
    apart = {f"{_APART}/{i}": array for i, array in enumerate(given)}
    written = None if stored.training is None else optimizer_to_keras3(stored.training["optimizer"])
    found = None if written is None or branch is None else _places(written, branch)
    if written is None or found is None or not given or given[0].ndim:
        return apart, list(apart)
    places, count = found
    slots = 1 + max((slot for slot, _ in places), default=-1)
    if len(given) < 1 + slots * count:
        return apart, list(apart)
    arrays: dict[str, Any] = {"optimizer/vars/0": given[0].astype("int32")}
    paths = ["optimizer/vars/0", *(f"{_APART}/{i}" for i in range(1, len(given)))]
    if not isinstance(written["config"]["learning_rate"], dict):
        arrays["optimizer/vars/1"] = np.asarray(written["config"]["learning_rate"], "float32")
    for slot, place in places:
        number = 1 + slot * count + place
        paths[number] = f"optimizer/vars/{len(arrays)}"
        arrays[paths[number]] = given[number]
    if written["class_name"] == "Nadam":
        arrays[f"optimizer/vars/{len(arrays)}"] = _momenta(int(given[0]), written["config"].get("beta_1", 0.9))
    _widen(written, arrays, given, paths, places, count)
    arrays.update((path, array) for path, array in zip(paths, given, strict=True) if path not in arrays)
    return arrays, paths


def _places(written, branch):
    return optimizer_places(written["class_name"], written["config"], branch)


def _widen(written, arrays, given, paths, places, count):
    """Adafactor keeps no v for matrices here; Keras 3 keeps one that it never reads."""
    if written["class_name"] != "Adafactor":
        return
    for slot, place in places:
        r, c = given[1 + place], given[1 + count + place]
        if slot == 2 and r.ndim:
            number = 1 + 2 * count + place
            arrays[paths[number]] = np.zeros((*r.shape, c.shape[-1]), r.dtype)
            paths[number] = f"{_APART}/{number}"


def _momenta(updates, beta_1):
    t = np.arange(1, updates + 1)
    return np.asarray(np.prod(beta_1 * (1.0 - 0.5 * 0.96**t)), "float32")


def optimizer_list(variables, training, branch):
    """The state in the order of `optimizer.get_weights()`, from Keras 3's variables; None if there is none.

    Args:
        variables: arrays of 'optimizer/vars', by number.
        training: classic training configuration.
        branch: where the model's weights lie.
    """
    if not variables:
        return None
    name, config = training["optimizer"]["class_name"], training["optimizer"]["config"]
    found = optimizer_places(name, config, branch)
    first = 1 if isinstance(config.get("learning_rate"), dict) else 2
    if found is None:
        return None
    places, count = found
    wanted = first + len(places) + (name == "Nadam")
    if len(variables) != wanted:
        if len(variables) > first:
            warnings.warn(
                f"The file holds {len(variables)} variables of the optimizer {name}, not {wanted}, so its state is "
                f"left out: it begins anew.",
                stacklevel=2,
            )
        return None
    slots = 1 + max((slot for slot, _ in places), default=-1)
    state: list[Any] = [None] * (slots * count)
    for (slot, place), array in zip(places, variables[first:], strict=False):
        state[slot * count + place] = array
    if name == "Adafactor":
        matrices = [place for place in range(count) if state[place].ndim]
        for place in matrices:
            state[2 * count + place] = np.zeros((), state[place].dtype)
    return [variables[0].astype("int32"), *state]
