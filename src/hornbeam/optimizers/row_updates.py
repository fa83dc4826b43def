"""Updates of those rows of a table that a step looked up, by the rule that is written for whole weights.

A row that a step does not look up has no gradient. Under some rules its weight stays then, and its slots are multiplied
by a factor (`Optimizer.idle`), which can wait: for each row it is kept when it was last met, and when it is met again
its slots are multiplied by the factor to the power of the steps missed. Reading the optimizer's state does this for all
rows, in a copy, so that training is the same to the bit whether anybody reads it or not.
"""

import functools

import numpy as np

from hornbeam import backend as K

# Parts of a state. PLACES has an array for each table, by its position in the list of weights; MET for those whose
# slots shrink.
PLACES = "rows_places"  # scratch, by which equal ids are told
MET = "rows_met"  # at which count each row was last met
COUNT = "rows_count"  # updates done since all rows were even
_WEIGHT = "rows_weight"  # beside the names of slots
# Where a step looks up more rows than this share of a table, updating all is faster than telling equal ids apart.
MOST_SHARE = 0.5
_ANEW = ("update", "_advance", "_advance_one", "clip", "build")  # who writes these anew sees whole gradients


def why_all_rows(optimizer):
    """Why this optimizer must update all rows of a table in each step, in a few words; None if it need not."""
    from hornbeam.optimizers.optimizer import Optimizer

    kind, mode = type(optimizer), getattr(optimizer, "embeddings", None)
    if mode == "dense":
        return "embeddings='dense'"
    if not isinstance(optimizer, Optimizer) or any(getattr(kind, n) is not getattr(Optimizer, n) for n in _ANEW):
        return f"{kind.__name__} takes whole gradients"
    if not optimizer.elementwise:
        return f"{kind.__name__} looks at whole weights"
    for name in ("clipnorm", "global_clipnorm", "clipvalue", "gradient_accumulation_steps"):
        if getattr(optimizer, name, None):
            return name
    if mode == "lazy":
        return None
    if optimizer.__dict__.get("weight_decay") is not None:
        return "weight_decay"
    owners = [next(c for c in kind.__mro__ if name in vars(c)) for name in ("rule", "begin", "idle")]
    anew = any(issubclass(owner, owners[-1]) and owner is not owners[-1] for owner in owners[:2])
    if owners[-1] is Optimizer or anew:
        return f"{kind.__name__} moves rows without gradient, too; embeddings='lazy' would leave them alone"
    return "momentum" if optimizer.idle() is None else None


def _factors(optimizer):
    """Values of the scalars that slots of idle rows are multiplied by, by slot; none where they are left alone."""
    idle = {} if getattr(optimizer, "embeddings", None) == "lazy" else optimizer.idle() or {}
    return {slot: getattr(optimizer, name)._value for slot, name in idle.items() if name is not None}


def prepare(optimizer, entry, tables):
    """Let the state of `entry` take gradients by row for `tables`, and whole ones for all other weights."""
    if not tables and not _is_behind(entry.state):
        return
    factors = _factors(optimizer) if tables else {}
    keys = sorted(str(i) for i in tables)
    same = entry.factors.keys() == factors.keys() and all(entry.factors[k] is factors[k] for k in factors)
    if not same or not _is_behind(entry.state) or sorted(entry.state[PLACES]) != keys:
        entry.state = settled(entry)
        if tables:
            blank = {key: np.zeros(entry.forms[int(key)][0][0], np.int32) for key in keys}
            new = {PLACES: blank, MET: blank if factors else {}, COUNT: np.int32(0)}
            entry.state = {**entry.state, **K.engine.own_all(new)}
    entry.factors = factors


def _is_behind(state):
    return type(state) is dict and PLACES in state


def settled(entry):
    """The state of `entry` with all rows even, as updates of all rows would have left it."""
    if not _is_behind(entry.state):
        return entry.state
    state = {name: part for name, part in entry.state.items() if name not in (PLACES, MET, COUNT)}
    for key, met in entry.state[MET].items():
        for slot, factor in entry.factors.items():
            column = state[slot] = list(state[slot])
            column[int(key)] = K.engine.multiply_rows(column[int(key)], factor, entry.state[COUNT] - met)
    return state


def tables_of(state):
    """Positions of the weights whose gradients `state` expects by row."""
    return sorted(int(key) for key in state[PLACES]) if _is_behind(state) else []


class RowUpdates:
    """The updates by row within one update of all weights.

    Args:
        optimizer: whose rule is taken.
        now: what the rule is told.
        state: the optimizer's, before.
    """

    def __init__(self, optimizer, now, state):
        self.optimizer = optimizer
        self.state = state
        self.lazy = getattr(optimizer, "embeddings", None) == "lazy"
        self.places, self.met = {}, {}
        if _is_behind(state):
            self.waiting = iter(sorted(state[PLACES], key=int))
            factors = _factors(optimizer)
            self.factors = {slot: getattr(now, optimizer.idle()[slot]) for slot in factors}

    def advance(self, now, weight, gradient, slots):
        """(new table, dict of new slots) of the table that comes next, from a `K.RowGradient`."""
        key, (size, *_) = next(self.waiting), weight.shape
        arrays, scratch = {_WEIGHT: weight, **slots}, self.state[PLACES][key]
        if self.factors:
            arrays[MET] = self.state[MET][key]
        change = functools.partial(self._change, now)
        if not self.lazy and gradient.ids.shape[0] > MOST_SHARE * size:
            new = change(arrays, K.engine.sum_rows(gradient.gradients, gradient.ids, size))
        else:
            new, scratch = K.engine.update_rows(arrays, *gradient, scratch, change)
        self.places[key] = scratch
        if self.factors:
            self.met[key] = new.pop(MET)
        return new.pop(_WEIGHT), new

    def _change(self, now, found, gradients):
        """New rows, or whole arrays, from those `found` under the names that :meth:`advance` gives them."""
        count, slots = self.state[COUNT], dict(found)
        table, met = slots.pop(_WEIGHT), slots.pop(MET, None)
        for name, factor in self.factors.items():
            slots[name] = K.engine.multiply_rows(slots[name], factor, count - met)
        new, made = self.optimizer._advance_one(now, table, gradients, slots)
        marks = {} if met is None else {MET: K.zeros_like(met) + (count + 1)}
        return {_WEIGHT: new, **made, **marks}

    def new_state(self):
        """The parts of the state that tell when rows were met."""
        if not self.places:
            return {}
        return {PLACES: self.places, MET: self.met, COUNT: self.state[COUNT] + 1}
