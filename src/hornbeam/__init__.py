"""Hornbeam: the classic Keras system on a modern compiled engine."""

from hornbeam import utils

__all__ = ["utils"]
__version__ = "0.1.0"
