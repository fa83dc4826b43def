"""Names of metrics: which two are one, which way is better, and a dict of logs that answers to both names."""

# Names under which the same number is asked for; each also with a prefix such as 'val_' or an output's name.
SYNONYMS = (
    ("acc", "accuracy"),
    ("mse", "mean_squared_error"),
    ("mae", "mean_absolute_error"),
    ("mape", "mean_absolute_percentage_error"),
    ("msle", "mean_squared_logarithmic_error"),
    ("lr", "learning_rate"),
)
_OTHER = {**dict(SYNONYMS), **{b: a for a, b in SYNONYMS}}

# A metric is better when higher if one of these words is part of its name, and 'loss' and 'error' are not.
_HIGHER_IS_BETTER = frozenset(
    "acc accuracy auc precision recall f1 f1score fbeta fmeasure iou r2 similarity dice sensitivity specificity "
    "correlation ndcg bleu kappa".split()
)


def other_name(name):
    """The synonym of a metric's name, prefix kept, or None.

    Example:
        >>> other_name("val_acc"), other_name("val_head_accuracy"), other_name("loss")
        ('val_accuracy', 'val_head_acc', None)
    """
    if not isinstance(name, str):
        return None
    if name in _OTHER:
        return _OTHER[name]
    for ending, other in _OTHER.items():
        if name.endswith("_" + ending):
            return name[: -len(ending)] + other
    return None


def known_as(name, names):
    """The one of `names` that `name` means: itself, its synonym, or None."""
    if name in names:
        return name
    other = other_name(name)
    return other if other is not None and other in names else None


def higher_is_better(name):
    """Does a metric of this name improve by growing?

    Example:
        >>> higher_is_better("val_acc"), higher_is_better("val_dice_loss"), higher_is_better("mse")
        (True, False, False)
    """
    words = set(name.lower().split("_"))
    return bool(words & _HIGHER_IS_BETTER) and not words & {"loss", "error"}


class MetricDict(dict):
    """Dict of values by metric name in which 'acc' also finds 'accuracy', and the other way round.

    Keys stay as they were entered: listing, saving and counting show one name each.

    Example:
        >>> logs = MetricDict(loss=0.5, val_accuracy=0.9)
        >>> logs["val_acc"], "val_acc" in logs, logs.get("acc", "none"), list(logs)
        (0.9, True, 'none', ['loss', 'val_accuracy'])
    """

    def __missing__(self, name):
        other = known_as(name, dict.keys(self))
        if other is None:
            raise KeyError(f"there is no {name!r}; there are: {', '.join(map(str, self)) or 'none'}")
        return dict.__getitem__(self, other)

    def __contains__(self, name):
        return known_as(name, dict.keys(self)) is not None

    def get(self, name, default=None):
        """The value of `name` or of its synonym, else `default`."""
        found = known_as(name, dict.keys(self))
        return default if found is None else dict.__getitem__(self, found)

    def __reduce__(self):
        return type(self), (dict(self),)
