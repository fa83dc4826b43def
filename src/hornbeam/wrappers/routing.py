"""Which of an estimator's parameters go to which function: by the names in its signature, or by a prefix."""

import inspect

from hornbeam import checks
from hornbeam.models import Model, Sequential

BUILD_PREFIX = "model__"
PREFIXES = {"fit": "fit__", "predict": "predict__", "evaluate": "score__", "compile": "compile__"}
METHODS = (Sequential.fit, Sequential.predict, Sequential.evaluate)


def names_of(function):
    """Names of the arguments of a function; of a class, of its constructor.

    Example:
        >>> names_of(lambda units, rate=0.5: None)
        ['units', 'rate']
    """
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [p.name for p in inspect.signature(function).parameters.values() if p.kind in kinds and p.name != "self"]


def takes_any(function):
    """Has the function a `**kwargs` of its own?"""
    return any(p.kind is inspect.Parameter.VAR_KEYWORD for p in inspect.signature(function).parameters.values())


def routed(params, function, prefix):
    """Those of the parameters that the function takes; with the prefix they are its own, whatever it names.

    Example:
        >>> routed({"units": 3, "epochs": 2, "model__rate": 0.1}, lambda units, rate: None, "model__")
        {'units': 3, 'rate': 0.1}
    """
    names = names_of(function)
    found = {name: value for name, value in params.items() if name in names}
    found |= {name.removeprefix(prefix): value for name, value in params.items() if name.startswith(prefix)}
    return found


def check_legal(owner, names, builder):
    """Raise if a name belongs to no function that parameters are routed to.

    Args:
        owner: the estimator's name.
        names: names of parameters.
        builder: the function that builds the model, or None where there is none to ask.

    Raises:
        ValueError: a parameter that nobody takes.
    """
    known = {name for method in METHODS for name in names_of(method)} | set(names_of(Model.compile))
    if builder is not None:
        if takes_any(builder):
            return
        known |= set(names_of(builder))
    prefixes = (BUILD_PREFIX, *PREFIXES.values())
    for name in names:
        if name not in known and not name.startswith(prefixes):
            guess = checks.nearest(name, known)
            raise ValueError(
                f"{name!r} is not a legal parameter of {owner}: neither the building function takes it nor fit, "
                f"predict, evaluate or compile." + (f" Did you mean {guess!r}?" if guess else "")
            )
