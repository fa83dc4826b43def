"""From raw data to arrays, with NumPy alone: texts, sequences and tables."""

from hornbeam.preprocessing import sequence, tables, text

__all__ = ["sequence", "tables", "text"]
