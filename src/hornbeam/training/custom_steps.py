"""Steps that users wrote, made pure and compiled; and steps that run eagerly, for the debugger."""

import contextlib

import numpy as np

from hornbeam import backend as K
from hornbeam import nest, scope
from hornbeam.core.precision import widened
from hornbeam.metrics import Metric
from hornbeam.optimizers import Optimizer
from hornbeam.training import splitting
from hornbeam.training.steps import Steps

_STEP_SALT = np.uint32(0x9E3779B1)


class CustomSteps:
    """The programs of a model whose `train_step`, `test_step` or `predict_step` is overridden.

    A step is traced twice: first to learn which variables it assigns and which weights each optimizer keeps a state
    for, layers being built on the way; then with all of these as arguments and results of a pure program.

    Args:
        model: the model.
    """

    latest = True  # what a step reports stands for all before it
    updates_rows = False  # of large tables, see row_updates: nobody looks into a step of the user's own

    def __init__(self, model):
        self.model = model
        self.optimizer = model.optimizer
        self.trainable = list(model.trainable_weights)
        self.captured = K.Captured()
        self.log_names = {}
        self.seconds_per_step = {}
        self.split = {}
        self.states, self.metric_variables, self.hyper = [], [], []  # the programs carry on all that there is
        self._programs = {}
        self._studied = {}  # kind -> (variables carried, [(optimizer, weights)])
        self._count = K.Variable(0, dtype="int32", name="steps", trainable=False)
        self.counts = [self._count]  # random words follow from it, so a run that is resumed goes on counting

    def devices(self, kind, data, rows):
        """Names of the devices that batches of so many `rows` are split over; none for the usual one."""
        return splitting.devices_for(self, kind, data, rows)

    def program(self, kind, data, devices=(), rows=None):
        """The compiled loop of steps, and False: a short batch is not to be padded."""
        if self.captured.changed():
            self._programs.clear()
        forms = _forms_of(self.model, data)
        key = (kind, repr(forms), tuple((a.shape[1:], str(a.dtype)) for a in nest.flatten(data.arrays())),
               K.fixed_phase(), tuple(devices))  # fmt: skip
        if key not in self._programs:
            self._study(kind, data, forms)

            def step(fixed, state, batch, valid):
                return self._step(kind, forms, fixed, state, batch)

            self._programs[key] = K.engine.compile_steps(step, devices)
        return self._programs[key], False

    def _study(self, kind, data, forms):
        """Carry the step out on shapes alone, to learn what it assigns."""
        variables = variables_of(self.model)
        optimizers = optimizers_of(self.model)
        arrays = nest.flatten(data.arrays())
        form = data.arrays()
        found, touched = {}, []

        def run(seed, *values):
            context = scope.Scope({v: v.value for v in variables}, False, seed, None, self.captured.seen)
            with _kept(optimizers, touched), context:
                logs = self._call(kind, _batch(nest.pack_like(form, values), forms))
            found.update(dict.fromkeys(context.values))
            return logs

        rows = max(1, min(2, data.rows))
        K.engine.abstract(run, [((), "uint32"), *(((rows, *a.shape[1:]), str(a.dtype)) for a in arrays)])
        known = dict.fromkeys([*variables_of(self.model), *found])  # layers may have been built meanwhile
        for optimizer, weights in touched:
            optimizer.build(weights)
        for variable in known:
            self.captured.seen.pop(variable, None)
        self._studied[kind] = (list(known), touched)
        self.trainable = list(self.model.trainable_weights)

    def _call(self, kind, data):
        """Names and values that the user's step gives, as plain values."""
        result = getattr(self.model, f"{kind}_step")(data)
        if kind == "predict":
            return widened(nest.flatten(K.strip(result)))
        logs = _checked_logs(type(self.model).__name__, kind, result)
        self.log_names[kind] = list(logs)
        return K.stack([K.stack([K.cast(v, "float32"), K.constant(1.0, "float32")]) for v in logs.values()])

    def _step(self, kind, forms, fixed, state, batch):
        variables, touched = self._studied[kind]
        values = dict(zip(variables, state["carried"], strict=True))
        values.update(zip(self.captured.known, fixed["captured"], strict=True))
        seed = fixed["seed"] + K.cast(state["step"], "uint32") * _STEP_SALT
        context = scope.Scope(values, False, seed, None, self.captured.seen)
        with _kept(optimizers_of(self.model)), context:
            for (optimizer, weights), kept in zip(touched, state["optimizers"], strict=True):
                _entry(optimizer, weights).state = kept
            logs = self._call(kind, _batch(batch, forms))
            kept = [_entry(optimizer, weights).state for optimizer, weights in touched]
        carried = [K.untaped(context.values[v]) for v in variables]
        return {"carried": carried, "optimizers": kept, "step": state["step"] + 1}, logs

    def fixed(self, kind, seed):
        """What a program only reads."""
        return {"seed": seed, "captured": self.captured.values()}

    def state(self, kind):
        """What a program carries on: every variable that is known, and the optimizers' states."""
        variables, touched = self._studied[kind]
        return {
            "carried": [v.value for v in variables],
            "optimizers": [optimizer.build(weights) for optimizer, weights in touched],
            "step": self._count.value,
        }

    def adopt(self, kind, state):
        """Hand a program's new state to the variables."""
        variables, touched = self._studied[kind]
        for variable, value in zip(variables, state["carried"], strict=True):
            variable.adopt(value)
        for (optimizer, weights), kept in zip(touched, state["optimizers"], strict=True):
            _entry(optimizer, weights).state = kept
        self._count.adopt(state["step"])


class EagerCustomSteps(CustomSteps):
    """The same steps in plain Python, batch by batch, on values that can be looked at."""

    def devices(self, kind, data, rows):
        """None: each operation is a program of its own here."""
        return ()

    def program(self, kind, data, devices=(), rows=None):
        """A function that carries steps out one by one, and False."""
        forms = _forms_of(self.model, data)

        def step(fixed, state, batch):
            seed = np.uint32((int(fixed["seed"]) + int(self._count) * int(_STEP_SALT)) % 2**32)
            with scope.Scope({}, False, seed):
                logs = self._call(kind, _batch(batch, forms))
            self._count.assign_add(1)
            return None, logs

        return _walk(step), False

    def state(self, kind):
        """None: variables hold their values themselves."""
        return

    def adopt(self, kind, state):
        """Nothing is left to do."""


class EagerSteps(Steps):
    """The steps of `compile(loss)` in plain Python: layers, losses and metrics see values, one batch after another."""

    def program(self, kind, data, devices=(), rows=None):
        """A function that carries steps out one by one, and False."""
        self._form, self._weighted = data.form, [w is not None for w in data.weights]
        step = {"train": self._train_eagerly, "test": self._test_step, "predict": self._predict_step}[kind]
        return _walk(lambda fixed, state, batch: step(fixed, state, batch, None)), False

    def devices(self, kind, data, rows):
        """None: each operation is a program of its own here."""
        return ()

    def _train_eagerly(self, fixed, state, batch, valid):
        step = int(self.optimizer.iterations)
        seed = np.uint32((int(fixed["seed"]) + step * int(_STEP_SALT)) % 2**32)
        context = scope.Scope({}, True, seed)
        with context, K.GradientTape() as tape:
            here = scope.current()
            parts = self._run_model(here, nest.pack_like(self._form, batch["x"]), self._symbolic_extras())
            total, logs = self._judge(*parts, batch, None)
            for layer in self.model.flat_layers():
                for variable, new in layer._added_updates:
                    variable.assign(parts[3][new])
        weights = self.trainable
        gradients = tape.gradient(total, weights, unconnected_gradients="zero")
        kept = self.optimizer.build(weights)
        values, kept = self.optimizer.update(
            gradients, kept, [w.value for w in weights], self.optimizer.iterations.value
        )
        for variable, value in zip(weights, values, strict=True):
            variable.assign(value if variable.constraint is None else variable.constraint(value))
        self.optimizer.state = kept
        self.optimizer.iterations.assign_add(1)
        return None, self._stack_logs("train", K.strip(logs))

    def _test_step(self, fixed, state, batch, valid):
        parts = self._forward({}, nest.pack_like(self._form, batch["x"]), False, fixed["seed"], None, True)
        return None, self._stack_logs("test", self._judge(*parts, batch, None)[1])

    def _predict_step(self, fixed, state, batch, valid):
        inputs = nest.pack_like(self._form, batch["x"])
        return None, self._forward({}, inputs, False, fixed["seed"], None, False)[1]

    def fixed(self, kind, seed):
        """The seed."""
        return {"seed": seed}

    def state(self, kind):
        """None: variables hold their values themselves."""
        return

    def adopt(self, kind, state):
        """Nothing is left to do."""


def _walk(step):
    """The loop that the engine would compile, step after step in Python; see `compile_steps`."""

    def run(fixed, state, data, plan, valid, start, stop):
        logs = []
        for i in range(int(start), int(stop)):
            batch = nest.map_structure(lambda a, i=i: K.engine.convert(a[i] if plan is None else a[plan[i]]), data)
            logs.append(step(fixed, state, batch)[1])
        steps = len(plan) if plan is not None else len(nest.flatten(data)[0])
        return None, _padded(logs, int(start), steps)

    return run


def _padded(logs, start, steps):
    """Logs of some steps among zeros for the others, as the compiled loop gives them."""

    def one(*rows):
        stacked = np.stack([np.asarray(row) for row in rows])
        full = np.zeros((steps, *stacked.shape[1:]), stacked.dtype)
        full[start : start + len(stacked)] = stacked
        return full

    return [one(*rows) for rows in zip(*logs, strict=True)] if isinstance(logs[0], list) else one(*logs)


# --- What a model holds ---


def variables_of(model):
    """All variables that a step of the model may read or assign: weights, states, metrics, optimizers' scalars."""
    found = [*model.weights, *model.state_variables]
    for leaf in _attributes(model):
        if isinstance(leaf, K.Variable):
            found.append(leaf)
        elif isinstance(leaf, Metric):
            found += leaf.variables
        elif isinstance(leaf, Optimizer):
            found += [leaf.iterations, *leaf.variables_read]
    return list(dict.fromkeys(found))


def optimizers_of(model):
    """The optimizers that the model and the layers in it hold in attributes."""
    return list(dict.fromkeys(leaf for leaf in _attributes(model) if isinstance(leaf, Optimizer)))


def _attributes(model):
    for layer in model.flat_layers():
        for key, value in vars(layer).items():
            if key not in ("_inbound_nodes", "_outbound_nodes", "_made_with", "_steps", "_predict_steps"):
                yield from nest.flatten(value)


@contextlib.contextmanager
def _kept(optimizers, touched=None):
    """Within, states of optimizers may be traced values; afterwards they are what they were.

    Args:
        touched: list to which (optimizer, weights) is added for each state that was made or set.
    """
    before = [(o, dict(o._states), o._current, {k: e.state for k, e in o._states.items()}) for o in optimizers]
    try:
        yield
    finally:
        for optimizer, entries, current, states in before:
            for key, entry in optimizer._states.items():
                if touched is not None and entry.refs and entry.state is not states.get(key):
                    touched.append((optimizer, [ref() for ref in entry.refs]))
            optimizer._states, optimizer._current = entries, current
            for key, entry in entries.items():
                entry.state = states[key]


def _entry(optimizer, weights):
    optimizer._current = tuple(id(w) for w in weights)
    return optimizer._states[optimizer._current]


def _forms_of(model, data):
    """Nests of inputs, targets and weights as they were handed over; None for what is not there."""
    arrays = data.arrays()
    return (data.form, *(form if arrays[key] else None for key, form in zip("yw", model._own_forms, strict=True)))


def _batch(batch, forms):
    """What a user's step is given: x, (x, y) or (x, y, sample_weight), in the form they came in."""
    parts = [None if form is None else nest.pack_like(form, batch[key])
             for key, form in zip(("x", "y", "w"), forms, strict=True)]  # fmt: skip
    while len(parts) > 1 and parts[-1] is None:
        parts.pop()
    if len(parts) == 1:
        return tuple(parts) if isinstance(parts[0], (tuple, list)) else parts[0]
    return tuple(parts)


def _checked_logs(owner, kind, result):
    """Names and scalars, dicts inside flattened.

    Raises:
        TypeError: no dict came. ValueError: something in it is no scalar.
    """
    if not isinstance(result, dict) or not result:
        raise TypeError(
            f"{owner}.{kind}_step must return a dict of names and scalars; got {type(result).__name__}. "
            f"End it with: return {{m.name: m.result() for m in self.metrics}}."
        )
    found = {}
    for name, value in result.items():
        if isinstance(value, dict):
            found.update(_checked_logs(owner, kind, value))
            continue
        value = K.strip(value)
        value = value.value if isinstance(value, K.Variable) else value
        if np.shape(value) != ():
            raise ValueError(
                f"{owner}.{kind}_step returned {name!r} of shape {np.shape(value)}; names stand for scalars. Take its "
                f"mean: K.mean({name})."
            )
        found[name] = value
    return found
