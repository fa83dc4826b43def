"""The base of all optimizers: a pure pair (init, update) with settable scalars, and the classic methods around it."""

import inspect
from types import SimpleNamespace

import numpy as np

from hornbeam import backend as K
from hornbeam import checks, nest, registry
from hornbeam.optimizers import row_updates, schedules
from hornbeam.optimizers.recorded import adopt_updates
from hornbeam.optimizers.stored import SUMS, StateKeeper
from hornbeam.optimizers.values import (
    Hyperparameter,
    cast_to,
    filled,
    float_type,
    leaves_of,
    number_of,
    scalar,
    value_of,
    working_type,
)

# Keywords of other Keras versions' configurations, with the values that ask for nothing. `None` stands for any value.
_WITHOUT_EFFECT = {
    "jit_compile": None, "is_legacy_optimizer": None, "ema_momentum": None, "ema_overwrite_frequency": None,
    "use_ema": (False,), "loss_scale_factor": (None,),
}  # fmt: skip
_COMMON = ("clipnorm", "clipvalue", "global_clipnorm", "weight_decay", "gradient_accumulation_steps", "embeddings")
_MODES = ("exact", "lazy", "dense")


def clip_norm(g, c, n):
    """g * c / n where the norm `n` reaches `c`, else `g`; unchanged for c <= 0.

    Example:
        >>> clip_norm(K.constant([3.0, 4.0]), 1.0, 5.0).tolist() == [np.float32(0.6), np.float32(0.8)]
        True
    """
    return g * K.where(K.greater_equal(n, c), c / n, 1.0) if c > 0 else g


class Optimizer(StateKeeper):
    """Base of optimizers: `init(weights) -> state` and `update(gradients, state, weights, step) -> (weights, state)`.

    A new optimizer names its scalars with `Hyperparameter()`, the arrays it keeps for each weight in `slots`, and
    writes one `rule`. Everything else (compiled steps, `apply_gradients`, `get_updates`, weights, configuration from
    the constructor's signature) follows from these. Or, as in Keras 2, it overrides `get_updates(loss, params)`, which
    returns a list of `K.update(variable, new value)`; it is called once and its updates become part of every step.

    Args:
        lr: number, or a schedule: `schedules.LearningRateSchedule` or any function of the step. Also `learning_rate`.
        clipnorm: largest norm of all gradients together, as in Keras 2 (Keras 3 means each one by itself).
        global_clipnorm: the same, under the name Keras 3 has for it.
        clipvalue: largest absolute value of a gradient's elements; clipped after the norm.
        weight_decay: fraction of each weight, times lr, taken off before the update.
        gradient_accumulation_steps: update once in so many steps, 2 or more, by the mean of their gradients: a large
            batch in small pieces. `iterations` counts the steps, schedules see the updates.
        embeddings: which rows of a large table a step updates. 'exact', the default: those it looked up where that
            equals updating all (SGD, RMSprop without momentum, Adagrad, Adadelta), else all. 'lazy': those it looked
            up, whatever the rule; moments and weight decay of the others stand still. 'dense': all.
        name: for people.

    Raises:
        TypeError: unknown keyword; names the nearest. ValueError: a keyword of another Keras asks for what is not here.

    Example:
        >>> class SignDescent(Optimizer):
        ...     def rule(self, now, weight, gradient):
        ...         return (weight - now.lr * K.sign(gradient),)
        >>> weights, state = SignDescent(0.5).update([K.constant([3.0])], {}, [K.constant([1.0])], 0)
        >>> weights[0].tolist()
        [0.5]
    """

    weight_decay = Hyperparameter()
    elementwise = True  # does the rule treat each element by itself, by its own elements of the slots?

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        adopt_updates(cls)

    def __init__(self, lr=None, /, **kwargs):
        super().__init__()
        lr = self._checked_keywords(lr, kwargs)
        self.name = kwargs.get("name") or type(self).__name__.lower()
        for keyword in _COMMON:
            setattr(self, keyword, kwargs.get(keyword))
        if self.gradient_accumulation_steps is not None:
            self.gradient_accumulation_steps = checks.integer(
                type(self).__name__, "gradient_accumulation_steps", self.gradient_accumulation_steps, least=2
            )
        if self.embeddings not in (None, *_MODES):
            raise checks.wrong_argument(type(self).__name__, "embeddings", self.embeddings, f"one of {_MODES}")
        self.schedule = None
        self.updates = []
        self._lr = None
        if lr is not None:
            self._set_rate(lr)

    def _checked_keywords(self, lr, kwargs):
        known = [name for name in self._arguments() if name != "self"]
        allowed = {*_COMMON, *_WITHOUT_EFFECT, "name", "lr", "learning_rate"}
        wrong = set(kwargs) - allowed
        if wrong:
            raise checks.unknown_keywords(type(self).__name__, wrong, [*known, *sorted(allowed - set(known))])
        for keyword, harmless in _WITHOUT_EFFECT.items():
            if harmless is not None and kwargs.get(keyword, harmless[0]) not in harmless:
                raise ValueError(
                    f"{type(self).__name__}: {keyword}={kwargs[keyword]!r} is not supported. Leave {keyword} out."
                )
        other = kwargs.get("learning_rate", kwargs.get("lr"))
        if other is None:
            return lr
        usual = [self._arguments().get(key) for key in ("lr", "learning_rate")]
        if lr is not None and lr not in usual and lr is not other:
            raise TypeError(f"{type(self).__name__} got both lr and learning_rate, which are one. Give one of them.")
        return other

    @classmethod
    def _arguments(cls):
        """Names of the constructor's arguments with their defaults."""
        given = inspect.signature(cls.__init__).parameters.values()
        return {p.name: p.default for p in list(given)[1:] if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}

    def _check_between(self, low, high, **values):
        for name, value in values.items():
            if not isinstance(value, (int, float)) and np.ndim(value_of(value)) != 0:
                raise checks.wrong_argument(type(self).__name__, name, value, "a number")
            if not low <= float(value_of(value)) <= high:
                wanted = f"a number from {low} to {high}" if high < float("inf") else f"a number of {low} or more"
                raise checks.wrong_argument(type(self).__name__, name, value, wanted)

    # --- Scalars ---

    def _set_rate(self, value):
        if isinstance(value, dict):
            value = schedules.deserialize(value)
        if callable(value) and not isinstance(value, K.Variable):
            self.schedule = value
        else:
            self._lr = value if isinstance(value, K.Variable) else scalar(self, "lr", value)

    @property
    def lr(self):
        """Learning rate: a variable to read and set, or, under a schedule, its value at the present step."""
        if self.schedule is not None:
            done = self.iterations.value // (self.gradient_accumulation_steps or 1)
            return K.cast(self.schedule(done), float_type())
        if self._lr is None:
            raise AttributeError(f"{type(self).__name__} has no learning rate yet.")
        return self._lr

    @lr.setter
    def lr(self, value):
        if self.schedule is None and self._lr is None:
            self._set_rate(value)
        elif self.schedule is not None or isinstance(value, dict) or (callable(value) and not K.is_tensor(value)):
            raise TypeError(
                f"{type(self).__name__}: a learning rate given as a schedule cannot be set, nor a number replaced by a "
                f"schedule. Make a new optimizer and compile again."
            )
        else:
            self._lr.assign(value_of(value))

    @property
    def learning_rate(self):
        """The same as lr."""
        return self.lr

    @learning_rate.setter
    def learning_rate(self, value):
        self.lr = value

    @classmethod
    def _hyperparameters(cls):
        found = {}
        for owner in reversed(cls.__mro__):
            found.update((name, None) for name, thing in vars(owner).items() if isinstance(thing, Hyperparameter))
        return list(found)

    @property
    def variables_read(self):
        """Scalar variables that `update` reads, in a fixed order; a compiled step takes their values as arguments."""
        rest = [self.__dict__.get(name) for name in self._hyperparameters()]
        return [v for v in (None if self.schedule is not None else self._lr, *rest) if v is not None]

    def rate(self, step):
        """Learning rate of the update after `step` others: the schedule or lr, times 1 / (1 + decay * step)."""
        lr = K.cast(self.schedule(step), float_type()) if self.schedule is not None else self._lr.value
        decay = self.__dict__.get("decay")
        if decay is None:
            return lr
        return lr * (1.0 / (1.0 + decay.value * K.cast(step, float_type())))

    # --- The pure pair ---

    def init(self, weights):
        """State for `weights` (arrays or variables): a dict from each name in `slots` to a list of arrays."""
        columns = list(zip(*(self.start(w) for w in weights), strict=True)) or [()] * len(self.slots)
        return {name: list(column) for name, column in zip(self.slots, columns, strict=True)}

    def start(self, weight):
        """First values of the slots of one weight: zeros of its shape."""
        return [filled(weight) for _ in self.slots]

    def update(self, gradients, state, weights, step):
        """One update, as a pure function.

        Args:
            gradients: list of arrays, one for each weight.
            state: result of `init` or of the last update.
            weights: list of arrays or variables.
            step: number of updates done before; may be traced.

        Returns:
            (new weights, new state)
        """
        if self.gradient_accumulation_steps is None:
            return self._advance(self.clip(gradients), state, weights, step)
        return self._accumulate(gradients, state, weights, step)

    def _accumulate(self, gradients, state, weights, step):
        count = self.gradient_accumulation_steps
        weights = [value_of(w) for w in weights]
        sums = [s + cast_to(g, K.dtype(s)) for s, g in zip(state[SUMS], gradients, strict=True)]

        def advance():
            means = [s / count for s in sums]
            new, kept = self._advance(self.clip(means), state, weights, step // count)
            return new, {**kept, SUMS: [K.zeros_like(s) for s in sums]}

        return K.run_either((step + 1) % count == 0, advance, lambda: (weights, {**state, SUMS: sums}))

    def clip(self, gradients):
        """`gradients` after clipnorm, global_clipnorm and clipvalue."""
        gradients = list(gradients)
        for limit in (self.clipnorm, self.global_clipnorm):
            if limit is not None and limit > 0:
                norm = K.sqrt(sum(K.sum(K.square(g)) for g in gradients))
                gradients = [clip_norm(g, limit, norm) for g in gradients]
        if self.clipvalue is not None and self.clipvalue > 0:
            gradients = [K.clip(g, -self.clipvalue, self.clipvalue) for g in gradients]
        return gradients

    def _advance(self, gradients, state, weights, step):
        now = SimpleNamespace(lr=self.rate(step), t=K.cast(step, float_type()) + 1.0)
        for name in self._hyperparameters():
            setattr(now, name, value_of(self.__dict__.get(name)))
        new_state = {**state, **self.begin(now, state)}
        names = [name for name in self.slots if name in state]
        new_weights, columns = [], {name: [] for name in names}
        rows = row_updates.RowUpdates(self, now, state)
        for i, (weight, gradient) in enumerate(zip(weights, gradients, strict=True)):
            slots = {name: state[name][i] for name in names}
            advance = rows.advance if isinstance(gradient, K.RowGradient) else self._advance_one
            new, slots = advance(now, value_of(weight), gradient, slots)
            new_weights.append(new)
            for name in names:
                columns[name].append(slots[name])
        return new_weights, {**new_state, **columns, **rows.new_state()}

    def _advance_one(self, now, weight, gradient, slots):
        """(new weight, dict of new slots), each in the type it has."""
        work = working_type(weight)
        w, g = cast_to(weight, work), cast_to(gradient, work)
        if now.weight_decay is not None:
            w = w - w * now.weight_decay * now.lr
        new, *made = self.rule(now, w, g, *slots.values())
        kept = {name: cast_to(a, K.dtype(slots[name])) for name, a in zip(slots, made, strict=True)}
        return cast_to(new, K.dtype(weight)), kept

    def begin(self, now, state):
        """Add to `now` what all weights share in this update; returns new values of state that no weight owns."""
        return {}

    def rule(self, now, weight, gradient, *slots) -> tuple:
        """(new weight, new slots...) of one weight. `now` has `lr`, `t` (1 at the first update) and the scalars."""
        raise TypeError(
            f"{type(self).__name__} does not say how it updates a weight. Define rule(self, now, weight, gradient, "
            f"*slots), which returns (new weight, *new slots)."
        )

    def idle(self):
        """What a step without gradient does to the slots of a weight that stays as it is.

        Returns:
            Dict from each slot to the name of the hyperparameter that multiplies it, or to None if it stays. None in
            place of the dict where the weight moves as well: rows without gradient cannot wait then.
        """
        return None

    # --- Use in one's own loop ---

    def apply_gradients(self, grads_and_vars):
        """Update variables at once, constraints included.

        Args:
            grads_and_vars: pairs (gradient, variable), such as `zip(gradients, model.trainable_weights)`. A variable
                whose gradient is None stays as it is.

        Raises:
            ValueError: no gradient at all. TypeError: something other than a variable is to be updated.
        """
        pairs = [tuple(pair) for pair in grads_and_vars]
        present = [gradient is not None for gradient, _ in pairs]
        if not any(present):
            raise ValueError(f"{type(self).__name__}.apply_gradients got no gradient for any variable.")
        for _, variable in pairs:
            if not isinstance(variable, K.Variable):
                raise TypeError(
                    f"{type(self).__name__}.apply_gradients updates variables; got {type(variable).__name__}. "
                    f"Give pairs in the order (gradient, variable)."
                )
        variables = [variable for _, variable in pairs]
        state = self.build(variables)
        gradients = [K.zeros_like(v) if g is None else K.identity(g) for g, v in pairs]
        new_weights, new_state = self.update(gradients, state, variables, self.iterations.value)
        for i, (variable, new) in enumerate(zip(variables, new_weights, strict=True)):
            if present[i]:
                variable.assign(new if variable.constraint is None else variable.constraint(new))
            elif isinstance(new_state, dict):
                for name in set(self.slots) & set(new_state):
                    new_state[name][i] = state[name][i]
        self.state = new_state
        self.iterations.assign_add(1)

    def apply(self, grads, trainable_variables):
        """The same as `apply_gradients`, with two lists."""
        self.apply_gradients(zip(grads, trainable_variables, strict=True))

    def get_gradients(self, loss, params):
        """Symbolic gradients of `loss` with respect to the variables `params`, clipped."""
        return self.clip(K.gradients(loss, list(params)))

    def get_updates(self, loss, params):
        """Updates for `K.function` that lower the symbolic `loss`: a list of (variable, symbolic new value).

        Args:
            loss: symbolic scalar.
            params: list of variables; their constraints are applied.
        """
        params = list(params)
        gradients = self.get_gradients(loss, params)
        state = self.init(params)
        kept = [K.Variable(a, dtype=K.dtype(a), trainable=False) for a in leaves_of(state)]
        operation = _Update(self, params, state, kept)
        new = K.record(operation, (gradients,), {})
        self.updates = list(zip([self.iterations, *params, *kept], new, strict=True))
        return self.updates

    # --- Configuration ---

    def get_config(self):
        """Constructor's arguments as Python values."""
        settings = {}
        for name in [*self._arguments(), *_COMMON]:
            if name in ("lr", "learning_rate"):
                rate = registry.serialize(self.schedule) if self.schedule is not None else self._lr
                settings[name] = number_of(rate) if isinstance(rate, K.Variable) else rate
                continue
            if not hasattr(self, name):  # a user's class of Keras 2 times says so itself
                continue
            value = getattr(self, name)
            if name in self._arguments() or value is not None:
                settings[name] = number_of(value) if isinstance(value, K.Variable) else value
        return settings

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """An optimizer from what `get_config` gave; both spellings of the learning rate are accepted."""
        with registry.custom_object_scope(custom_objects or {}):
            return cls(**config)

    def __reduce__(self):
        return _rebuild, (type(self), self.get_config(), self.get_weights(), int(self.iterations))

    def __repr__(self):
        settings = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({settings})"


def _rebuild(kind, settings, weights, iterations):
    made = kind.from_config(settings)
    if weights:
        made.set_weights(weights)
    made.iterations.assign(iterations)
    return made


class _Update:
    """Operation of the node that `get_updates` records: one whole update of variables."""

    def __init__(self, optimizer, params, state, kept):
        self.name = optimizer.name
        self.optimizer = optimizer
        self.params = params
        self.form = state
        self.kept = kept
        self.weights = [optimizer.iterations, *params, *kept, *optimizer.variables_read]

    def call_node(self, args, kwargs, masks):
        """[new number of updates, new params..., new state...] from the gradients."""
        remaining = iter(self.kept)
        state = nest.map_structure(lambda leaf: None if leaf is None else next(remaining).value, self.form)
        step = self.optimizer.iterations.value
        new, state = self.optimizer._advance(args[0], state, self.params, step)
        new = [n if p.constraint is None else p.constraint(n) for p, n in zip(self.params, new, strict=True)]
        return [step + 1, *new, *leaves_of(state)], None
