"""`multi_gpu_model`: gives the model back."""

from hornbeam import legacy


def multi_gpu_model(model, gpus=None, cpu_merge=True, cpu_relocation=False):
    """The model itself: copies of it are not needed, and its weights are saved as they are.

    Args:
        model: the model.
        gpus, cpu_merge, cpu_relocation: not looked at.

    Example:
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     multi_gpu_model("the model", gpus=2)
        'the model'
    """
    legacy.tell(
        {("utils", "multi_gpu_model")},
        "multi_gpu_model gives the model back as it is: the engine's program runs on the engine's default device. "
        "Leave it out.",
    )
    return model
