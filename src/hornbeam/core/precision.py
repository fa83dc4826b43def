"""Mixed precision: weights, optimizer state and losses in single precision, the layers' arithmetic in bfloat16."""

from hornbeam import backend as K
from hornbeam import config, nest, scope

_COMPUTES_IN = {"mixed_bfloat16": "bfloat16"}
_HALVES = ("float16", "bfloat16")


class Policy:
    """Which types a layer keeps its weights in, and which it computes in.

    bfloat16 has the range of float32 and three decimal digits: products are about twice as fast on processors that
    know it, and no loss needs scaling. Normalisation layers compute in single precision all the same; give the last
    layer `dtype='float32'` if its digits matter. Layers take the policy in force when they are made.

    Args:
        name: 'mixed_bfloat16', or a type's name such as 'float32' for both.

    Attributes:
        variable_dtype: type of the weights.
        compute_dtype: type of inputs and products.

    Raises:
        ValueError: an unknown name, or 'mixed_float16', whose gradients would vanish.

    Example:
        >>> Policy("mixed_bfloat16").variable_dtype, Policy("mixed_bfloat16").compute_dtype
        ('float32', 'bfloat16')
    """

    def __init__(self, name):
        if isinstance(name, str) and name.startswith("mixed_") and name not in _COMPUTES_IN:
            raise ValueError(
                f"There is no policy {name!r} here: small gradients vanish in float16. Use 'mixed_bfloat16', which has "
                f"the range of float32."
            )
        self.name = name
        self.compute_dtype = _COMPUTES_IN.get(name, name)
        self.variable_dtype = "float32" if name in _COMPUTES_IN else name

    @property
    def mixed(self):
        """Are the two types different?"""
        return self.compute_dtype != self.variable_dtype

    def get_config(self):
        """The name."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config):
        """The policy of that name."""
        return cls(**config)

    def __eq__(self, other):
        return isinstance(other, Policy) and other.name == self.name

    def __hash__(self):
        return hash(self.name)

    def __repr__(self):
        return f"<Policy {self.name!r}>"


_state: dict = {"policy": None}


def global_policy():
    """The policy of layers that are given none: the one that was set, else floatx for everything."""
    return _state["policy"] or Policy(config.floatx())


def set_global_policy(policy):
    """Let layers made from here on have `policy`, a :class:`Policy` or its name; None takes it back.

    Example:
        >>> set_global_policy("mixed_bfloat16")
        >>> global_policy().compute_dtype
        'bfloat16'
        >>> set_global_policy(None)
    """
    _state["policy"] = None if policy is None else policy_of(policy)
    if _state["policy"] is not None and _state["policy"].name == config.floatx():
        _state["policy"] = None


set_policy = set_dtype_policy = set_global_policy  # Keras 2's and Keras 3's names
dtype_policy = global_policy


def policy_of(given):
    """The policy that `given` means: a policy, its name or configuration, or None for the one in force."""
    if given is None:
        return global_policy()
    if isinstance(given, dict):  # as Keras 3 writes it
        given = given.get("config", given).get("name")
    name = getattr(given, "name", given)
    return Policy(name if isinstance(name, str) else getattr(name, "__name__", name))


def cast_floats(tree, dtype):
    """A nest with its float tensors as `dtype`; others as they are."""

    def one(x):
        known = K.dtype(x) if hasattr(x, "dtype") else ""
        return K.cast(x, dtype) if "float" in known and known != dtype else x

    return nest.map_structure(one, tree)


def widened(tree):
    """A nest whose half-precision tensors are of the default float type: what losses and users are given."""

    def one(x):
        known = K.dtype(x) if hasattr(x, "dtype") else ""
        return K.cast(x, wide_type(known)) if known in _HALVES else x

    return nest.map_structure(one, tree)


def wide_type(dtype):
    """The type that losses see a tensor of `dtype` in."""
    return config.floatx() if dtype in _HALVES and config.floatx() == "float32" else dtype


def run_mixed(layer, run, inputs):
    """`run(inputs)` with inputs, weights and results in the types of the layer's policy."""
    here = scope.current()
    compute = layer.dtype if layer.computes_in_full_precision else layer.compute_dtype
    outer, here.compute_dtype = here.compute_dtype, compute
    try:
        outputs = run(cast_floats(inputs, compute))
    finally:
        here.compute_dtype = outer
    return cast_floats(outputs, layer.compute_dtype)
