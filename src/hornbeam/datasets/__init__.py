"""Data sets that load with one call: `(x_train, y_train), (x_test, y_test) = digits.load_data()`."""

from hornbeam.utils.lazy_modules import offered_lazily

_OFFERED = {
    "boston_housing": (), "california_housing": (), "cifar10": (), "cifar100": (), "digits": (), "fashion_mnist": (),
    "imdb": (), "mnist": (), "reuters": (), "synthetic": (),
}  # fmt: skip

__all__ = [*_OFFERED]  # pyright: ignore[reportUnsupportedDunderAll]
__getattr__, __dir__ = offered_lazily(__name__, _OFFERED)
