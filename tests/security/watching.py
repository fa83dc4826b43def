"""Watches what happens while a hostile file is opened: Python's audit events, and Linux's own for a folder."""

import contextlib
import ctypes
import os
import struct
import sys
from pathlib import Path

# Audit events that opening a model never causes. 'open' is looked at apart.
_FORBIDDEN = (
    "os.", "subprocess.", "socket.", "urllib.", "http.", "ftplib.", "smtplib.", "webbrowser.", "ctypes.dlopen",
    "pickle.", "marshal.", "exec", "compile", "import", "code.__new__", "function.__new__", "builtins.input",
    "shutil.", "tempfile.", "pty.", "sqlite3.", "mmap.", "syslog.", "signal.pthread_kill",
)  # fmt: skip
_HARMLESS = ("os.listdir",)  # of the file's own folder: nothing is opened by it

_SOURCES = (sys.prefix, sys.base_prefix, str(Path(__file__).resolve().parents[2]))  # libraries, Python, this checkout

_watchers = []
_installed = []


def _hook(event, arguments):
    for watcher in _watchers:
        watcher.note(event, arguments)


class Watcher:
    """Notes forbidden events of this process; files in `allowed` may be opened for reading."""

    def __init__(self, allowed):
        self.allowed = {os.path.realpath(path) for path in allowed}
        self.events = []

    def note(self, event, arguments):
        if event == "open":
            path, mode, flags = arguments
            if isinstance(path, int):
                return
            name = os.path.realpath(os.fsdecode(path))
            writes = bool(flags & (os.O_WRONLY | os.O_RDWR)) if isinstance(flags, int) else False
            if name.endswith(".py") and not writes and name.startswith(_SOURCES):  # a traceback shows its lines
                return
            if name not in self.allowed or writes or (isinstance(mode, str) and set(mode) & set("wax+")):
                self.events.append(f"open {name} {mode}")
        elif event.startswith(_FORBIDDEN) and event not in _HARMLESS:
            self.events.append(f"{event} {str(arguments)[:200]}")


@contextlib.contextmanager
def watching(*allowed):
    """The list of forbidden events, as they happen in the block."""
    if not _installed:
        sys.addaudithook(_hook)  # for good: such hooks cannot be taken away
        _installed.append(True)
    watcher = Watcher(allowed)
    _watchers.append(watcher)
    try:
        yield watcher.events
    finally:
        _watchers.remove(watcher)


class FolderWatch:
    """Tells, by Linux's inotify, what any code (C libraries too) did to files of a folder: opened, read, made, removed.

    Where there is no inotify it tells nothing.
    """

    _KINDS = {1: "read", 2: "written", 0x20: "opened", 0x80: "moved here", 0x100: "made", 0x200: "removed"}

    def __init__(self, folder):
        self._descriptor = None
        if not sys.platform.startswith("linux"):
            return
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.inotify_init1(os.O_NONBLOCK)
        if libc.inotify_add_watch(self._descriptor, os.fsencode(folder), sum(self._KINDS)) < 0:
            raise OSError(ctypes.get_errno(), "inotify_add_watch")

    def seen(self):
        """What happened since the last question: ['opened secret.txt']."""
        if self._descriptor is None:
            return []
        try:
            data = os.read(self._descriptor, 1 << 16)
        except BlockingIOError:
            return []
        found, at = [], 0
        while at < len(data):
            _, mask, _, length = struct.unpack_from("iIII", data, at)
            name = data[at + 16 : at + 16 + length].rstrip(b"\0").decode()
            if name:  # without one it is about the folder itself
                found += [f"{kind} {name}" for bit, kind in self._KINDS.items() if mask & bit]
            at += 16 + length
        return found

    def close(self):
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
