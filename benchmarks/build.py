"""Large networks constructed from the catalogue, ResNet50 and InceptionV3, with weights drawn at random.

Each is the first that its process constructs; the import before it does not count. A library may leave the drawing of
weights for later: the time until they have all been read stands beside, without a target.
"""

import importlib
import subprocess
import sys
import time

import workload

LIMITS = {"keras": 0.3}
CLAIMS = [
    workload.Claim("resnet50_s", "construct ResNet50 in a fresh process", LIMITS),
    workload.Claim("inception_v3_s", "construct InceptionV3 in a fresh process", LIMITS),
    workload.Claim("resnet50_weights_s", "construct ResNet50 and read its weights", None),
    workload.Claim("inception_v3_weights_s", "construct InceptionV3 and read its weights", None),
]
RUNS = 3

NETWORKS = {"resnet50": "ResNet50", "inception_v3": "InceptionV3"}


def construct(module, network):
    """Print the seconds of construction, and of construction and reading."""
    applications = importlib.import_module(f"{module}.applications")
    network = getattr(applications, network)
    start = time.perf_counter()
    model = network(weights=None)
    constructed = time.perf_counter() - start
    model.get_weights()
    print(constructed, time.perf_counter() - start)


def measure(library, first):
    measured = {}
    for name, network in NETWORKS.items():
        command = [sys.executable, __file__, "--construct", library.__name__, network]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        measured[f"{name}_s"], measured[f"{name}_weights_s"] = map(float, done.stdout.splitlines()[-1].split())
    return measured


if __name__ == "__main__":
    if sys.argv[1] == "--construct":
        construct(*sys.argv[2:])
    else:
        workload.main(measure)
