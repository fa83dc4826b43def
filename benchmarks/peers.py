"""Who is measured: Hornbeam in the environment that runs the benchmarks, each peer in a virtual environment of its own.

To add a peer, add an entry to PEERS. One that has Keras' API needs nothing else: every workload runs with its module
in the place of `hornbeam`. One that has not (PyTorch by hand, say) names a function of its own, and a workload that
wants it in its table defines a function of that name.
"""

import importlib.metadata
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

VENVS = Path(__file__).resolve().parent / ".venvs"

# A peer that stands on the same libraries as we do gets the same versions: what differs is then the peer itself.
SHARED = ("jax", "jaxlib", "numpy")


@dataclass(frozen=True)
class Peer:
    """A library to compare with.

    Args:
        name: what the table calls it.
        module: what a workload imports in the place of `hornbeam`.
        packages: what pip installs.
        environment: variables to run it with.
        function: the function of a workload that does the work with it.
    """

    name: str
    module: str
    packages: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    function: str = "measure"

    @property
    def python(self) -> Path:
        """The interpreter it runs on."""
        scripts = "Scripts" if sys.platform == "win32" else "bin"
        return VENVS / self.name / scripts / "python" if self.packages else Path(sys.executable)

    def installed(self) -> bool:
        return not self.packages or self._stamp.exists() and self._stamp.read_text() == self._wanted

    def install(self) -> None:
        """Make the virtual environment and fill it, unless that is done already."""
        if self.installed():
            return
        print(f"Installing {self.name}: {self._wanted}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(VENVS / self.name)], check=True)
        pip = [str(self.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *self._wanted.split()], check=True)
        self._stamp.write_text(self._wanted)

    @property
    def _stamp(self) -> Path:
        return VENVS / self.name / "installed"

    @property
    def _wanted(self) -> str:
        same = [f"{package}=={importlib.metadata.version(package)}" for package in SHARED if package in self.packages]
        return " ".join(same + [package for package in self.packages if package not in SHARED])


OURS = Peer("hornbeam", "hornbeam")

PEERS = [
    Peer("keras-jax", "keras", ("keras", "jax", "jaxlib", "numpy"), {"KERAS_BACKEND": "jax"}),
    # The releases are named, because a plain `torch` brings gigabytes for accelerators that the benchmarks do not use.
    Peer("keras-tensorflow", "keras", ("keras", "tensorflow-cpu"), {"KERAS_BACKEND": "tensorflow"}),
    Peer("keras-torch", "keras", ("keras", "torch==2.13.0"), {"KERAS_BACKEND": "torch"}),
    Peer("torch", "torch", ("torch==2.13.0", "numpy"), function="measure_torch"),
    Peer("jax-by-hand", "jax", ("jax", "jaxlib", "numpy"), function="measure_jax"),
]
