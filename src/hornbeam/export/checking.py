"""What every exporter asks of a model."""


def check_has_graph(model):
    """Raise ValueError for a model that is not built, or whose architecture is the code of its class."""
    if getattr(model, "_graph", None) is None:
        raise ValueError(
            f"{type(model).__name__} {getattr(model, 'name', model)!r} has no graph from inputs to outputs to export. "
            f"Build a Sequential with build((None, ...)); call a model of your own on inputs, and export "
            f"Model(x, model(x)) with x = Input(...)."
        )
