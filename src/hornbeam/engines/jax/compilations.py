"""What was compiled in this process, and how long that took."""

import jax

from hornbeam.engines.jax.memory import give_back, least_after

_TRACE = "/jax/core/compile/jaxpr_trace_duration"
_LOWER = "/jax/core/compile/jaxpr_to_mlir_module_duration"
_COMPILE = "/jax/core/compile/backend_compile_duration"

_done = []
_under_way = {}  # name of a function -> seconds spent before its compilation proper


def compilations():
    """List of (name of the function, seconds), in the order of compilation; it grows as the process goes on."""
    return _done


def compile_ahead(program, *given):
    """Compile what `compile_function` or `compile_steps` gave, for arguments of these forms, which may lie on the host;
    a call of it finds that done. Does nothing for other functions."""
    if is_compiled(program):
        program.lower(*given).compile()


def is_compiled(program):
    """Is it what `compile_function` or `compile_steps` gave, not a function in plain Python?"""
    return hasattr(program, "lower")


def _note(event: str, duration_secs: float, **kwargs: str | int | float):
    name = str(kwargs.get("fun_name", "")).removeprefix("jit(").removesuffix(")")
    if event in (_TRACE, _LOWER):
        _under_way[name] = _under_way.get(name, 0.0) + duration_secs
    elif event == _COMPILE:
        _done.append((name, duration_secs + _under_way.pop(name, 0.0)))
        give_back(least_after(duration_secs))


jax.monitoring.register_event_duration_secs_listener(_note)
