"""What `compile` says about last layers and losses that do not belong together."""

import warnings

# loss -> activations of the last layer that suit it, and what is meant by it
_SUITED = {
    "categorical_crossentropy": ({"softmax"}, "one class out of several"),
    "sparse_categorical_crossentropy": ({"softmax"}, "one class out of several"),
    "binary_crossentropy": ({"sigmoid"}, "yes or no for each unit"),
    "mean_squared_error": (
        {"linear", "sigmoid", "tanh", "relu", "softplus", "elu", "selu", "exponential"},
        "any number",
    ),
    "mean_absolute_error": (
        {"linear", "sigmoid", "tanh", "relu", "softplus", "elu", "selu", "exponential"},
        "any number",
    ),
    "kullback_leibler_divergence": ({"softmax", "sigmoid"}, "a probability distribution"),
    "poisson": ({"exponential", "softplus", "relu", "linear"}, "a rate"),
    "hinge": ({"linear", "tanh"}, "a margin"),
    "squared_hinge": ({"linear", "tanh"}, "a margin"),
    "categorical_hinge": ({"linear", "softmax", "tanh"}, "a margin"),
}
_BEST = {"categorical_crossentropy": "softmax", "sparse_categorical_crossentropy": "softmax",
         "binary_crossentropy": "sigmoid"}  # fmt: skip


def last_activation(layer):
    """Name of the activation a layer ends with ('linear' for none), or None if it cannot be told."""
    activation = getattr(layer, "activation", None)
    name = getattr(activation, "__name__", None)
    if activation is None and type(layer).__name__ == "Softmax":
        return "softmax"
    return name


def check_pair(loss, layer, shape):
    """Refuse a softmax over one unit; warn where activation and loss do not belong together.

    Raises:
        ValueError: a softmax (or categorical_crossentropy) over a single unit, which is always 1.
    """
    activation = last_activation(layer)
    units = shape[-1] if shape else None
    if units == 1 and activation == "softmax":
        raise ValueError(
            f"{type(layer).__name__} {layer.name!r} is a softmax over one unit, which always gives 1. For two classes "
            f"use Dense(1, activation='sigmoid') with 'binary_crossentropy', or Dense(2, activation='softmax')."
        )
    if loss is None:
        return
    if units == 1 and loss.name == "categorical_crossentropy":
        raise ValueError(
            f"categorical_crossentropy over the single unit of {layer.name!r} is always 0. For two classes use "
            f"'binary_crossentropy' with a sigmoid; for numbers 'mse'."
        )
    if activation is None or loss.name not in _SUITED:
        return
    suited, meaning = _SUITED[loss.name]
    if getattr(loss.given, "settings", {}).get("from_logits"):
        suited, meaning = {"linear"}, "scores as they are (from_logits=True)"
    if activation not in suited:
        best = "linear" if "linear" in suited else _BEST.get(loss.name, sorted(suited)[0])
        warnings.warn(
            f"{type(layer).__name__} {layer.name!r} ends with activation {activation!r}, but the loss {loss.name} "
            f"expects {meaning}: activation={best!r} is what it is made for. Training goes on as it stands.",
            stacklevel=4,
        )
