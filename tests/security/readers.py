"""Starts and asks the process that reads hostile files; begins it anew when a file has killed or stopped it."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

PROGRAM = Path(__file__).with_name("reader_process.py")
PATIENCE_S = 600  # a machine may be busy or stand still: what a file costs is counted in seconds of the processor


class Reader:
    """A reading process, begun anew when it has died or hung."""

    def __init__(self):
        self.start()

    def start(self):
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
        )
        assert self.process.stdout.readline() == "ready\n"

    def ask(self, path, whole, kind):
        """The answer, or {'outcome': 'died' | 'hung'}. One that computes without end dies of its own limit."""
        timer = threading.Timer(PATIENCE_S, self.process.kill)
        timer.start()
        started = time.monotonic()
        try:
            self.process.stdin.write(json.dumps([str(path), whole and str(whole), kind]) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            timer.cancel()
        if line:
            return json.loads(line)
        seconds = time.monotonic() - started
        status = self.process.wait()
        self.stop()
        self.start()
        return {"outcome": "hung" if seconds >= PATIENCE_S else "died", "error": f"status {status}",
                "seconds": seconds, "cpu_seconds": seconds, "peak_bytes": 0}  # fmt: skip

    def stop(self):
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):
                stream.close()
