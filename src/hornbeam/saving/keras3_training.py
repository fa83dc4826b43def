"""How a model was compiled, in Keras 3's form and back: optimizer, loss, metrics."""

import warnings

from hornbeam.saving.keras3_graph import places_of
from hornbeam.saving.keras3_objects import is_object, object_from_keras3, object_to_keras3, public
from hornbeam.saving.keras3_weights import is_graph

# --- Optimizers ---

_COMMON = {
    "weight_decay": None, "clipnorm": None, "global_clipnorm": None, "clipvalue": None, "use_ema": False,
    "ema_momentum": 0.99, "ema_overwrite_frequency": None, "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}  # fmt: skip
_OWN = {
    "SGD": ("momentum", "nesterov"),
    "RMSprop": ("rho", "momentum", "epsilon", "centered"),
    "Adagrad": ("initial_accumulator_value", "epsilon"),
    "Adadelta": ("rho", "epsilon"),
    "Adam": ("beta_1", "beta_2", "epsilon", "amsgrad"),
    "AdamW": ("beta_1", "beta_2", "epsilon", "amsgrad"),
    "Adamax": ("beta_1", "beta_2", "epsilon"),
    "Nadam": ("beta_1", "beta_2", "epsilon"),
    "Lion": ("beta_1", "beta_2"),
    "Ftrl": ("learning_rate_power", "initial_accumulator_value", "l1_regularization_strength",
             "l2_regularization_strength", "l2_shrinkage_regularization_strength", "beta"),
    "Adafactor": ("beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold", "relative_step"),
}  # fmt: skip
_SCHEDULES = (
    "ExponentialDecay", "PiecewiseConstantDecay", "PolynomialDecay", "InverseTimeDecay", "CosineDecay",
    "CosineDecayRestarts",
)  # fmt: skip
OPTIMIZERS = {name.lower(): name for name in _OWN}


def optimizer_to_keras3(optimizer):
    """An optimizer's configuration in Keras 3's form, or None where Keras 3 has no such thing.

    The classic `decay` is a schedule there, the classic `clipnorm` (of all gradients together) `global_clipnorm`.
    Where the formula differs a little (epsilon in Adagrad and RMSprop, Nadam's schedule), Keras 3 goes by its own.
    """
    if not is_object(optimizer):
        optimizer = {"class_name": str(optimizer), "config": {}}
    name = OPTIMIZERS.get(str(optimizer["class_name"]).lower())
    if name is None:
        return None
    given = optimizer["config"]
    rate = _rate_to_keras3(given.get("learning_rate", given.get("lr")), given.get("decay") or 0.0)
    clips = [given.get(key) for key in ("clipnorm", "global_clipnorm", "clipvalue")]
    if rate is None or sum(c is not None for c in clips) > 1:  # Keras 3 clips in one way only
        return None
    config = {"name": name.lower(), "learning_rate": rate, **_COMMON}
    config["global_clipnorm"] = given.get("global_clipnorm", given.get("clipnorm"))
    config["clipvalue"], config["weight_decay"] = given.get("clipvalue"), given.get("weight_decay")
    config.update((key, given[key]) for key in _OWN[name] if given.get(key) is not None)
    return public("keras.optimizers", name, config)


def _rate_to_keras3(rate, decay):
    if is_object(rate):
        if rate["class_name"] not in _SCHEDULES or decay:
            return None
        return object_to_keras3(rate, "keras.optimizers.schedules")
    if not isinstance(rate, (int, float)):
        return None
    if not decay:
        return float(rate)
    inverse = {"initial_learning_rate": float(rate), "decay_steps": 1, "decay_rate": decay, "staircase": False,
               "name": "InverseTimeDecay"}  # fmt: skip
    return public("keras.optimizers.schedules", "InverseTimeDecay", inverse)


def optimizer_from_keras3(optimizer):
    """An optimizer's configuration in our form, or None (with a warning) where there is nothing of the kind here."""
    name, config = optimizer["class_name"], optimizer["config"]
    wants = [key for key in ("use_ema", "loss_scale_factor", "gradient_accumulation_steps") if config.get(key)]
    wants += [key for key in ("clipnorm",) if config.get(key) is not None]
    if name not in _OWN or wants:
        why = f"{wants[0]}={config[wants[0]]!r} in its sense" if wants else f"the optimizer {name!r}"
        warnings.warn(
            f"The model was trained with {why}, which is not supported here, so it is loaded without its training "
            f"configuration. Call compile(...) before you train on.",
            stacklevel=2,
        )
        return None
    settings = {key: config[key] for key in (*_OWN[name], "weight_decay", "global_clipnorm", "clipvalue")
                if config.get(key) is not None}  # fmt: skip
    rate = config.get("learning_rate")
    settings["learning_rate"] = object_from_keras3(rate, name) if is_object(rate) else rate
    if name == "Nadam":
        settings["schedule_decay"] = 1.0
    return {"class_name": name, "config": settings}


# --- Losses and metrics ---

_LOSSES = {
    "logcosh": "log_cosh", "kullback_leibler_divergence": "kl_divergence", "cosine_proximity": "cosine_similarity",
}  # fmt: skip
_LOSSES_BACK = {
    "log_cosh": "logcosh", "LogCosh": "logcosh", "kl_divergence": "kullback_leibler_divergence",
    "kld": "kullback_leibler_divergence", "KLD": "kullback_leibler_divergence", "bce": "binary_crossentropy",
    "BCE": "binary_crossentropy",
}  # fmt: skip
_FUNCTIONS = frozenset(
    "mean_squared_error mean_absolute_error mean_absolute_percentage_error mean_squared_logarithmic_error mse mae mape "
    "msle MSE MAE MAPE MSLE hinge squared_hinge categorical_hinge poisson huber binary_crossentropy "
    "categorical_crossentropy sparse_categorical_crossentropy binary_focal_crossentropy categorical_focal_crossentropy "
    "dice tversky log_cosh kl_divergence cosine_similarity".split()
)
_METRICS = _FUNCTIONS - {"huber", "dice", "tversky", "cosine_similarity", "log_cosh"} | frozenset(
    "acc accuracy ce crossentropy binary_accuracy categorical_accuracy sparse_categorical_accuracy "
    "top_k_categorical_accuracy sparse_top_k_categorical_accuracy".split()
)
_NEVER = object()


def training_to_keras3(training, architecture):
    """Keras 3's 'compile_config', or None if something in it has no counterpart there: then it must be compiled anew.

    Args:
        training: {'optimizer', 'loss', 'metrics', ...} in classic form.
        architecture: classic configuration of the model, for the number of its outputs.
    """
    optimizer = optimizer_to_keras3(training["optimizer"])
    loss = _objectives_to_keras3(training.get("loss"), "keras.losses", _LOSSES, _FUNCTIONS)
    found = {}
    for part in ("metrics", "weighted_metrics"):
        given = training.get(part) or None
        found[part] = _objectives_to_keras3(given, "keras.metrics", _LOSSES, _METRICS)
        outputs = len(places_of(architecture["config"]["output_layers"])) if is_graph(architecture) else 1
        flat = isinstance(given, list) and not any(isinstance(item, list) for item in given)
        if flat and outputs > 1 and found[part] is not _NEVER:
            found[part] = [found[part]] * outputs
    if optimizer is None or loss is _NEVER or _NEVER in found.values():
        return None
    return {"optimizer": optimizer, "loss": loss, "loss_weights": training.get("loss_weights"), **found,
            "run_eagerly": False, "steps_per_execution": 1, "jit_compile": True}  # fmt: skip


def _objectives_to_keras3(value, home, renamed, known):
    if value is None:
        return None
    if isinstance(value, str):
        value = renamed.get(value, value)
        return value if value in known else _NEVER
    if is_object(value):
        return object_to_keras3(value, home) if ">" not in value["class_name"] else _NEVER
    if isinstance(value, dict):
        found = {key: _objectives_to_keras3(item, home, renamed, known) for key, item in value.items()}
        return _NEVER if _NEVER in found.values() else found
    found = [_objectives_to_keras3(item, home, renamed, known) for item in value]
    return _NEVER if any(item is _NEVER for item in found) else found


def training_from_keras3(compiled, names):
    """The training configuration in classic form, or None if there is none that can be carried over.

    Args:
        compiled: Keras 3's 'compile_config'.
        names: the outputs' names in it, in the order that they have here.
    """
    if not isinstance(compiled, dict) or not is_object(compiled.get("optimizer")):
        return None
    optimizer = optimizer_from_keras3(compiled["optimizer"])
    if optimizer is None:
        return None
    training = {"optimizer": optimizer, "sample_weight_mode": None}
    for part in ("loss", "metrics", "weighted_metrics", "loss_weights"):
        training[part] = _by_output(_objectives_from_keras3(compiled.get(part)), names)
    return training


def _objectives_from_keras3(value):
    if isinstance(value, str):
        return _LOSSES_BACK.get(value, value)
    if isinstance(value, (list, tuple)):
        return [_objectives_from_keras3(item) for item in value]
    if isinstance(value, dict) and not is_object(value):
        return {key: _objectives_from_keras3(item) for key, item in value.items()}
    found = object_from_keras3(value, "the loss or a metric")
    if isinstance(found, str):
        return _LOSSES_BACK.get(found, found)
    if is_object(found):
        settings = {k: v for k, v in found["config"].items() if k != "dtype"}
        fn = settings.get("fn")
        if isinstance(fn, str):
            settings["fn"] = _LOSSES_BACK.get(fn, fn)
        return {**found, "config": settings}
    return found


def _by_output(value, names):
    """Dicts by output as lists: outputs that words make have other names in every program."""
    if not isinstance(value, dict) or is_object(value) or set(value) - set(names):
        return value
    return [value.get(name) for name in names]
