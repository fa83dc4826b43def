"""What `hornbeam doctor` computes: a tiny network whose numbers are known, trained, saved and loaded."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from hornbeam.layers import Dense
from hornbeam.models import Sequential, load_model
from hornbeam.optimizers import SGD

# One Dense(1) from weights 0.5, -0.5 and bias 0 predicts -0.5 for both rows; the targets are 0 and 1, so the
# errors are -0.5 and -1.5 and their mean square is 1.25. Its gradient is the mean of 2 * error * x, (-5, -7), and -2
# for the bias; a step of 0.1 leads to weights 1.0, 0.2 and bias 0.2.
X, Y = np.array([[1.0, 2.0], [3.0, 4.0]], "float32"), np.array([[0.0], [1.0]], "float32")
START = [np.array([[0.5], [-0.5]], "float32"), np.zeros(1, "float32")]
PREDICTED, LOSS, STEPPED = (-0.5, -0.5), 1.25, (1.0, 0.2, 0.2)


def faults():
    """What went wrong, a sentence each; an empty list where all is well."""
    found = []
    for check in (_learns, _keeps):
        try:
            found += [fault for fault in check() if fault]
        except Exception as error:  # whatever it is, it is what the doctor is asked for
            found.append(f"{check.__doc__} {type(error).__name__}: {error}")
    return found


def _model():
    model = Sequential([Dense(1, input_shape=(2,))])
    optimizer: Any = SGD(0.1)
    model.compile(optimizer, "mse")
    model.set_weights(START)
    return model


def _learns():
    """One step of training."""
    model = _model()
    history = model.fit(X, Y, batch_size=2, epochs=1, verbose=0)
    yield _compared("the loss of one step", history.history["loss"], [LOSS])
    yield _compared("the weights after it", np.concatenate([w.ravel() for w in model.get_weights()]), STEPPED)


def _keeps():
    """Saving and loading."""
    model = _model()
    with tempfile.TemporaryDirectory() as folder:
        for name in ("model.keras", "model.h5"):
            model.save(Path(folder) / name)
            again = load_model(Path(folder) / name)
            yield _compared(f"predictions after {name}", again.predict(X).ravel(), PREDICTED)


def _compared(what, came, wanted):
    if np.allclose(came, wanted, rtol=1e-5, atol=1e-6):
        return None
    return f"{what} should be {np.round(wanted, 6).tolist()}, came {np.round(np.float64(came), 6).tolist()}"
