"""Files of models: reading and writing every layout that Keras ever had, without running what a file says."""

from hornbeam.saving.errors import ModelFileError

__all__ = ["ModelFileError"]
