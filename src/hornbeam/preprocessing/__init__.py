"""From raw data to arrays, with NumPy alone: texts, sequences, tables and pictures."""

from hornbeam.utils.lazy_modules import offered_lazily

__all__ = ["image", "sequence", "tables", "text"]  # pyright: ignore[reportUnsupportedDunderAll]
__getattr__, __dir__ = offered_lazily(__name__, dict.fromkeys(__all__, ()))
