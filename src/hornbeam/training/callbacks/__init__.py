"""All callbacks, a file a family: what `hornbeam.callbacks` offers."""

from hornbeam.training.callbacks.backup import BackupAndRestore
from hornbeam.training.callbacks.checkpoint import ModelCheckpoint
from hornbeam.training.callbacks.pruning import OptunaPruning
from hornbeam.training.callbacks.rates import LearningRateScheduler, ReduceLROnPlateau
from hornbeam.training.callbacks.reporting import BaseLogger, CSVLogger, LambdaCallback, ProgbarLogger, RemoteMonitor
from hornbeam.training.callbacks.steps import OneCycle, WarmUp
from hornbeam.training.callbacks.stopping import EarlyStopping, TerminateOnNaN
from hornbeam.training.callbacks.tensorboard import TensorBoard
from hornbeam.training.history import History
from hornbeam.training.hooks import Callback, CallbackList
from hornbeam.training.rate_finder import lr_find

__all__ = [
    "BackupAndRestore", "BaseLogger", "CSVLogger", "Callback", "CallbackList", "EarlyStopping", "History",
    "LambdaCallback", "LearningRateScheduler", "ModelCheckpoint", "OneCycle", "OptunaPruning", "ProgbarLogger",
    "ReduceLROnPlateau", "RemoteMonitor", "TensorBoard", "TerminateOnNaN", "WarmUp", "lr_find",
]  # fmt: skip
