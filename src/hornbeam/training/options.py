"""The words of `fit` that say how, not what: looked at before anything is done."""

import numbers

from hornbeam import checks


def check_fit_options(epochs, initial_epoch, verbose, shuffle, class_weight, validation_freq):
    """Look at these words of `fit`.

    Raises:
        ValueError: a number that is none, or a word that is not known. TypeError: class weights that are no dict.
    """
    for name, value in (("epochs", epochs), ("initial_epoch", initial_epoch)):
        if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 0:
            raise checks.wrong_argument("fit", name, value, "a whole number of epochs, 0 or more")
    if verbose != "auto" and not isinstance(verbose, numbers.Integral):  # some old programs say 3
        raise checks.wrong_argument("fit", "verbose", verbose, "0 (silent), 1 (a progress line) or 2 (a line an epoch)")
    if isinstance(shuffle, str) and shuffle != "batch":
        raise checks.wrong_argument("fit", "shuffle", shuffle, "True, False or 'batch', which shuffles whole batches")
    if class_weight is not None and not hasattr(class_weight, "items"):
        raise TypeError(
            f"fit: class_weight is a dict from class to weight, such as {{0: 1.0, 1: 5.0}}; got "
            f"{type(class_weight).__name__}. From a list: dict(enumerate(weights))."
        )
    if isinstance(validation_freq, numbers.Real) and validation_freq < 1:
        raise checks.wrong_argument("fit", "validation_freq", validation_freq, "a whole number from 1 on, or a list")
