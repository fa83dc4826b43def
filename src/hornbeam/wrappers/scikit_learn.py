"""Models as scikit-learn estimators: `KerasClassifier` and `KerasRegressor`, from a function that builds a model."""

import contextlib
import copy
import random

import numpy as np

from hornbeam.models import Model, Sequential
from hornbeam.utils.np_utils import to_categorical
from hornbeam.utils.optional import require
from hornbeam.utils.random import set_random_seed
from hornbeam.wrappers.routing import BUILD_PREFIX, PREFIXES, check_legal, names_of, routed
from hornbeam.wrappers.shared_programs import share_programs

_base = require("sklearn.base", "hornbeam.wrappers.scikit_learn")
_validation = require("sklearn.utils.validation", "hornbeam.wrappers.scikit_learn")
_multiclass = require("sklearn.utils.multiclass", "hornbeam.wrappers.scikit_learn")

_SMALL = 10_000_000  # numbers in a sparse matrix that is made dense
_OWN = ("build_fn", "model", "random_state")


class BaseWrapper(_base.BaseEstimator):
    """What :class:`KerasClassifier` and :class:`KerasRegressor` share: parameters, building, fitting.

    Args:
        build_fn: function that builds and compiles a model; or an object with `__call__`; or None in a subclass that
            has a `__call__` itself.
        model: the same under today's name, or a compiled model, of which each `fit` trains a copy, weights included. A
            function may leave compiling to the parameters `optimizer`, `loss`, `metrics`. If the function has arguments
            of these names, it is told `meta` (dict of `n_features_in_`, `X_shape_`, `n_outputs_`, `target_type_` and,
            for classes, `classes_`, `n_classes_`), `X` or `y`.
        random_state: seed, RandomState or None; with a seed, each `fit` gives the same model.
        sk_params: arguments of the building function and of `fit`, `predict`, `evaluate`; each goes wherever its name
            is known. `model__x`, `fit__x`, `predict__x`, `score__x`, `compile__x` go there alone.

    Raises:
        ValueError: a parameter that none of these functions takes.
    """

    def __init__(self, build_fn=None, model=None, random_state=None, **sk_params):
        self.build_fn = build_fn
        self.random_state = random_state
        self._model_given = model
        self._sk_params = sk_params
        self.check_params(sk_params)

    # --- Parameters ---

    @property
    def sk_params(self):
        """The parameters beside `build_fn`, `model` and `random_state`, a dict."""
        return self._sk_params

    @property
    def model(self):
        """The trained model; with `model=...` given, that, and the trained one is `model_`."""
        if self._model_given is not None:
            return self._model_given
        if "model_" not in vars(self):
            raise AttributeError(f"This {type(self).__name__} is not fitted yet, so it has no model.")
        return self.model_

    @model.setter
    def model(self, value):
        self.model_ = value  # `estimator.model = load_model(path)` is how old programs restore one

    def check_params(self, params):
        """Raise ValueError if one of the parameters is known to no function. A dict of them, as for `set_params`."""
        builder = self._builder(quiet=True)
        if builder is not None:
            check_legal(type(self).__name__, [name for name in params if name not in _OWN], builder)

    def get_params(self, deep=True):
        """All parameters by name, the objects themselves. `deep` changes nothing: none has parameters of its own."""
        own = {"build_fn": self.build_fn, "model": self._model_given, "random_state": self.random_state}
        return {**own, **self._sk_params}

    def set_params(self, **params):
        """Set parameters by name; returns the estimator.

        Raises:
            ValueError: a parameter that no function takes.
        """
        kept = self.get_params()
        self.build_fn = params.get("build_fn", self.build_fn)
        self._model_given = params.get("model", self._model_given)
        self.random_state = params.get("random_state", self.random_state)
        try:
            self.check_params(params)
        except ValueError:
            self.build_fn, self._model_given, self.random_state = (kept[name] for name in _OWN)
            raise
        self._sk_params.update({name: value for name, value in params.items() if name not in _OWN})
        return self

    def filter_sk_params(self, fn, override=None):
        """Those of the parameters that the function takes, then `override`.

        Args:
            fn: function or method.
            override: dict of values that count more.
        """
        prefix = PREFIXES.get(getattr(fn, "__name__", ""), BUILD_PREFIX)
        return {**routed(self._sk_params, fn, prefix), **(override or {})}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        return tags

    def __sklearn_is_fitted__(self):
        return "model_" in vars(self)

    # --- Building ---

    def _builder(self, quiet=False):
        """The function that builds the model, or None for a model given as one."""
        given = self.build_fn if self._model_given is None else self._model_given
        if isinstance(given, Model):
            return None
        if given is None and any("__call__" in vars(kind) for kind in type(self).__mro__):
            return self.__call__
        if not callable(given):
            if quiet:
                return None
            raise ValueError(
                f"{type(self).__name__} needs build_fn (or model): a function that builds and compiles a model; got "
                f"{given!r}."
            )
        return given

    def _build(self, x, y):
        builder = self._builder()
        if builder is None:
            model = copy.deepcopy(self._model_given if self._model_given is not None else self.build_fn)
        else:
            told = {"meta": self._meta(x, y), "X": x, "y": y}
            names = names_of(builder)
            self.check_params(self._sk_params)
            told = {name: value for name, value in told.items() if name in names}
            model = builder(**{**told, **routed(self._sk_params, builder, BUILD_PREFIX)})
        if not isinstance(model, Model):
            came = type(model).__name__
            raise TypeError(f"{type(self).__name__}: the building function must return a model, got {came}.")
        if model._compiled_with is None:
            settings = self.filter_sk_params(Model.compile)
            if settings.get("loss") is None:
                raise ValueError(
                    f"{type(self).__name__}: the model is not compiled. Compile it in the building function, or give "
                    f"loss=..., optimizer=... to the estimator."
                )
            model.compile(**settings)
        return model

    def _meta(self, x, y):
        names = ("n_features_in_", "target_type_", "classes_", "n_classes_", "n_outputs_")
        found = {name: getattr(self, name) for name in names if hasattr(self, name)}
        return {**found, "X_shape_": np.shape(x), "y_shape_": np.shape(y)}

    @contextlib.contextmanager
    def _seeded(self):
        """Draw from `random_state`, and leave the global generators as they were."""
        if self.random_state is None:
            yield
            return
        kept = np.random.get_state(), random.getstate()
        seed = require("sklearn.utils", type(self).__name__).check_random_state(self.random_state).randint(2**31 - 1)
        try:
            set_random_seed(int(seed))
            yield
        finally:
            np.random.set_state(kept[0])
            random.setstate(kept[1])

    # --- Fitting ---

    def _checked(self, x, y=None, reset=False):
        """`x`, or x and y, as scikit-learn wants them: numbers, finite, as many features as before.

        Lists of arrays and dicts, for models of several inputs, pass as they are.
        """
        if _is_several(x):
            return x if y is None else (x, np.asarray(y))
        form = {"accept_sparse": "csr", "allow_nd": True, "dtype": "numeric"}
        if y is None:
            return _dense(_validation.validate_data(self, x, reset=False, **form))
        x, y = _validation.validate_data(self, x, y, reset=reset, multi_output=True, **form)
        return _dense(x), y

    def _weights(self, sample_weight, x, y):
        """Sample weights as numbers, one a row.

        Raises:
            ValueError: all are zero.
        """
        weights = np.asarray(_validation._check_sample_weight(sample_weight, x), "float32")
        if not weights.any():
            raise ValueError("Sample weights must contain at least one non-zero number; all of them are zero.")
        return weights

    def fit(self, x, y, sample_weight=None, **kwargs):
        """Build a model and train it; returns the estimator, whose `history` is a dict of numbers by epoch.

        Args:
            x: rows (N, ...), dense or sparse.
            y: targets.
            sample_weight: (N,) or None.
            kwargs: arguments of `Model.fit`; they count more than the estimator's parameters.
        """
        return self._fit(x, y, sample_weight, kwargs, fresh=True)

    def partial_fit(self, x, y, sample_weight=None, **kwargs):
        """Train the model on for one epoch (`epochs=` for more), or build it first if there is none."""
        return self._fit(x, y, sample_weight, {"epochs": 1, **kwargs}, fresh=not self.__sklearn_is_fitted__())

    def _fit(self, x, y, sample_weight, kwargs, fresh):
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        x, y = self._checked(x, y, reset=fresh)
        y = self._learn_targets(y, fresh)
        if sample_weight is not None:
            sample_weight = self._weights(sample_weight, x, y)
            self._check_weighted(y, sample_weight)
        with self._seeded() if fresh else contextlib.nullcontext():
            model = self._build(x, y) if fresh else self.model_
            arguments = self.filter_sk_params(Sequential.fit, kwargs)
            for name in ("x", "y", "sample_weight"):
                arguments.pop(name, None)
            self._translate(model, arguments)
            targets = self._targets_for(model, y)
            if fresh:
                share_programs(model, x, targets, sample_weight, arguments.get("class_weight"))
            history = model.fit(x, targets, sample_weight=sample_weight, **arguments)
        self.model_ = model
        self.history_, self._epochs_seen = history.history, history.epoch
        return self

    @property
    def history(self):
        """Dict of numbers by epoch from the latest `fit`: `estimator.fit(x, y).history['loss']` is what it was."""
        return self.history_

    @property
    def epoch(self):
        """Numbers of the epochs of the latest `fit`."""
        return self._epochs_seen

    def _outputs(self, x, kwargs):
        """What the model predicts, as one array (N, K) of numbers."""
        _validation.check_is_fitted(self)
        x = self._checked(x)
        arguments = self.filter_sk_params(Sequential.predict, kwargs)
        arguments.pop("x", None)
        return np.asarray(self.model_.predict(x, **arguments))

    def _evaluated(self, x, y, kwargs):
        """Names and values of what the model's `evaluate` measures."""
        _validation.check_is_fitted(self)
        x = self._checked(x)
        arguments = self.filter_sk_params(Sequential.evaluate, {"verbose": 0, **kwargs})
        for name in ("x", "y"):
            arguments.pop(name, None)
        return dict(self.model_.evaluate(x, self._targets_for(self.model_, y), return_dict=True, **arguments))

    # What the estimators differ in

    def _learn_targets(self, y, fresh):
        return y

    def _targets_for(self, model, y):
        return y

    def _check_weighted(self, y, weights):
        pass

    def _translate(self, model, arguments):
        pass


def _dense(x):
    """A sparse matrix that is small as an array, so that it takes the same programs; a large one as it is."""
    return x.toarray() if hasattr(x, "toarray") and x.shape[0] * x.shape[1] <= _SMALL else x


def _is_several(x):
    """Is this the arrays of several inputs, not one array or its rows given as a list?"""
    if isinstance(x, dict):
        return not hasattr(x, "tocsr")  # one of scipy's sparse matrices is a dict
    return isinstance(x, (list, tuple)) and bool(x) and all(getattr(part, "ndim", 0) > 1 for part in x)


class KerasClassifier(_base.ClassifierMixin, BaseWrapper):
    """A model as a scikit-learn classifier.

    Labels may be numbers or words, (N,), or one-hot rows (N, K), which `predict` answers with class numbers. Rows with
    several ones are several labels at once: outputs above a half count. Labels are given to the model as numbers
    0 to K - 1, one-hot where the loss is categorical_crossentropy. `fit` returns the estimator, as scikit-learn wants;
    its `history` takes the place of the History that Keras 2 returned. Parameters are those of :class:`BaseWrapper`.

    Args:
        build_fn: function that builds and compiles a model; see :class:`BaseWrapper`.
        model: the same under today's name, or a compiled model.
        random_state: seed, RandomState or None.
        sk_params: arguments of the building function, of `fit`, `predict` and `evaluate`.

    Example:
        >>> from hornbeam import Sequential
        >>> from hornbeam.layers import Dense
        >>> def build(units=4):
        ...     model = Sequential([Dense(units, activation="relu"), Dense(1, activation="sigmoid")])
        ...     model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
        ...     return model
        >>> classifier = KerasClassifier(build, units=8, epochs=2, verbose=0)
        >>> classifier.fit([[0.0], [1.0], [0.1], [0.9]], ["low", "high", "low", "high"]).classes_.tolist()
        ['high', 'low']

    Reference:
        keras.wrappers.scikit_learn of Keras 2.2.4; newer arguments as in SciKeras. `predict` gives (N,) where Keras 2
        gave (N, 1) for a single output.
    """

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def partial_fit(self, x, y, classes=None, sample_weight=None, **kwargs):
        """Train the model on for one epoch (`epochs=` for more), or build it first if there is none.

        Args:
            x, y, sample_weight, kwargs: as for `fit`.
            classes: all labels there will be, at the first call; None: those in `y`.
        """
        if classes is not None and not self.__sklearn_is_fitted__():
            self._classes_ahead = np.unique(classes)
        try:
            return super().partial_fit(x, y, sample_weight, **kwargs)
        finally:
            vars(self).pop("_classes_ahead", None)

    def predict(self, x, **kwargs):
        """Label of each row, (N,); for several labels at once, rows of zeros and ones.

        Args:
            x: rows (N, ...).
            kwargs: arguments of `Model.predict`.
        """
        outputs = self._outputs(x, kwargs)
        if self.target_type_ == "multilabel-indicator":
            return (outputs > 0.5).astype(self._label_type)
        return self.classes_[self._chosen(outputs)]

    def _chosen(self, outputs):
        if len(self.classes_) == 1:
            return np.zeros(len(outputs), int)
        return outputs.argmax(-1) if outputs.shape[-1] > 1 else (outputs.reshape(len(outputs)) > 0.5).astype(int)

    def predict_proba(self, x, **kwargs):
        """Probability of each class, (N, K); of a single output p, the two columns 1 - p and p.

        Args:
            x: rows (N, ...).
            kwargs: arguments of `Model.predict`.
        """
        outputs = self._outputs(x, kwargs)
        if outputs.shape[-1] == 1 and self.target_type_ != "multilabel-indicator":
            outputs = np.hstack([1 - outputs, outputs])[:, -len(self.classes_) :]
        return outputs

    def score(self, x, y, sample_weight=None, **kwargs):
        """Share of right predictions: the model's metric 'accuracy' if it has one, counted otherwise.

        Args:
            x, y: rows and labels.
            sample_weight: (N,) or None.
            kwargs: arguments of `Model.evaluate`.
        """
        _validation.check_is_fitted(self)
        measured = [name for name in ("acc", "accuracy") if name in self.model_.metrics_names]
        if sample_weight is None and measured:
            return float(self._evaluated(x, self._encoded(np.asarray(y)), kwargs)[measured[0]])
        y = np.asarray(y)
        if self.target_type_ == "multiclass-onehot" and y.ndim == 2:
            y = y.argmax(-1)
        return super().score(x, y, sample_weight)

    # --- Labels ---

    def _learn_targets(self, y, fresh):
        kind = _multiclass.type_of_target(y, input_name="y", raise_unknown=True)
        if y.ndim == 2 and y.shape[1] > 1:
            one_hot = bool(((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all())
            if not one_hot and kind != "multilabel-indicator":
                came = f"shape {y.shape}, such as {y[0].tolist()!r:.60}"
                raise ValueError(f"{type(self).__name__}: rows of y must be one-hot, or zeros and ones; got {came}.")
            target_type, classes = "multiclass-onehot" if one_hot else kind, np.arange(y.shape[1])
        else:
            _multiclass.check_classification_targets(y)
            y = _validation.column_or_1d(y, warn=True)
            classes = getattr(self, "_classes_ahead", np.unique(y))
            target_type = "binary" if len(classes) <= 2 else "multiclass"
        if fresh:
            self.target_type_, self._label_type = target_type, y.dtype
            self.classes_, self.n_classes_ = classes, len(classes)
            self.n_outputs_ = 1 if target_type == "binary" else len(classes)
        return self._encoded(y)

    def _encoded(self, y):
        """Labels as class numbers; rows of zeros and ones stay."""
        if y.ndim == 2 and y.shape[1] > 1:
            return y
        y = y.reshape(-1)
        unknown = set(np.unique(y).tolist()) - set(self.classes_.tolist())
        if unknown:
            raise ValueError(f"{type(self).__name__} was not told of the classes {sorted(unknown, key=str)[:5]}.")
        return np.searchsorted(self.classes_, y)

    def _targets_for(self, model, y):
        loss = model.loss if isinstance(model.loss, str) else getattr(model.loss, "__name__", "")
        return to_categorical(y, len(self.classes_)) if loss == "categorical_crossentropy" and y.ndim != 2 else y

    def _check_weighted(self, y, weights):
        if y.ndim == 1 and len(self.classes_) > 1 and len(np.unique(y[weights != 0])) < 2:
            raise ValueError(f"{type(self).__name__}: all rows but those of one class have sample weight zero.")

    def _translate(self, model, arguments):
        """Labels in what `fit` gets beside x and y: class weights by label, and the targets of validation data."""
        by_label = arguments.get("class_weight")
        if isinstance(by_label, dict) and set(by_label) <= set(self.classes_.tolist()):
            numbers = {label: number for number, label in enumerate(self.classes_.tolist())}
            arguments["class_weight"] = {numbers[label]: weight for label, weight in by_label.items()}
        held_out = arguments.get("validation_data")
        if isinstance(held_out, (tuple, list)):
            x, y, *rest = held_out
            arguments["validation_data"] = (x, self._targets_for(model, self._encoded(np.asarray(y))), *rest)


class KerasRegressor(_base.RegressorMixin, BaseWrapper):
    """A model as a scikit-learn regressor.

    `score` is minus the loss, as in Keras 2, so that more is better and nothing is above zero; for R^2 in a search say
    `scoring="r2"`. Parameters are those of :class:`BaseWrapper`.

    Args:
        build_fn: function that builds and compiles a model; see :class:`BaseWrapper`.
        model: the same under today's name, or a compiled model.
        random_state: seed, RandomState or None.
        sk_params: arguments of the building function, of `fit`, `predict` and `evaluate`.

    Example:
        >>> from hornbeam import Sequential
        >>> from hornbeam.layers import Dense
        >>> def build():
        ...     model = Sequential([Dense(1)])
        ...     model.compile("sgd", "mse")
        ...     return model
        >>> regressor = KerasRegressor(build, epochs=2, verbose=0)
        >>> regressor.fit([[0.0], [1.0]], [1.0, 3.0]).predict([[0.5], [0.6], [0.7]]).shape
        (3,)

    Reference:
        keras.wrappers.scikit_learn of Keras 2.2.4; newer arguments as in SciKeras.
    """

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # scores are losses, below zero
        return tags

    def predict(self, x, **kwargs):
        """Numbers (N,), or (N, K) for a model of several.

        Args:
            x: rows (N, ...).
            kwargs: arguments of `Model.predict`.
        """
        outputs = self._outputs(x, kwargs)
        return outputs[..., 0] if outputs.ndim > 1 and outputs.shape[-1] == 1 else outputs

    def score(self, x, y, sample_weight=None, **kwargs):
        """Minus the loss.

        Args:
            x, y: rows and targets.
            sample_weight: (N,) or None.
            kwargs: arguments of `Model.evaluate`.
        """
        if sample_weight is not None:
            kwargs = {"sample_weight": np.asarray(sample_weight), **kwargs}
        return -float(self._evaluated(x, np.asarray(y), kwargs)["loss"])

    def _learn_targets(self, y, fresh):
        if y.ndim == 2 and y.shape[1] == 1:
            y = _validation.column_or_1d(y, warn=True)
        y = np.asarray(y, "float64") if y.dtype.kind not in "fiub" else y
        if fresh:
            self.target_type_ = "continuous" if y.ndim == 1 else "continuous-multioutput"
            self.n_outputs_ = 1 if y.ndim == 1 else y.shape[1]
        return y
