"""Gradient transformations of other libraries as optimizers: anything with `init` and `update`, as optax has them."""

from hornbeam import backend as K
from hornbeam import nest
from hornbeam.optimizers.optimizer import Optimizer
from hornbeam.optimizers.values import value_of


def is_transformation(thing):
    """True for objects with callable `init` and `update` that are no optimizers of ours."""
    return (
        not isinstance(thing, (type, Optimizer))
        and callable(getattr(thing, "init", None))
        and callable(getattr(thing, "update", None))
    )


class External(Optimizer):
    """w = w + u, where (u, state) = transformation.update(gradients, state, weights).

    Made by `optimizers.get(transformation)`, and so by `compile(optimizer=transformation)`. Rates, clipping and decay
    are the transformation's own business: there is no `lr` to read or set, and no configuration to store.

    Args:
        transformation: object with init(weights) -> state and update(gradients, state, weights) -> (changes, state),
            where the weights are a list of arrays.

    Raises:
        TypeError: the object has no such functions.

    Example:
        >>> from types import SimpleNamespace
        >>> halve = SimpleNamespace(init=lambda w: (), update=lambda g, s, w: ([-0.5 * x for x in g], s))
        >>> w = K.variable([1.0])
        >>> External(halve).apply_gradients([(K.constant([1.0]), w)])
        >>> w.numpy().tolist()
        [0.5]
    """

    def __init__(self, transformation):
        if not is_transformation(transformation):
            raise TypeError(
                f"An external optimizer has functions init and update, as optax transformations do; got "
                f"{type(transformation).__name__}."
            )
        super().__init__()
        self.transformation = transformation
        self.name = "external"

    @property
    def lr(self):
        """None to be had: raises AttributeError, so that `hasattr(optimizer, 'lr')` is False."""
        raise AttributeError(
            "The learning rate of an external optimizer lives inside its transformation. Give that a schedule, or use "
            "one of hornbeam.optimizers."
        )

    @lr.setter
    def lr(self, value):
        raise TypeError(
            "The learning rate of an external optimizer cannot be set from outside. Give the transformation a "
            "schedule, or use one of hornbeam.optimizers."
        )

    variables_read = property(lambda self: [], doc="No scalars.")

    def init(self, weights):
        """The transformation's own state, whatever its form."""
        return self.transformation.init([value_of(w) for w in weights])

    def _advance(self, gradients, state, weights, step):
        weights = [value_of(w) for w in weights]
        changes, state = self.transformation.update(list(gradients), state, weights)
        moved = [w if u is None else w + u for w, u in zip(weights, changes, strict=True)]
        return [new if K.dtype(new) == K.dtype(w) else K.cast(new, K.dtype(w)) for new, w in zip(moved, weights)], state

    def _listed(self, state):
        return [leaf for leaf in nest.flatten(state) if leaf is not None]

    def _from_listed(self, arrays):
        remaining = iter(arrays)
        return nest.map_structure(lambda leaf: None if leaf is None else next(remaining), self.state)

    def get_config(self):
        """Not to be had.

        Raises:
            TypeError: always; a transformation is made of functions.
        """
        raise TypeError(
            "An external optimizer is made of functions and cannot be stored. Save the model with "
            "include_optimizer=False, and give the transformation to compile() again after loading."
        )

    def __reduce__(self):
        raise TypeError("An external optimizer is made of functions and cannot be copied or stored.")

    def __repr__(self):
        return f"External({self.transformation!r})"
