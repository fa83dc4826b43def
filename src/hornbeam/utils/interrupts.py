"""Ctrl-C, and other signals that Python code answers, at moments when what they break off could not be mended."""

import _signal  # pyright: ignore[reportMissingImports]
import signal
import threading

_HELD = [int(getattr(signal, name)) for name in ("SIGINT", "SIGTERM", "SIGALRM") if hasattr(signal, name)]

# What `signal` wraps, which looks up a name for every number: with the bare functions `HeldBack` takes 1 microsecond
# for 9, beside 100 of a short step.
_set = _signal.signal
_get = _signal.getsignal


class HeldBack:
    """Context within which signals that Python functions answer only wait; they are answered at its end.

    For moments when one array takes another's memory: what is raised between two lines would lose both. Signals that
    are ignored, or end the process by themselves, go on doing so. Python answers signals in the main thread alone, so
    nothing is done in others.
    """

    def __enter__(self):
        self._came, self._answers = [], {}
        if threading.current_thread() is threading.main_thread():
            try:
                for number in _HELD:
                    answer = _get(number)
                    if callable(answer):
                        self._answers[number] = answer
                        _set(number, self._note)
            except BaseException:  # one that is not held yet
                self.__exit__()
                raise

    def _note(self, number, frame):
        self._came.append(number)

    def __exit__(self, *error):
        try:
            while self._answers:
                number = next(reversed(self._answers))
                _set(number, self._answers[number])
                del self._answers[number]
        except BaseException:  # one that is held no longer
            self.__exit__()
            raise
        if self._came:
            self._answer()

    def _answer(self):
        try:
            signal.raise_signal(self._came.pop(0))
        finally:  # each is answered, whatever the answers before it raise
            if self._came:
                self._answer()
