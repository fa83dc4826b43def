"""Where a fit stands, and the file that holds it: a run that was killed goes on as if nothing had happened."""

import os
import random
import time
from pathlib import Path

import numpy as np

from hornbeam import backend as K
from hornbeam import nest
from hornbeam.training import object_state
from hornbeam.training.resume_data import restore_stream, stream_state
from hornbeam.training.runner import Averages

FILE = "training.npz"
BEFORE = "training-before.npz"
_FORMAT = 1


class Standing:
    """Where a fit stands: epoch, step, averages so far, random numbers; `fit` walks through its epochs.

    Args:
        model: the model that trains.
        run: its Run.
        watchers: its CallbackList.
        first_epoch: `initial_epoch` of fit.

    Attributes:
        epoch, step: number of epochs, and of steps of the present one, that are done.
        seen: samples (or steps) of this epoch seen.
        averages: Averages of this epoch.
    """

    def __init__(self, model, run, watchers, first_epoch):
        self.model = model
        self.run = run
        self.watchers = watchers
        self.epoch = self.first_epoch = first_epoch
        self.step = self.seen = 0
        self.averages = self._new_averages()
        self.random_first = None  # random state at the beginning of the first epoch
        self.random_before = None  # and of this one, from which its order follows
        self.stream_before = None  # where a stream stood at the beginning of this epoch
        self._random_after = None  # random state to go on with, once the order is there again
        self._waiting = None  # a snapshot to be restored
        for callback in watchers:
            if hasattr(callback, "standing"):
                callback.standing = self

    def epochs(self, last):
        """The numbers of the epochs to train, each after its hook; goes on where a restored run stood."""
        if self._waiting is not None:
            snapshot, self._waiting = self._waiting, None
            if snapshot.within:  # callbacks get ready for the epoch, and are then set to where they were in it
                self.watchers.on_epoch_begin(snapshot.epoch)
            self._restore(snapshot)
        while self.epoch < last and not self.model.stop_training:
            if not self.step:
                self.watchers.on_epoch_begin(self.epoch)
            yield self.epoch
            self.epoch += 1
            self.step = self.seen = 0
            self.averages = self._new_averages()

    def _new_averages(self):
        return Averages(latest=True) if getattr(self.run.steps, "latest", False) else Averages()

    @property
    def stream(self):
        """The stream that is trained on, None for arrays."""
        return getattr(self.run, "stream", None)

    def steps(self, shuffle, count, one_by_one, refresh_s):
        """The epoch's chunks, from the step on that comes next; see `Run.chunks`."""
        if self.step:
            set_random_state(self.random_before)
        else:
            self.random_before = random_state()
            self.random_first = self.random_first or self.random_before
            self.stream_before = None if self.stream is None else stream_state(self.stream)
        for first, rows, logs in self.run.chunks(shuffle, count, one_by_one, refresh_s, skip=self.step):
            self._go_on()
            self.step = first + len(rows)
            yield first, rows, logs
        self._go_on()

    def _go_on(self):
        if self._random_after is not None:
            set_random_state(self._random_after)
            self._random_after = None

    # --- Snapshots ---

    def will_restore(self, snapshot):
        """Go on from `snapshot` when the epochs begin.

        Raises:
            ValueError: it is of another model or of other data.
        """
        snapshot.check(self)
        self._waiting = snapshot

    def _restore(self, snapshot):
        snapshot.restore_model(self)
        snapshot.restore_callbacks(self.watchers)
        facts = snapshot.facts
        self.epoch, self.step, self.seen = facts["epoch"], facts["step"], facts["seen"]
        self.averages.totals = facts["averages"]
        self.run.seed = np.uint32(facts["seed"])
        self.model.stop_training = facts["stop_training"]
        self.random_first = facts["random_first"]
        if self.stream is not None and facts["stream"] is not None:
            self.stream_before = facts["stream"]
            restore_stream(self.stream, facts["stream"], lambda: set_random_state(self.random_first))
        if self.step:
            self.random_before = facts["random_before"]
            # A stream is read ahead and may draw meanwhile: its numbers follow from those before.
            self._random_after = facts["random"] if self.stream is None else None
        else:
            set_random_state(facts["random"])


def variables_of(standing):
    """Every variable that training changes or reads, each once."""
    model, steps = standing.model, standing.run.steps
    optimizers = optimizers_of(model)
    scalars = [v for optimizer in optimizers for v in (optimizer.iterations, *optimizer.variables_read)]
    return list(dict.fromkeys([*model.weights, *steps.states, *steps.metric_variables, *steps.hyper, *scalars,
                               *steps.counts]))  # fmt: skip


def optimizers_of(model):
    """The optimizer the model is compiled with, and those that it holds beside it."""
    from hornbeam.optimizers.optimizer import Optimizer

    held = [thing for thing in vars(model).values() if isinstance(thing, Optimizer)]
    return list(dict.fromkeys([model.optimizer, *held]))


def _optimizer_states(standing):
    """(optimizer, its present state as steps carry it on) of all optimizers that have one."""
    steps = standing.run.steps
    tables = getattr(steps, "tables", [])
    standing.model.optimizer.build(steps.trainable, *([tables] if tables else []))
    found = [(o, o.state_as_kept) for o in optimizers_of(standing.model)]
    return [(optimizer, state) for optimizer, state in found if state is not None]


def random_state():
    """State of NumPy's global generator and of Python's, from which every draw of the library starts."""
    return {"numpy": np.random.get_state(legacy=False), "python": random.getstate()}


def set_random_state(state):
    """Set what :func:`random_state` gave."""
    np.random.set_state(state["numpy"])
    random.setstate(state["python"])


class Snapshot:
    """All that a fit needs to go on: arrays of the model and of its optimizers, and facts as plain data.

    Args:
        variables: values of `variables_of`.
        slots: a list of arrays for every optimizer.
        facts: dict; see `Snapshot.of`.
    """

    def __init__(self, variables, slots, facts):
        self.variables = variables
        self.slots = slots
        self.facts = facts

    @classmethod
    def of(cls, standing, epoch=None):
        """The present state; `epoch` says that the epoch before it is wholly done."""
        within = epoch is None
        states = _optimizer_states(standing)
        facts = {
            "format": _FORMAT,
            "epoch": standing.epoch if within else epoch,
            "first_epoch": standing.first_epoch,
            "step": standing.step if within else 0,
            "seen": standing.seen if within else 0,
            "averages": standing.averages.totals if within else None,
            "seed": int(standing.run.seed),
            "stop_training": bool(standing.model.stop_training),
            "random": random_state(),
            "random_before": standing.random_before if within else None,
            "random_first": standing.random_first,
            "stream": _stream_now(standing, within),
            "rows": getattr(standing.run.data, "rows", None),
            "batch_size": standing.run.batch_size,
            "optimizers": [type(optimizer).__name__ for optimizer, _ in states],
            "callbacks": [[name, _state_of(callback)] for name, callback in _named(standing.watchers)],
        }
        variables = [np.asarray(K.get_value(v)) for v in variables_of(standing)]
        slots = [[np.asarray(K.get_value(a)) for a in _leaves(state)] for _, state in states]
        return cls(variables, slots, facts)

    @property
    def epoch(self):
        """Number of epochs that are done."""
        return self.facts["epoch"]

    @property
    def within(self):
        """Was it taken in the middle of an epoch?"""
        return self.facts["step"] > 0

    # --- Back ---

    def check(self, standing):
        """Raise ValueError if this is the state of another model, optimizer or data."""
        states = _optimizer_states(standing)
        now = [np.shape(v.value) for v in variables_of(standing)]
        then = [v.shape for v in self.variables]
        if now != then:
            differ = next((i for i, (a, b) in enumerate(zip(now, then)) if a != b), min(len(now), len(then)))
            raise _other(
                f"of a model with {len(then)} variables, number {differ + 1} of shape "
                f"{then[differ] if differ < len(then) else 'none'}; this one has {len(now)}, number {differ + 1} of "
                f"shape {now[differ] if differ < len(now) else 'none'}"
            )
        names = [type(optimizer).__name__ for optimizer, _ in states]
        shapes = [[np.shape(a) for a in _leaves(state)] for _, state in states]
        if names != self.facts["optimizers"] or shapes != [[a.shape for a in slots] for slots in self.slots]:
            raise _other(f"trained with {', '.join(self.facts['optimizers'])}; this model is compiled with "
                         f"{', '.join(names)}, or other weights of it are trainable")  # fmt: skip
        rows, size = getattr(standing.run.data, "rows", None), standing.run.batch_size
        if self.within and (rows, size) != (self.facts["rows"], self.facts["batch_size"]):
            raise _other(
                f"in the middle of an epoch of {self.facts['rows']} rows in batches of {self.facts['batch_size']}; "
                f"this fit has {rows} rows in batches of {size}"
            )

    def restore_model(self, standing):
        """Set variables and optimizers."""
        for variable, value in zip(variables_of(standing), self.variables, strict=True):
            variable.assign(value)
        for (optimizer, state), slots in zip(_optimizer_states(standing), self.slots, strict=True):
            remaining = iter(slots)
            new = nest.map_structure(
                lambda leaf, remaining=remaining: None if leaf is None else K.constant(next(remaining), K.dtype(leaf)),
                state,
            )
            optimizer.state = K.engine.own_all(new)

    def restore_callbacks(self, watchers):
        """Set every callback that there was, found by its class and its place among those of its class."""
        stored = list(self.facts["callbacks"])
        for name, callback in _named(watchers):
            found = next((entry for entry in stored if entry[0] == name), None)
            if found is None:
                continue
            stored.remove(found)
            setter = getattr(callback, "set_state", None)
            if setter is not None:
                setter(found[1])
            else:
                object_state.restore(callback, found[1])

    # --- Files ---

    def write(self, folder, keep_before=False):
        """Write into `folder`, so that at every moment a whole file is there; gives the seconds it took."""
        from hornbeam.saving import atomic, tensors
        from hornbeam.saving.stored import Origin, StoredLayer, StoredModel

        began = time.perf_counter()
        arrays = []
        text = object_state.to_text(self.facts, arrays)
        layers = [StoredLayer("variables", _numbered(self.variables))]
        layers += [StoredLayer(f"optimizer_{i}", _numbered(slots)) for i, slots in enumerate(self.slots)]
        layers += [StoredLayer("arrays", _numbered(arrays)), StoredLayer("facts", [("json", text)])]
        path = Path(folder) / FILE
        if keep_before and path.exists():
            with atomic.replacing(Path(folder) / BEFORE) as temporary:
                temporary.write_bytes(path.read_bytes())
        with atomic.replacing(path) as temporary:
            tensors.write_npz(StoredModel(layers=layers, origin=Origin("npz", "", "")), temporary)
        return time.perf_counter() - began

    @classmethod
    def read(cls, folder):
        """The state in `folder`, None if there is none.

        Raises:
            ModelFileError: the file is damaged, and there is no earlier one.
        """
        from hornbeam.saving.errors import ModelFileError

        paths = [path for path in (Path(folder) / FILE, Path(folder) / BEFORE) if path.exists()]
        for number, path in enumerate(paths, 1):
            try:
                return cls._read_file(path)
            except ModelFileError:
                if number == len(paths):
                    raise
        return None

    @classmethod
    def _read_file(cls, path):
        from hornbeam.saving import tensors
        from hornbeam.saving.errors import ModelFileError

        stored = {layer.name: [array for _, array in layer.weights] for layer in tensors.read_npz(path).layers}
        try:
            facts = object_state.from_text(stored["facts"][0], stored["arrays"])
            number = facts["format"]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise ModelFileError(path, f"it holds no state of a training ({error})", "Give another folder.") from error
        if number != _FORMAT:
            raise ModelFileError(path, f"it has the format {number}, not {_FORMAT}", "Use a newer Hornbeam.")
        slots = [stored[f"optimizer_{i}"] for i in range(len(facts["optimizers"]))]
        return cls(stored["variables"], slots, facts)


def remove(folder):
    """Remove the files that :meth:`Snapshot.write` made, and the folder if nothing else is in it."""
    for name in (FILE, BEFORE):
        (Path(folder) / name).unlink(missing_ok=True)
    if os.path.isdir(folder) and not os.listdir(folder):
        os.rmdir(folder)


def _other(found):
    return ValueError(
        f"The backup is of another run: {found}. Give the program that was stopped, or another folder, or remove "
        f"this one to begin anew."
    )


def _stream_now(standing, within):
    if standing.stream is None or within:
        return standing.stream_before
    return stream_state(standing.stream)


def _leaves(state):
    return [leaf for leaf in nest.flatten(state) if leaf is not None]


def _numbered(arrays):
    return [(str(i), array) for i, array in enumerate(arrays)]


def _named(watchers):
    """(class, callback) of those that have a state worth keeping."""
    return [(type(c).__name__, c) for c in watchers if not getattr(c, "stateless", False)]


def _state_of(callback):
    getter = getattr(callback, "get_state", None)
    return getter() if getter is not None else object_state.attributes(callback)
