"""Sequences that other processes can import, for tests of workers."""

import os
import time

import numpy as np

from hornbeam.utils import Sequence


class Numbers(Sequence):
    """Batches of one row: its number, and the process that made it."""

    def __init__(self, count=6, fault=None, release=None):
        self.count = count
        self.fault = fault
        self.release = release  # a hanging batch goes on when there is a file of this name
        self.passes = 0

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if index == 3 and self.fault == "raise":
            raise KeyError(f"no file for {index}")
        if index == 3 and self.fault == "die":
            os._exit(7)
        while index == 3 and self.fault == "hang" and not os.path.exists(self.release):
            time.sleep(0.01)
        if self.fault == "late" and index % 2 == 0:
            time.sleep(0.02)
        maker = np.full((1, 1), os.getpid() % 1000 / 1000, "float32")
        return np.full((1, 5), index + 100 * self.passes, "float32"), maker

    def on_epoch_end(self):
        self.passes += 1


class Draws(Sequence):
    """Batches that NumPy's global generator fills."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return np.random.rand(1, 5).astype("float32")
