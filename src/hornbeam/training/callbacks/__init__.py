"""All callbacks, a file a family: what `hornbeam.callbacks` offers."""

from hornbeam.training.callbacks.backup import BackupAndRestore
from hornbeam.training.callbacks.checkpoint import ModelCheckpoint
from hornbeam.training.callbacks.rates import LearningRateScheduler, ReduceLROnPlateau
from hornbeam.training.callbacks.reporting import BaseLogger, CSVLogger, LambdaCallback, ProgbarLogger, RemoteMonitor
from hornbeam.training.callbacks.stopping import EarlyStopping, TerminateOnNaN
from hornbeam.training.callbacks.tensorboard import TensorBoard
from hornbeam.training.history import History
from hornbeam.training.hooks import Callback, CallbackList

__all__ = [
    "BackupAndRestore", "BaseLogger", "CSVLogger", "Callback", "CallbackList", "EarlyStopping", "History",
    "LambdaCallback", "LearningRateScheduler", "ModelCheckpoint", "ProgbarLogger", "ReduceLROnPlateau",
    "RemoteMonitor", "TensorBoard", "TerminateOnNaN",
]  # fmt: skip
