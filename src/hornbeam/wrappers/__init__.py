"""Models behind the interfaces of other libraries: `wrappers.scikit_learn`, which needs the extra [data]."""

from hornbeam.utils.lazy_modules import offered_lazily

__all__ = ["scikit_learn"]  # pyright: ignore[reportUnsupportedDunderAll]
__getattr__, __dir__ = offered_lazily(__name__, dict.fromkeys(__all__, ()))
