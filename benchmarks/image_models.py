"""The models of `applications` on images of 160 x 160, batches of 8, without weights and with a head of ten classes.

What counts is the time of one step of training and of prediction once everything is compiled, and how long the first
`fit` of three steps takes, compilation included. With BENCHMARK_LAYERS=MobileNet in the environment, only those models
are measured whose name holds that word.
"""

import functools
import os
import sys

import numpy as np

import workload

STEPS, BATCH, PIXELS, CLASSES = 3, workload.size(8, smoke=1), workload.size(160, smoke=32), 10
NAMES = ("VGG16", "ResNet50V2", "InceptionV3", "Xception", "DenseNet121", "MobileNet", "MobileNetV2", "EfficientNetB0")
SMALLEST = {"InceptionV3": 75, "Xception": 71}  # pixels
CLAIMS = [
    workload.Claim(f"{name}_{what}_s", f"{name}, {title}", limit)
    for what, title, limit in (
        ("step", "a training step", {"keras": 1.0}),
        ("predict", "a step of predict", {"keras": 1.0}),
        ("first", "the first fit, three steps", None),
    )
    for name in NAMES
]
RUNS = 1


def build(library, name, pixels):
    base = getattr(library.applications, name)(
        weights=None, include_top=False, input_shape=(pixels, pixels, 3), pooling="avg"
    )
    outputs = library.layers.Dense(CLASSES, activation="softmax")(base.output)
    model = library.models.Model(base.inputs, outputs)
    model.compile(loss="categorical_crossentropy", optimizer=library.optimizers.SGD(learning_rate=0.001))
    return model


def measure(library, first):
    if "jax" in sys.modules:  # a program that an earlier run kept would hide what compiling takes
        sys.modules["jax"].config.update("jax_enable_compilation_cache", False)
    measured = {}
    for name in NAMES:
        if os.environ.get("BENCHMARK_LAYERS", name) not in name:
            continue
        library.utils.set_random_seed(0)
        pixels = max(PIXELS, SMALLEST.get(name, 0))
        random = np.random.default_rng(0)
        x = random.random((STEPS * BATCH, pixels, pixels, 3), dtype=np.float32)
        y = np.eye(CLASSES, dtype=np.float32)[random.integers(0, CLASSES, len(x))]
        model = build(library, name, pixels)
        fit = workload.model_fit(model, x, y, BATCH)
        measured[f"{name}_first_s"] = workload.seconds(functools.partial(fit, 1))
        measured[f"{name}_step_s"] = workload.epochs_s(fit, epochs=1, times=5)[0] / STEPS
        measured[f"{name}_predict_s"] = _predict_s(model, x) / STEPS
        library.backend.clear_session()
    return measured


def _predict_s(model, x):
    model.predict(x, batch_size=BATCH, verbose=0)
    return workload.least_seconds(lambda: model.predict(x, batch_size=BATCH, verbose=0), times=5)


if __name__ == "__main__":
    workload.main(measure)
