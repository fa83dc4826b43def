"""The callbacks under the name everybody imports them by: `from hornbeam.callbacks import EarlyStopping`."""

from hornbeam.training.callbacks import *  # noqa: F403
from hornbeam.training.callbacks import __all__ as __all__
