"""What an optimizer keeps between updates: the states of the weights it has met, and their lists for files."""

import weakref
from types import SimpleNamespace
from typing import Any

import numpy as np

from hornbeam import backend as K
from hornbeam import checks
from hornbeam.optimizers import row_updates
from hornbeam.optimizers.values import filled

SUMS = "gradient_sums"  # the part of a state in which gradients are added up between updates


class StateKeeper(checks.Constructed):
    """The part of an optimizer that is not pure: states, each kept for the weights it belongs to.

    One optimizer may serve several models (a discriminator and the model that contains it), each with a state of its
    own; the scalars and the number of updates they share.
    """

    slots = ()
    iterations_in_weights = True  # does the classic list of the state begin with the number of updates?

    def __init__(self):
        self.iterations = K.Variable(0, dtype="int32", name="iterations", trainable=False)
        self._states = {}  # which weights -> what is kept for them
        self._current = None
        self._pending = None  # given to set_weights before there was a state to set

    @property
    def state(self) -> Any:
        """State of the weights last given to `build`, None before; what is put off for single rows is done in it."""
        entry = self._states.get(self._current)
        return None if entry is None else row_updates.settled(entry)

    @property
    def state_as_kept(self) -> Any:
        """The state as steps carry it on, in a fixed order: rows of tables may lag behind in it."""
        entry = self._states.get(self._current)
        if entry is None or type(entry.state) is not dict:
            return None if entry is None else entry.state
        return {name: entry.state[name] for name in sorted(entry.state)}

    @state.setter
    def state(self, value):
        blank = SimpleNamespace(refs=[], forms=None, state=None, factors={})
        entry = self._states.setdefault(self._current, blank)
        entry.state = value

    def build(self, weights, tables=()):
        """The state for `weights`, made at the first call and remembered for these very variables.

        A model calls it before it trains, for it may share the optimizer with another model.

        Args:
            weights: list of variables, or of arrays (then remembered by their shapes).
            tables: positions of those whose gradients will come by row; see `row_updates`.
        """
        weights = list(weights)
        variables = all(isinstance(w, K.Variable) for w in weights)
        key = tuple(id(w) if variables else (tuple(w.shape), K.dtype(w)) for w in weights)
        entry = self._states.get(key)
        if entry is None or any(ref() is not w for ref, w in zip(entry.refs, weights)):
            self._states = {k: e for k, e in self._states.items() if all(ref() is not None for ref in e.refs)}
            entry = self._states[key] = self._entry(weights, variables)
        self._current = key
        if self._pending is not None:
            pending, self._pending = self._pending, None
            self.set_weights(pending)
        entry.state = self.complete(entry.state, weights)
        row_updates.prepare(self, entry, tables)
        return entry.state

    def _entry(self, weights, variables):
        return SimpleNamespace(
            refs=[weakref.ref(w) for w in weights] if variables else [],
            forms=[(tuple(w.shape), K.dtype(w)) for w in weights],
            # Compiled steps reuse the state's memory, so it must not be that of the weights, say.
            state=K.engine.own_all(self._with_sums(self.init(weights), weights)),
            factors={},
        )

    def _with_sums(self, state, weights):
        if getattr(self, "gradient_accumulation_steps", None) is None:
            return state
        if not isinstance(state, dict) or "kept" in state:
            raise ValueError(f"{type(self).__name__} cannot be used with gradient_accumulation_steps. Leave it out.")
        return {**state, SUMS: [filled(w) for w in weights]}

    def complete(self, state, weights):
        """`state` with what the present values of the scalars need beside; most optimizers need nothing."""
        return state

    def forget(self):
        """Let the state of the weights last given to `build` go: the next update begins with a new one."""
        self._states.pop(self._current, None)

    # --- Lists for files ---

    @property
    def weights(self):
        """Arrays of the state in the order Keras 2 stores them; see `get_weights`."""
        state = self.state
        if state is None:
            return list(self._pending or [])
        lead = [self.iterations.value] if self.iterations_in_weights else []
        return lead + self._listed(state)

    def _listed(self, state):
        return [array for name in self.slots for array in state[name]]

    def get_weights(self):
        """State as NumPy arrays, slot by slot in the order of `slots`, each over all weights; empty before training.

        The number of updates comes first, except for RMSprop, Adagrad and Adadelta, which Keras 2.2.4 stores without.
        """
        return [K.get_value(array) for array in self.weights]

    def set_weights(self, weights):
        """Set the state from a list as `get_weights` gives it, with or without the number of updates.

        Before the optimizer has met its weights, the list waits until it does.

        Raises:
            ValueError: another number of arrays, or a shape that does not fit.
        """
        weights = [np.asarray(K.get_value(w)) for w in weights]
        if self.state is None:
            self._pending = weights
            if weights and weights[0].ndim == 0:
                self.iterations.assign(weights[0])
            return
        wanted = self._listed(self.state)
        own, counted = self._without_lead(weights, wanted)
        self._check_fits(own, wanted)
        new = self._from_listed([K.constant(a, dtype=K.dtype(b)) for a, b in zip(own, wanted, strict=True)])
        if counted:
            self.iterations.assign(weights[0])
        self.state = self.resume(new)

    def _without_lead(self, weights, wanted):
        counted = len(weights) == len(wanted) + 1
        return weights[1:] if counted else weights, counted

    def _check_fits(self, given, wanted):
        owner = type(self).__name__
        if len(given) != len(wanted):
            raise ValueError(f"{owner}.set_weights needs {len(wanted)} arrays beside the count, got {len(given)}.")
        for i, (a, b) in enumerate(zip(given, wanted, strict=True)):
            if tuple(a.shape) != tuple(b.shape):
                raise ValueError(
                    f"{owner}.set_weights: array {i} has shape {tuple(a.shape)}, the optimizer's {tuple(b.shape)}. "
                    f"Are these the weights of another model?"
                )

    def _from_listed(self, arrays):
        each = len(arrays) // len(self.slots) if self.slots else 0
        columns = {name: arrays[i * each : (i + 1) * each] for i, name in enumerate(self.slots)}
        return {**self.state, **columns}

    def resume(self, state):
        """`state` just set, completed by what follows from `iterations` alone."""
        return state
