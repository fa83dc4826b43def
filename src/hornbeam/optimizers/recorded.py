"""Optimizers written the Keras 2 way: `get_updates(loss, params)` run once, and what it says done in every step."""

import inspect

from hornbeam import backend as K
from hornbeam import scope, symbolic
from hornbeam.optimizers.stored import StateKeeper
from hornbeam.optimizers.values import cast_to, value_of


class Record:
    """What `get_updates` of an optimizer said about some weights.

    The gradients are at hand when a step comes here, and the loss no longer is. So `get_updates` is given
    sum(gradient * weight) as its loss: a scalar with just these gradients, whichever way they are asked for.

    Attributes:
        params: variables that are trained.
        kept: further variables that are updated, those the optimizer listed in its `weights` first.

    Raises:
        ValueError: no weight is updated, a new value has another shape, or the loss itself is used.
    """

    def __init__(self, optimizer, params):
        self.params, self.iterations = params, optimizer.iterations
        self.gradients = [K.placeholder(shape=p.shape, dtype=p.dtype) for p in params]
        rules = [p.constraint for p in params]
        for p in params:  # the step applies constraints itself
            p.constraint = None
        try:
            with K.Recording(training=True):
                terms = [K.sum(g * p) for g, p in zip(self.gradients, params, strict=True)]
                loss = sum(terms[1:], terms[0]) if terms else K.placeholder(())
                updates = _call(optimizer.get_updates, {"loss": loss, "params": params, "constraints": {}})
        finally:
            for p, rule in zip(params, rules, strict=True):
                p.constraint = rule
        updates = optimizer.updates if updates is None else updates
        self.updates = dict(pair for pair in updates if isinstance(pair, tuple))
        self._wanted = [new for new in self.updates.values() if K.is_symbolic(new)]
        self._order = symbolic.order_nodes(self._wanted)
        self._check(type(optimizer).__name__, loss)
        listed = [v for v in optimizer.__dict__.get("_declared", ()) if v in self.updates]
        known = {*params, self.iterations}
        self.kept = [v for v in dict.fromkeys([*listed, *self.updates]) if v not in known]

    def _check(self, owner, loss):
        if self.params and not any(p in self.updates for p in self.params):
            raise ValueError(
                f"{owner}.get_updates updates none of the weights. Return a list with K.update(p, new_p) for each of "
                f"params."
            )
        for variable, new in self.updates.items():
            if K.is_symbolic(new) and new.shape != variable.shape:
                raise ValueError(
                    f"{owner}.get_updates gives {variable.name!r} of shape {variable.shape} a value of shape "
                    f"{tuple(new.shape)}."
                )
        inner = [getattr(node.operation, "order", ()) for node in self._order]
        twice = any(isinstance(n.operation, K.Gradients) for order in inner for n in order)
        if twice or loss.node in self._order:
            raise ValueError(
                f"{owner}.get_updates uses {'second derivatives' if twice else 'the value'} of the loss. In model.fit "
                f"an optimizer is given first gradients only; K.function([...], [...], updates=...) has the graph."
            )

    def run(self, gradients, state, weights, step):
        """(new weights, new values of `kept`)."""
        here = scope.current()
        values = {} if here is None else dict(here.values)
        values.update(zip(self.params, map(value_of, weights), strict=True))
        values.update(zip(self.kept, state, strict=True))
        values[self.iterations] = K.cast(step, self.iterations.dtype)
        given = [cast_to(g, t.dtype) for g, t in zip(gradients, self.gradients, strict=True)]
        with scope.Scope(values, training=True, seed=None if here is None else here.seed):
            found, _ = symbolic.evaluate(self._wanted, dict(zip(self.gradients, given)), order=self._order)
        found = dict(zip(self._wanted, found, strict=True))

        def new(variable):
            value = self.updates.get(variable, values[variable])
            return cast_to(K.identity(found[value] if K.is_symbolic(value) else value), variable.dtype)

        return [new(v) for v in self.params], [new(v) for v in self.kept]


def _call(function, given):
    """`function`, with its arguments by name: their order changed from Keras 1 to Keras 2."""
    names = list(inspect.signature(function).parameters)
    if set(names) <= set(given):
        return function(**{name: given[name] for name in names})
    return function(given["loss"], given["params"])


class RecordedUpdates:
    """The methods that a class of optimizers is given when it overrides `get_updates`; see :func:`adopt_updates`."""

    def init(self, weights):
        """State for `weights`: the first values of all other variables that `get_updates` updates."""
        if isinstance(scope.current(), K.Recording):  # get_updates calls the one it overrides
            return super(self._recorded_by, self).init(weights)
        params = [w if isinstance(w, K.Variable) else K.Variable(w, dtype=K.dtype(w)) for w in weights]
        self._record = Record(self, params)
        return {"kept": [v.value for v in self._record.kept]}

    def _entry(self, weights, variables):
        entry = StateKeeper._entry(self, weights, variables)  # pyright: ignore[reportArgumentType]
        entry.record = self._record
        return entry

    def complete(self, state, weights):
        """`state` as it is; `get_updates` of these weights is the one that counts from here on."""
        self._record = self._states[self._current].record
        return state

    def update(self, gradients, state, weights, step):
        """One update, as `get_updates` put it down."""
        new, kept = self._record.run(gradients, state["kept"], weights, step)
        return new, {"kept": kept}

    @property
    def variables_read(self):
        """Scalars of the class it derives from, and the variables among its own attributes."""
        found = super(self._recorded_by, self).variables_read
        for name, value in vars(self).items():
            inner = value.variables_read if isinstance(value, StateKeeper) else [value]
            found += [v for v in inner if isinstance(v, K.Variable) and name != "iterations" and v not in found]
        return found

    @property
    def weights(self):
        """Arrays of the state, in the order of the list that `get_updates` set."""
        return StateKeeper.weights.fget(self)

    @weights.setter
    def weights(self, variables):
        self._declared = list(variables)

    @property
    def iterations_in_weights(self):
        """As the list has it that `get_updates` set."""
        declared = self.__dict__.get("_declared")
        return not declared or self.iterations in declared

    def _listed(self, state):
        return list(state["kept"])

    def _from_listed(self, arrays):
        return {"kept": list(arrays)}

    _without_lead = StateKeeper._without_lead
    resume = StateKeeper.resume


def adopt_updates(cls):
    """Let the updates of `cls` be those its own `get_updates` says, in compiled steps as well."""
    own = vars(cls)
    if "get_updates" in own and not {"rule", "update", "_advance"} & set(own):
        for name, thing in vars(RecordedUpdates).items():
            if name not in own and not name.startswith("__"):
                setattr(cls, name, thing)
        cls._recorded_by = cls
