"""On an accelerator: the whole sentiment training, and ResNet50 beside torch written by hand.

python benchmarks/sentiment_gpu.py                          with an accelerator that JAX sees
python benchmarks/sentiment_gpu.py --torch PATH/TO/python   an interpreter whose torch sees it too, for ResNet50
python benchmarks/sentiment_gpu.py --smoke                  does it run? tiny sizes, any machine

Targets, on one data-centre GPU: 600 000 reviews, 10 epochs, in under 60 s, everything compiled on the way; bfloat16
counts if its accuracy on reviews that were not trained on lies within 0.5 % of that of float32; ResNet50 trained at
0.9 or more of torch's speed. Each measurement is a process of its own. Nothing is written: put what it prints, with
the name of the device, into NOTES.md.
"""

import argparse
import json
import os
import subprocess
import sys
import time

import numpy as np

import bilstm
import resnet50
import sentiment
import workload

TRAINING_S, ACCURACY, SPEED = 60, 0.005, 0.9
HELD_OUT = workload.size(50_000, smoke=240)
BATCHES = (8, 64)  # of ResNet50: the workload's, and one that fills such a device better
IMAGE_STEPS = workload.size(40, smoke=1)


def train_sentiment(policy):
    """Seconds from before `fit` to its end, and the accuracy on reviews that were held out."""
    import hornbeam

    rows = workload.size(sentiment.REVIEWS, smoke=480)
    x, y = sentiment.data(rows + HELD_OUT)
    hornbeam.utils.set_random_seed(0)
    hornbeam.mixed_precision.set_global_policy(policy)
    model = bilstm.build(hornbeam, sentiment.VOCABULARY)
    epochs = workload.size(sentiment.EPOCHS, smoke=2)
    start = time.perf_counter()
    model.fit(x[:rows], y[:rows], batch_size=sentiment.BATCH, epochs=epochs, verbose=0)
    training_s = time.perf_counter() - start
    _, accuracy = model.evaluate(x[rows:], y[rows:], batch_size=sentiment.BATCH, verbose=0)
    return {"training_s": training_s, "accuracy": float(accuracy)}


def images(batch):
    x, y = resnet50.data()
    rows = np.arange(IMAGE_STEPS * batch) % len(x)
    return x[rows], y[rows]


def resnet_step_s(policy, batch):
    """Seconds a step of ours."""
    import hornbeam

    hornbeam.utils.set_random_seed(0)
    hornbeam.mixed_precision.set_global_policy(policy)
    x, y = images(batch)
    epoch_s, loss = workload.epochs_s(workload.model_fit(resnet50.build(hornbeam), x, y, batch), epochs=1, times=3)
    return {"step_s": epoch_s / IMAGE_STEPS, "loss": loss}


def torch_step_s(policy, batch):
    """Seconds a step of the network written with torch, its data on the device from the start."""
    import torch

    import torch_by_hand as by_hand

    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    x, y = images(batch)
    x, y = (t.to(device) for t in by_hand.tensors(x.transpose(0, 3, 1, 2), y.argmax(1)))
    model = resnet50.torch_network(torch).to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    loss_of = torch.nn.CrossEntropyLoss()
    if policy == "mixed_bfloat16":
        cast = torch.autocast(device, torch.bfloat16)
        model.forward, loss_of = cast(model.forward), cast(loss_of.forward)
    fit = by_hand.trainer(model, optimizer, loss_of, x, y, batch, lambda outputs, targets: 0)
    epoch_s, loss = workload.epochs_s(fit, epochs=1, times=3)
    return {"step_s": epoch_s / IMAGE_STEPS, "loss": loss}


PARTS = {"sentiment": train_sentiment, "resnet50": resnet_step_s, "torch": torch_step_s}


def run(python, part, *arguments):
    """A part in a process of its own: what it measured."""
    command = [python, __file__, "--part", part, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{part} failed:\n{done.stderr[-2000:]}")
    measured = json.loads(done.stdout.splitlines()[-1])
    print(part, *arguments, ", ".join(f"{name} {value:.6g}" for name, value in measured.items()), flush=True)
    return measured


def verdict(what, value, limit, met):
    print(f"{what}: {value:.4g}, target {limit:g}: {'met' if met else 'missed'}")
    return met


def measure(torch_python):
    """Everything; True if all targets are met."""
    plain, mixed = (run(sys.executable, "sentiment", policy) for policy in ("float32", "mixed_bfloat16"))
    lost = plain["accuracy"] - mixed["accuracy"]
    counts = abs(lost) <= ACCURACY
    print(f"bfloat16 changes the accuracy by {-lost:+.2%} and {'counts' if counts else 'does not count'}")
    seconds = min(plain["training_s"], mixed["training_s"]) if counts else plain["training_s"]
    met = [verdict("sentiment, seconds", seconds, TRAINING_S, seconds < TRAINING_S)]
    for policy in ("float32", "mixed_bfloat16"):
        for batch in BATCHES[: workload.size(2, smoke=1)]:
            ours = run(sys.executable, "resnet50", policy, batch)
            if torch_python:
                speed = run(torch_python, "torch", policy, batch)["step_s"] / ours["step_s"]
                met.append(verdict(f"ResNet50, {policy}, batch {batch}, speed to torch", speed, SPEED, speed >= SPEED))
    return all(met)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch", metavar="PYTHON", help="interpreter with a torch that sees the accelerator")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes")
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        part, policy, *batch = arguments.part
        print(json.dumps(PARTS[part](policy, *map(int, batch))))
        return 0
    if arguments.smoke:
        os.environ["BENCHMARK_SMOKE"] = "1"
    import jax

    print("device:", jax.devices()[0].device_kind)
    if jax.default_backend() == "cpu" and not arguments.smoke:
        sys.exit("JAX sees no accelerator here: pip install 'jax[cuda12]' where there is one.")
    return 0 if measure(arguments.torch) else 1


if __name__ == "__main__":
    sys.exit(main())
