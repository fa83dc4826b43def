"""The ways in which people call a model: batch by batch, with callbacks, from generators, in games and in pairs.

The network is small (64-64-64-10, batches of 32), so that what a call costs beside the arithmetic is what counts:
whoever trains a generator against a discriminator, or learns from single moves, pays it at every step. What is
compiled is compiled before.
"""

import contextlib
import os
import tempfile

import numpy as np

import workload

BATCH, BATCHES, CALLS = 32, workload.size(100, smoke=3), workload.size(50, smoke=2)
ROUNDS = workload.size(8, smoke=1)


class Ways:
    """Data, a network, and each way of use as a method that gives (a function to time, how many calls or steps it is).

    Args:
        library: hornbeam or keras.
        folder: for files.
    """

    def __init__(self, library, folder):
        self.of = library
        self.folder = folder
        random = np.random.default_rng(0)
        self.x = random.random((BATCH * BATCHES, 64), dtype="float32")
        self.y = np.eye(10, dtype="float32")[random.integers(0, 10, len(self.x))]
        self.batch = self.x[:BATCH], self.y[:BATCH]
        self.model = self.network()

    def network(self):
        layers = self.of.layers
        model = self.of.models.Sequential([layers.Input((64,))])
        for _ in range(2):
            model.add(layers.Dense(64, activation="relu"))
        model.add(layers.Dense(10, activation="softmax"))
        model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
        return model

    def fit(self, *data, **options):
        data = data or (self.x, self.y)
        if isinstance(data[0], np.ndarray):
            options = {"batch_size": BATCH, **options}
        return lambda: self.model.fit(*data, **{"epochs": 2, "verbose": 0, **options}), 2 * BATCHES

    def batches(self):
        while True:
            for i in range(0, len(self.x), BATCH):
                yield self.x[i : i + BATCH], self.y[i : i + BATCH]

    def sequence(self):
        """A Sequence of the batches, PyDataset in newer versions."""
        x, y = self.x, self.y

        class Batches(getattr(self.of.utils, "Sequence", None) or self.of.utils.PyDataset):
            def __len__(self):
                return BATCHES

            def __getitem__(self, i):
                return x[i * BATCH : (i + 1) * BATCH], y[i * BATCH : (i + 1) * BATCH]

        return Batches()

    def batch_losses(self):
        """The callback of the documents that keeps the loss of every batch."""

        class Losses(self.of.callbacks.Callback):
            losses = []

            def on_train_batch_end(self, batch, logs=None):
                self.losses.append(float(logs["loss"]))

        return Losses()

    def one_move(self):
        """Predict one row, then fit one batch, as in Q-learning."""
        self.model.predict(self.x[:1], verbose=0)
        self.model.fit(*self.batch, verbose=0)

    def duel(self):
        """A round of a generator against a discriminator: predict, train the one on two batches, then the other.

        Nothing is frozen: who sets `trainable` when means different work in different versions.
        """
        layers, models = self.of.layers, self.of.models
        generator = models.Sequential([layers.Input((16,)), layers.Dense(64, "relu"), layers.Dense(64)])
        judge = models.Sequential([layers.Input((64,)), layers.Dense(64, "relu"), layers.Dense(1, "sigmoid")])
        judge.compile("adam", "binary_crossentropy")
        start = layers.Input((16,))
        both = models.Model(start, judge(generator(start)))
        both.compile("adam", "binary_crossentropy")
        noise, yes, no = self.x[:BATCH, :16], np.ones((BATCH, 1), "float32"), np.zeros((BATCH, 1), "float32")

        def one_round():
            fake = generator.predict(noise, verbose=0)
            judge.train_on_batch(self.x[:BATCH], yes)
            judge.train_on_batch(fake, no)
            both.train_on_batch(noise, yes)

        return repeated(one_round)

    def two_models(self):
        """The weights of one model set to another's, as target networks are."""
        other = self.network()
        return repeated(lambda: other.set_weights(self.model.get_weights()))

    def saved(self):
        path = os.path.join(self.folder, "model.keras")

        def save_and_load():
            self.model.save(path)
            self.of.models.load_model(path)

        return repeated(save_and_load, CALLS // 10 or 1)


def repeated(call, times=CALLS):
    """(`times` calls, times)."""

    def calls():
        for _ in range(times):
            call()

    return calls, times


# What it is -> function of Ways to (a function to time, how many calls or steps that is).
CASES = {
    "train_on_batch": lambda its: repeated(lambda: its.model.train_on_batch(*its.batch)),
    "test_on_batch": lambda its: repeated(lambda: its.model.test_on_batch(*its.batch)),
    "predict_on_batch": lambda its: repeated(lambda: its.model.predict_on_batch(its.x[:BATCH])),
    "a model called on a batch": lambda its: repeated(lambda: np.asarray(its.model(its.x[:BATCH]))),
    "fit of one batch": lambda its: repeated(lambda: its.model.fit(*its.batch, verbose=0)),
    "predict of one row, fit of one batch": lambda its: repeated(its.one_move),
    "a round of a generator against a discriminator": Ways.duel,
    "set_weights(get_weights())": Ways.two_models,
    "save and load_model, .keras": Ways.saved,
    "a step of fit": Ways.fit,
    "a step with a progress bar": lambda its: its.fit(verbose=1),
    "a step with sample_weight": lambda its: its.fit(sample_weight=np.ones(len(its.x), "float32")),
    "a step with class_weight": lambda its: its.fit(class_weight={k: 1.0 + k for k in range(10)}),
    "a step and one of validation": lambda its: its.fit(validation_data=(its.x, its.y)),
    "a step with a callback that keeps its loss": lambda its: its.fit(callbacks=[its.batch_losses()]),
    "a step from a generator": lambda its: its.fit(its.batches(), steps_per_epoch=BATCHES),
    "a step from a Sequence": lambda its: its.fit(its.sequence()),
    "a step of evaluate": lambda its: (lambda: its.model.evaluate(its.x, its.y, verbose=0), BATCHES),
    "a step of predict": lambda its: (lambda: its.model.predict(its.x, verbose=0), BATCHES),
    "a step of predict from a Sequence": lambda its: (lambda: its.model.predict(its.sequence(), verbose=0), BATCHES),
}
CLAIMS = [workload.Claim(f"{name}_s", name, {"keras": 1.0}) for name in CASES]
RUNS = 2


def measure(library, first):
    measured = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),  # progress bars
    ):
        for name, way in CASES.items():
            library.utils.set_random_seed(0)
            calls, count = way(Ways(library, folder))
            calls()  # compiles
            calls()
            measured[f"{name}_s"] = workload.least_seconds(calls, ROUNDS) / count
    return measured


if __name__ == "__main__":
    workload.main(measure)
