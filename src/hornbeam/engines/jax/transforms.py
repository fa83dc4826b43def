"""Functions of functions on the JAX engine: compiling, differentiating, tracing shapes, loops and branches."""

import functools

import jax
import jax.numpy as jnp
import jaxlib.version
import numpy as np

from hornbeam.engines.jax.tensors import _dtype, accelerated

# Wider vectors for elementwise loops, CPUs only: 10 % on a small dense network, 30 % on a tiny one, 0 on the rest.
# Convolutions by Eigen, products and sums by YNNPACK as by default, which takes convolutions besides: up to 2.5 times
# as long for 16 channels or more, since it uses one core for 64 filters or fewer (docs/decisions/0016).
_CPU_OPTIONS = {
    "xla_cpu_prefer_vector_width": 512,
    "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT,LIBRARY_FUSION_TYPE_REDUCE",
}
_KNOWN_TO = "0.10.2"  # the jaxlib that has all of them


@functools.cache
def _cpu_options(version=jaxlib.version.__version__):
    """Those of the options that this jaxlib has; another one may have lost them, which costs time but nothing else."""
    if version == _KNOWN_TO:
        return _CPU_OPTIONS
    return {name: value for name, value in _CPU_OPTIONS.items() if _is_known({name: value})}


def _is_known(option):
    try:
        jax.jit(lambda x: x, compiler_options=option).lower(0).compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True


def compile_function(function, donate=(), static=(), placed=None):
    """`function` compiled at its first call for each form of arguments.

    Args:
        function: pure function of arrays (nested in lists, tuples and dicts).
        donate: positions of arguments whose memory the results may take over.
        static: positions of arguments that are constants of the program.
        placed: how the results lie on several devices, None for one.
    """
    options = None if accelerated() else _cpu_options()
    return jax.jit(
        function, donate_argnums=donate, static_argnums=static, out_shardings=placed, compiler_options=options
    )


def at_once():
    """Within this context, computations on known values are carried out even while a program is being traced."""
    return jax.ensure_compile_time_eval()


def abstract(function, specs):
    """Result of `function` on arrays known by shape and dtype only: the same nesting with `.shape` and `.dtype`.

    Args:
        function: pure function of as many arrays as there are `specs`.
        specs: list of (shape, dtype name).
    """
    return jax.eval_shape(function, *[jax.ShapeDtypeStruct(shape, _dtype(dtype)) for shape, dtype in specs])


def gradients(function, values):
    """Gradients of the scalar `function(values)` with respect to the list `values`; integers get zeros."""
    floating = [jnp.issubdtype(jnp.asarray(v).dtype, jnp.inexact) for v in values]
    fixed = list(values)

    def of_floats(chosen):
        remaining = iter(chosen)
        return function([next(remaining) if is_float else v for is_float, v in zip(floating, fixed, strict=True)])

    found = iter(jax.grad(of_floats)([v for is_float, v in zip(floating, fixed, strict=True) if is_float]))
    return [next(found) if is_float else jnp.zeros_like(v) for is_float, v in zip(floating, fixed, strict=True)]


def value_and_gradients(function, values):
    """((scalar, extra), gradients) of `function(values)`, which returns (scalar, extra)."""
    return jax.value_and_grad(function, has_aux=True)(values)


def stop_gradient(x):
    """`x`, taken as a constant by differentiation."""
    return jax.lax.stop_gradient(x)


def custom_gradient(forward, backward):
    """A function whose gradient is given by hand.

    Args:
        forward: arguments -> (result, saved).
        backward: (saved, gradient of the result) -> gradients of the arguments, as a tuple.
    """

    @jax.custom_vjp
    def function(*args):
        return forward(*args)[0]

    function.defvjp(forward, backward)
    return function


def conditional(predicate, if_true, if_false):
    """Result of `if_true()` or `if_false()`, both without arguments, by a traced boolean scalar."""
    return jax.lax.cond(predicate, lambda _: if_true(), lambda _: if_false(), None)


def scan(function, initial, sequences, length=None, reverse=False, unroll=1):
    """Loop `carry, out = function(carry, slice)` over the first axis; returns (carry, stacked outs)."""
    return jax.lax.scan(function, initial, sequences, length=length, reverse=reverse, unroll=unroll)


def while_loop(condition, body, initial):
    """Loop `carry = body(carry)` while `condition(carry)`."""
    return jax.lax.while_loop(condition, body, initial)


def map_rows(function, x):
    """`function` applied to each slice of the first axis, results stacked."""
    return jax.lax.map(function, x)


def constant(value, dtype=None):
    """A number as the engine's scalar."""
    return jnp.asarray(value, _dtype(dtype))


def block_until_ready(x):
    """Wait until `x` is computed; returns it."""
    return jax.block_until_ready(x)


def print_value(message, x):
    """`x`, printed with `message` whenever the compiled program gets there."""
    jax.debug.print("{message}{x}", message=message, x=x)
    return x


def to_device(x):
    """NumPy array `x` put where the engine computes, and there when this returns; one copy at most.

    A program whose inputs are still being copied is not carried out by the thread that calls it but by one of the
    engine's, whose blocks of more than 64 MB are mapped anew in each call (`memory`): the first call of each fit of
    ResNet50 (224 px) met 290 000 page faults, 0.3 to 0.4 s.
    """
    return jax.device_put(np.ascontiguousarray(x) if isinstance(x, np.ndarray) else x).block_until_ready()
