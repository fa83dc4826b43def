"""The file that HDF5 writes to: a full disk is told at the end, because HDF5 itself crashes when a write fails."""

import os


class Output:
    """A file for h5py that takes every write; the first failure is kept in `fault`, and nothing is written after it.

    HDF5 keeps what it could not write, tries again while it cleans up, and has died of it (a segmentation fault, on a
    disk that became full in the middle of a save). So it never hears of one, and the caller asks when all is done.

    Args:
        path: file to make.
    """

    def __init__(self, path):
        self._file = open(path, "w+b", buffering=0)  # noqa: SIM115
        self._at = self._size = 0
        self.fault = None

    def close(self):
        """Let go of the file.

        Raises:
            OSError: something could not be written, now or before.
        """
        self._attempt(lambda: os.ftruncate(self._file.fileno(), self._size))
        self._attempt(self._file.close)
        if self.fault is not None:
            raise self.fault

    def _attempt(self, work):
        if self.fault is None:
            try:
                work()
            except BaseException as error:  # Ctrl-C too: HDF5 would not know what to do with it
                self.fault = error

    def write(self, data):
        view = memoryview(data).cast("B")
        self._attempt(lambda: self._write(view))
        self._at += len(view)
        self._size = max(self._size, self._at)
        return len(view)

    def _write(self, view):
        self._file.seek(self._at)
        while len(view):
            view = view[self._file.write(view) :]

    def readinto(self, buffer):
        view = memoryview(buffer).cast("B")
        view[:] = bytes(len(view))
        self._attempt(lambda: self._read(view))
        self._at += len(view)
        return len(view)

    def _read(self, view):
        self._file.seek(self._at)
        while len(view) and (count := self._file.readinto(view)):
            view = view[count:]

    def read(self, size):
        buffer = bytearray(size)
        self.readinto(buffer)
        return bytes(buffer)

    def seek(self, offset, whence=os.SEEK_SET):
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def tell(self):
        return self._at

    def truncate(self, size=None):
        self._size = self._at if size is None else size
        return self._size

    def flush(self):
        """Nothing waits here."""
