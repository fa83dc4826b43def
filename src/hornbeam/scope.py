"""The one place of mutable context: what holds while one pure evaluation of layers and words goes on.

A compiled step runs ordinary layer code. What that code reads and writes beside its arguments (values of variables,
the training flag, random numbers, losses, masks) goes through the scope of the running thread, so that the step as
a whole stays a pure function. Outside any scope, variables hold their values themselves.
"""

import threading


class Scope:
    """Context of one evaluation.

    Attributes:
        values: dict from variable to its value here; reads and writes of these variables stay inside the scope.
        training: True, False, or a traced flag.
        seed: unsigned 32-bit number (possibly traced) that all random words of this evaluation start from, or None
            to draw from NumPy's global generator.
        draws: how many random words have been called; a static salt that keeps their streams apart.
        losses: values that layers added (`add_loss`, activity regularizers), as (layer, value).
        metrics: (name, value) pairs that layers added with `add_metric`.
        masks: id of an output value -> (value, mask); the value is kept so that its id stays taken.
        valid_rows: traced number of real rows in a padded batch, or None when every row is real.
        outside: dict that takes down variables read although they have no value here, with the value they gave; scopes
            within this one share it. None takes nothing down.
        compute_dtype: type that variables of single precision are read in, None for their own.
        frozen: True inside a model that is not trainable, whose layers leave their averages alone.
    """

    __slots__ = (
        "values", "training", "seed", "draws", "losses", "metrics", "masks", "valid_rows", "outside", "frozen",
        "compute_dtype",
    )  # fmt: skip

    def __init__(self, values=None, training=False, seed=None, valid_rows=None, outside=None):
        self.values = {} if values is None else values
        self.training = training
        self.seed = seed
        self.draws = 0
        self.losses = []
        self.metrics = []
        self.masks = {}
        self.valid_rows = valid_rows
        self.outside = outside
        self.frozen = False
        self.compute_dtype = None

    def mask_of(self, value):
        """Mask that came with `value`, or None."""
        entry = self.masks.get(id(value))
        return None if entry is None else entry[1]

    def set_mask(self, value, mask):
        """Remember `mask` for `value` (None forgets)."""
        self.masks[id(value)] = (value, mask)

    def __enter__(self):
        stack = _stack()
        if self.outside is None and stack:
            self.outside = stack[-1].outside
        if self.compute_dtype is None and stack:
            self.compute_dtype = stack[-1].compute_dtype
        stack.append(self)
        return self

    def __exit__(self, *error):
        _stack().pop()


_local = threading.local()


def _stack():
    try:
        return _local.stack
    except AttributeError:
        _local.stack = []
        return _local.stack


def all_open():
    """The scopes of this thread, the innermost last; not to be changed."""
    return _stack()


def current():
    """The innermost scope of this thread, or None."""
    stack = _stack()
    return stack[-1] if stack else None
