"""Work done ahead by threads or by other processes, its results handed over in order."""

import sys
import threading
import time
import traceback
import warnings
import weakref
from typing import Any

import numpy as np

# How long somebody waits for one result before the worker that should bring it is named; after ten times as long the
# wait ends with an error.
PATIENCE_S = 30.0
_LAST_PATIENCE = 10


class Feed:
    """Iterator over `make(item)` for each item, made ahead by threads, in the order of the items.

    Args:
        makers: list of functions, one a thread; each is called by its own thread only. A function that raises
            StopIteration ends the feed there.
        items: iterable; asked by one thread at a time. Messages name a result by its item.
        ahead: how many results may wait to be fetched, 10. With 0 nothing is made ahead: the caller's thread works.
        what: what a result is called in messages, 'batch'.
        patience_s: see `PATIENCE_S`, which None means.

    Raises:
        Exception: whatever a maker raised, when its turn comes, with a note that names the item.
        TimeoutError: a maker did not come back.

    Example:
        >>> list(Feed([lambda n: n * n] * 2, range(4)))
        [0, 1, 4, 9]
    """

    def __init__(self, makers, items, ahead=10, what="batch", patience_s=None):
        self.what = what
        self.patience_s = PATIENCE_S if patience_s is None else patience_s
        self._made = _Made(enumerate(items), max(ahead, 0))
        self._inline = None if ahead > 0 else makers[0]
        self._threads = []
        if ahead > 0:
            for worker, make in enumerate(makers):
                thread = threading.Thread(
                    target=_work, args=(self._made, worker, make), daemon=True, name=f"{what} worker {worker + 1}"
                )
                self._threads.append(thread)
                thread.start()
            # The threads know the shelf alone, so a feed that nobody holds any more is collected and they end.
            weakref.finalize(self, _Made.close, self._made)

    def __iter__(self):
        return self

    def __next__(self) -> Any:
        ok, value, item = self._make_one() if self._inline is not None else self._fetch()
        if ok:
            return value
        self.close()
        value.add_note(f"Raised while {self.what} {item} was made.")
        raise value

    @property
    def ready(self):
        """Would the next result come without waiting?"""
        made = self._made
        with made.changed:
            return made.next in made.results and made.results[made.next][0]

    def close(self, wait_s=0.0):
        """Let the threads end after what they are doing now; wait for them up to `wait_s` seconds."""
        self._made.close()
        limit = time.monotonic() + wait_s
        for thread in self._threads if wait_s else ():
            thread.join(max(limit - time.monotonic(), 0))

    def _make_one(self):
        if self._made.closed:
            raise StopIteration
        _, item = next(self._made.items)
        try:
            return True, self._inline(item), item
        except StopIteration:
            self._made.closed = True
            raise
        except Exception as error:
            return False, error, item

    def _fetch(self):
        made, began, told = self._made, time.monotonic(), 0
        with made.changed:
            while made.next not in made.results:
                if made.closed or (made.end is not None and made.next >= made.end):
                    made.closed = True
                    made.changed.notify_all()
                    raise StopIteration
                made.changed.wait(max(began + (told + 1) * self.patience_s - time.monotonic(), 0.001))
                if time.monotonic() - began >= (told + 1) * self.patience_s and made.next not in made.results:
                    told += 1
                    self._name_the_slow(made, time.monotonic() - began, told)
            result = made.results.pop(made.next)
            made.next += 1
            made.changed.notify_all()
        return result

    def _name_the_slow(self, made, waited_s, told):
        worker, item = next(((w, item) for w, (number, item) in made.busy.items() if number == made.next), (None, None))
        if worker is None:
            text = f"Nobody is making {self.what} number {made.next}; waited {waited_s:.1f} s."
        else:
            text = (
                f"Waited {waited_s:.1f} s for {self.what} {item}: worker {worker + 1} of {len(self._threads)} has "
                f"not finished it. {_place_of(self._threads[worker])}"
            )
        if told >= _LAST_PATIENCE:
            made.closed = True
            made.changed.notify_all()
            raise TimeoutError(f"{text} Nothing is made any more.")
        warnings.warn(f"{text} Still waiting.", stacklevel=4)


class _Made:
    """What the threads of a feed share: the items to come, the results, who is at work."""

    def __init__(self, items, ahead):
        self.items = items
        self.ahead = ahead
        self.changed = threading.Condition()
        self.results = {}  # number -> (did it work?, result or exception, item)
        self.busy = {}  # worker -> (number, item)
        self.next = 0  # number of the result to be fetched next
        self.given = 0  # numbers handed out
        self.end = None  # number of results there will be, once that is known
        self.closed = False

    def close(self):
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def take(self, worker):
        """(number, item) to work on, or None when there is nothing more to do."""
        with self.changed:
            while not self.closed and self.end is None and self.given - self.next >= self.ahead:
                self.changed.wait()
            if self.closed or self.end is not None:
                return None
            try:
                number, item = next(self.items)
            except StopIteration:
                return self.ends_at(self.given)
            except Exception as error:
                self.results[self.given] = False, error, self.given
                return self.ends_at(self.given + 1)
            self.given = number + 1
            self.busy[worker] = number, item
            return number, item

    def ends_at(self, number):
        self.end = number if self.end is None else min(self.end, number)
        self.changed.notify_all()

    def put(self, worker, number, ok, value):
        with self.changed:
            _, item = self.busy.pop(worker)
            self.results[number] = ok, value, item
            if not ok:
                self.ends_at(number + 1)
            self.changed.notify_all()

    def put_end(self, worker, number):
        with self.changed:
            self.busy.pop(worker, None)
            self.ends_at(number)


def _work(made, worker, make):
    """What a thread of a feed does."""
    while (task := made.take(worker)) is not None:
        number, item = task
        try:
            result = make(item)
        except StopIteration:
            made.put_end(worker, number)
            return
        except BaseException as error:  # it is raised where the result is fetched
            made.put(worker, number, False, error)
            return
        made.put(worker, number, True, result)
        del result, item, task


def _place_of(thread):
    """Where a thread's program stands now, in words."""
    frame = sys._current_frames().get(thread.ident)
    if frame is None:
        return "Its thread has ended."
    caller = frame
    while caller is not None:
        waiting = caller.f_locals.get("self")
        if isinstance(waiting, RemoteWorker):
            return f"It is the process {waiting.pid}."
        caller = caller.f_back
    return f"It stands in {frame.f_code.co_name}, {frame.f_code.co_filename} line {frame.f_lineno}."


# --- Other processes ---


class RemoteWorker:
    """A spawned process that holds an object and gives its items: `worker(index)` is `held[index]`, made over there.

    The process starts with the first call. NumPy's global generator is set there before each item from `seed` and the
    index, so that which process makes an item changes nothing.

    Args:
        held: object with `__getitem__`; it must survive pickling.
        seed: whole number.

    Raises:
        RuntimeError: the process died; the message names it. TypeError: the object cannot be sent.
    """

    def __init__(self, held, seed=0):
        self._held = held
        self._seed = seed
        self._process = None
        self._line = None

    @property
    def pid(self):
        """Number of the process, or None before it runs."""
        return None if self._process is None else self._process.pid

    def hold(self, held, seed):
        """Send another state of the object before the next item."""
        self._held, self._seed = held, seed

    def __call__(self, index):
        self._start()
        try:
            if self._held is not None:
                held, self._held = self._held, None
                self._send(("hold", held, self._seed))
            self._send(("make", index))
            ok, value, told = self._line.recv()
        except (EOFError, ConnectionError) as error:
            raise self._died(index) from error
        if ok:
            return value
        value.add_note(f"In the process {self.pid}:\n{told}")
        raise value

    def _start(self):
        if self._process is not None:
            return
        import multiprocessing

        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs,), daemon=True)
        process.start()
        theirs.close()  # so that its end here is the only one, and a death is seen
        self._process = process
        weakref.finalize(self, _end, process, self._line)

    def _send(self, message):
        try:
            self._line.send(message)
        except (EOFError, ConnectionError):
            raise
        except Exception as error:  # pickling fails in many ways
            raise TypeError(
                f"use_multiprocessing: a {type(message[1]).__name__} cannot be sent to another process ({error}). "
                f"Open files and make functions inside __getitem__, define its class in a file that can be imported, "
                f"or leave use_multiprocessing out: threads need none of this."
            ) from error

    def _died(self, index):
        self._process.join(30)  # its end of the line is closed, so it is ending
        code = self._process.exitcode
        how = f"ended by signal {-code}" if code is not None and code < 0 else f"exit status {code}"
        return RuntimeError(
            f"The worker process {self.pid} died while it made batch {index} ({how}). If that is the first batch, the "
            f"script may lack `if __name__ == '__main__':` around what it does; if it was killed, look at the memory."
        )

    def close(self):
        """End the process."""
        if self._process is not None:
            _end(self._process, self._line)
            self._process = None


def _end(process, line):
    line.close()
    if process.is_alive():
        process.terminate()
        process.join(5)


class _Missing:
    """Stands for an object that could not be received."""

    def __init__(self, error):
        self.error = error

    def __getitem__(self, index):
        raise self.error


def _serve(line):
    """What a worker process does: make what it is told, until the other end is gone."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the caller's
    held, seed = _Missing(RuntimeError("there is nothing to make batches of")), 0
    while True:
        try:
            message = line.recv()
        except (EOFError, OSError):
            return
        except Exception as error:  # what came cannot be unpickled here: told when it is asked for something
            held = _Missing(error)
            continue
        if message[0] == "hold":
            _, held, seed = message
            continue
        np.random.seed((seed + message[1]) % 2**32)
        try:
            answer = True, held[message[1]], ""
        except Exception as error:
            answer = False, error, traceback.format_exc()
        try:
            line.send(answer)
        except (OSError, EOFError):
            return
        except Exception as error:  # what came cannot be pickled
            told = answer[1] if answer[0] else repr(answer[1])
            text = f"{type(told).__name__} cannot be sent back ({error})" if answer[0] else f"{told}\n{answer[2]}"
            line.send((False, RuntimeError(text), answer[2]))
