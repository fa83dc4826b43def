"""From raw data to arrays, with NumPy alone: texts, sequences, tables and pictures."""

from hornbeam.preprocessing import image, sequence, tables, text

__all__ = ["image", "sequence", "tables", "text"]
