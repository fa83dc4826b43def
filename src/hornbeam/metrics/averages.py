"""Metric objects that are means of a function over rows: accuracies, losses, correlations."""

from hornbeam import backend as K
from hornbeam import losses, registry
from hornbeam.losses import class_of_function, paired
from hornbeam.metrics import functions
from hornbeam.metrics.base import Mean, MeanMetricWrapper


def _object(class_name, function, order="name dtype", **defaults):
    return class_of_function("metric", MeanMetricWrapper, class_name, function, order.split(), **defaults)


# --- Accuracies ---

Accuracy = _object("Accuracy", functions.accuracy)
BinaryAccuracy = _object("BinaryAccuracy", functions.binary_accuracy, "name dtype threshold", threshold=0.5)
CategoricalAccuracy = _object("CategoricalAccuracy", functions.categorical_accuracy)
SparseCategoricalAccuracy = _object("SparseCategoricalAccuracy", functions.sparse_categorical_accuracy)
TopKCategoricalAccuracy = _object("TopKCategoricalAccuracy", functions.top_k_categorical_accuracy, "k name dtype")
SparseTopKCategoricalAccuracy = _object(
    "SparseTopKCategoricalAccuracy", functions.sparse_top_k_categorical_accuracy, "k name dtype"
)

# --- Losses ---

MeanSquaredError = _object("MeanSquaredError", losses.mean_squared_error)
MeanAbsoluteError = _object("MeanAbsoluteError", losses.mean_absolute_error)
MeanAbsolutePercentageError = _object("MeanAbsolutePercentageError", losses.mean_absolute_percentage_error)
MeanSquaredLogarithmicError = _object("MeanSquaredLogarithmicError", losses.mean_squared_logarithmic_error)
LogCoshError = _object("LogCoshError", losses.logcosh)
Huber = _object("Huber", losses.huber, "delta name dtype")
Poisson = _object("Poisson", losses.poisson)
Hinge = _object("Hinge", losses.hinge)
SquaredHinge = _object("SquaredHinge", losses.squared_hinge)
CategoricalHinge = _object("CategoricalHinge", losses.categorical_hinge)
KLDivergence = _object("KLDivergence", losses.kullback_leibler_divergence, name="kl_divergence")
BinaryCrossentropy = _object("BinaryCrossentropy", losses.binary_crossentropy, "name dtype from_logits label_smoothing")
CategoricalCrossentropy = _object(
    "CategoricalCrossentropy", losses.categorical_crossentropy, "name dtype from_logits label_smoothing axis"
)
SparseCategoricalCrossentropy = _object(
    "SparseCategoricalCrossentropy", losses.sparse_categorical_crossentropy, "name dtype from_logits ignore_class axis"
)

# --- Angles and correlations, within each row ---

CosineSimilarity = _object("CosineSimilarity", functions.cosine_of_angle, "name dtype axis", name="cosine_similarity")
registry.register("metric", "cosine_similarity")(CosineSimilarity)
PearsonCorrelation = _object("PearsonCorrelation", functions.pearson_correlation, "name dtype axis")
ConcordanceCorrelation = _object("ConcordanceCorrelation", functions.concordance_correlation, "name dtype axis")


@registry.register("metric", "root_mean_squared_error", "rmse", "RMSE")
class RootMeanSquaredError(Mean):
    """sqrt(mean((y_pred - y_true) ** 2)) over all rows: in the unit of the target.

    It is no mean of rows, so only this object gives it exactly; a function `sqrt(mse)` averages roots of batches.

    Args:
        name, dtype: see :class:`Metric`.

    Example:
        >>> round(float(RootMeanSquaredError()([[0.0], [0.0]], [[3.0], [4.0]])), 4)
        3.5355
    """

    def __init__(self, name="root_mean_squared_error", dtype=None):
        super().__init__(name, dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch; weights (B,) or (B, T) ... count for all that follows in their row."""
        y_true, y_pred = paired(y_true, y_pred)
        super().update_state(K.square(y_pred - y_true), sample_weight)

    def result(self):
        return K.sqrt(super().result())
