"""A program that interrupts saves in children of its own and looks at what is left; test_atomic.py runs it.

    python interrupted_saves.py all SUFFIX FOLDER KILLS TERMINATIONS SEED      prints a JSON line
    python interrupted_saves.py kill SUFFIX TIMES SEED
    python interrupted_saves.py fill SUFFIX FOLDER

It loads no engine and has no threads, so its children are forks, ready in a millisecond.
"""

import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import without_engine

without_engine.install()

from hornbeam.saving.atomic import replacing  # noqa: E402

UNITS = 200  # 40 000 weights, and as many numbers of the optimizer


def save(write, stored, path):
    with replacing(path) as temporary:
        write(stored, temporary)


def fork(work):
    """Run `work` in a child; its status is 0 if that ends well, 3 after an OSError, 4 after SystemExit, 5 otherwise."""
    child = os.fork()
    if child:
        return child
    status = 5
    try:
        work()
        status = 0
    except OSError:
        status = 3
    except SystemExit:
        status = 4
    except BaseException as error:  # said, and told by the status
        print(type(error).__name__, error, file=sys.stderr, flush=True)
    finally:
        os._exit(status)


def stop(child, number, path):
    """Send the signal until the child has ended. Once is not enough: Python drops what is raised in a callback of the
    interpreter's own (a weak reference's, say), so a SystemExit that falls there is lost. People press Ctrl-C again.

    A lost one shows in saves that go on; by the clock, a child that is slow to clean up would be interrupted in that.
    """
    seen = set()
    while True:
        if not seen:
            os.kill(child, number)
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        now = os.stat(path)
        seen.add((now.st_ino, now.st_mtime_ns))
        if len(seen) > 5:
            seen = set()
        time.sleep(0.001)


def timed(work, *words):
    started = time.perf_counter()
    work(*words)
    return time.perf_counter() - started


def temporaries(folder):
    return [name for name in os.listdir(folder) if name.endswith(".tmp")]


def interrupt(how, suffix, times, seed, place=None):
    """Let children save two models by turns over one file, stop each at a random moment, read what is there.

    At least `times` times, and on until a fifth of them met a save under way, which a busy machine makes rarer.
    """
    write, read = without_engine.writer_and_reader(suffix)
    models = [without_engine.small_model(n, UNITS) for n in (1, 2)]
    draw = random.Random(seed)
    number = signal.SIGKILL if how == "kill" else signal.SIGTERM
    parent = os.getpid()
    seen = {"times": 0, "old_or_new": 0, "within": 0, "leftovers_of_others": 0, "statuses": {}}
    with tempfile.TemporaryDirectory(dir=place) as folder:
        path = Path(folder) / f"model.{suffix}"
        save(write, models[0], path)
        save_s = min(timed(save, write, models[0], path) for _ in range(5))

        def work():
            if how == "terminate":
                signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
            os.write(ready[1], b".")
            for turn in range(1_000_000):
                if os.getppid() != parent:  # nobody is left to stop it
                    sys.exit(1)
                save(write, models[turn % 2], path)

        met = 0 if how == "terminate" else times // 5  # a child that is asked to end leaves nothing to see
        while seen["times"] < times or (seen["within"] < met and seen["times"] < 20 * times):
            seen["times"] += 1
            ready = os.pipe()
            child = fork(work)
            os.close(ready[1])
            os.read(ready[0], 1)
            os.close(ready[0])
            time.sleep(draw.uniform(0, 3 * save_s))
            status = stop(child, number, path)
            seen["statuses"][status] = seen["statuses"].get(status, 0) + 1
            found = read(path)
            seen["old_or_new"] += any(without_engine.same_weights(found, model) for model in models)
            left = temporaries(folder)
            seen["within"] += len(left) > 0
            seen["leftovers_of_others"] += len(left) > 1
        save(write, models[0], path)
        seen["leftovers_at_the_end"] = len(temporaries(folder))
        seen["save_ms"] = round(save_s * 1000, 2)
    return seen


def limit(suffix, folder):
    """Save into a file system that has room for part of the file: by a limit of the process, or in a full one."""
    write, read = without_engine.writer_and_reader(suffix)
    old, new = without_engine.small_model(1, 20), without_engine.small_model(2, UNITS)
    path = Path(folder) / f"model.{suffix}"
    save(write, new, path)
    whole = path.stat().st_size
    save(write, old, path)
    seen = []
    for most in (0, 1, 100, 5000, whole // 4, whole // 2, whole * 9 // 10, whole - 1, whole + 100_000):

        def work(most=most):
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
            save(write, new, path)

        status = os.waitstatus_to_exitcode(os.waitpid(fork(work), 0)[1])
        seen.append(
            {
                "most": most, "enough": most >= whole, "status": status, "temporaries": temporaries(folder),
                "old": without_engine.same_weights(read(path), old),
                "new": without_engine.same_weights(read(path), new),
            }
        )  # fmt: skip
    return seen


def fill(suffix, folder):
    """Save a model larger than the (small) file system that `folder` is."""
    write, read = without_engine.writer_and_reader(suffix)
    old, new = without_engine.small_model(1, 20), without_engine.small_model(2, 500)
    path = Path(folder) / f"model.{suffix}"
    save(write, old, path)
    status = os.waitstatus_to_exitcode(os.waitpid(fork(lambda: save(write, new, path)), 0)[1])
    return {"status": status, "temporaries": temporaries(folder), "old": without_engine.same_weights(read(path), old)}


def refuse(suffix, folder):
    """Save as a user who may not write into the folder, or not to the file."""
    write, read = without_engine.writer_and_reader(suffix)
    old, new = without_engine.small_model(1, 20), without_engine.small_model(2, 20)
    path = Path(folder) / f"model.{suffix}"
    save(write, old, path)
    seen = []
    for folder_mode, file_mode in ((0o555, 0o666), (0o777, 0o444)):
        os.chmod(path, file_mode)
        os.chmod(folder, folder_mode)

        def work():
            if os.getuid() == 0:  # to root all is allowed
                os.setgid(65534)
                os.setuid(65534)
            save(write, new, path)

        status = os.waitstatus_to_exitcode(os.waitpid(fork(work), 0)[1])
        seen.append({"status": status, "temporaries": temporaries(folder),
                     "old": without_engine.same_weights(read(path), old)})  # fmt: skip
    os.chmod(folder, 0o755)
    return seen


if __name__ == "__main__":
    how, suffix, *rest = sys.argv[1:]
    if how == "all":
        folder, kills, terminations, seed = rest[0], *map(int, rest[1:])
        answer = {
            "kill": interrupt("kill", suffix, kills, seed, folder),
            "terminate": interrupt("terminate", suffix, terminations, seed, folder),
            "limit": limit(suffix, folder),
            "refuse": refuse(suffix, folder),
        }
    elif how == "kill":
        answer = interrupt(how, suffix, *map(int, rest))
    else:
        answer = fill(suffix, *rest)
    print(json.dumps(answer))
