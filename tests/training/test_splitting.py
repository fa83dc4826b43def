"""Batches split over several devices: the same training, evaluation and prediction as on one, to rounding."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from hornbeam import Sequential
from hornbeam import backend as K
from hornbeam.distribution import DataParallel
from hornbeam.layers import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    Conv1D,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    GRUCell,
    Input,
    LSTMCell,
    Reshape,
    SimpleRNN,
    SimpleRNNCell,
)  # fmt: skip
from hornbeam.training import splitting

# One child of four devices computes several cases, since a start is dear: each on one device and on four.
PROGRAM = """
import json, sys, tempfile
import numpy as np
import hornbeam
from hornbeam import backend as K
from hornbeam.distribution import DataParallel, set_distribution
from hornbeam.layers import *
from hornbeam.training import row_updates
from hornbeam.engines.jax import recurrent_inputs as inputs, recurrent_shared as shared

def masked():
    words, extra = Input((6,), dtype="int32"), Input((3,))
    x = Embedding(11, 4, mask_zero=True, embeddings_regularizer="l2")(words)
    x = GaussianNoise(0.1)(Bidirectional(LSTM(3, dropout=0.2, recurrent_dropout=0.1, return_sequences=True))(x))
    first = TimeDistributed(Dense(1), name="steps")(x)
    second = Dense(2, activation="softmax", name="whole")(concatenate([Dropout(0.3)(GRU(3)(x)), extra]))
    return hornbeam.Model([words, extra], [first, second])

def convolved():
    return hornbeam.Sequential([
        Conv2D(3, 2, input_shape=(4, 4, 2), activation="relu"), BatchNormalization(), MaxPooling2D(), Dropout(0.4),
        Flatten(), Dense(2, activation="softmax"),
    ])

def added():
    inputs = Input((3,))
    x = Dense(4, activation="tanh", activity_regularizer="l2")(inputs)
    model = hornbeam.Model(inputs, Dense(2, activation="softmax")(x))
    model.add_loss(K.mean(K.square(x)))
    return model

class Own(hornbeam.Model):
    def __init__(self):
        super().__init__()
        self.first, self.second = Dense(4, activation="relu"), Dense(2, activation="softmax")
    def call(self, x):
        return self.second(self.first(x))
    def train_step(self, data):
        x, y = data
        with hornbeam.GradientTape() as tape:
            loss = K.mean(hornbeam.losses.mean_squared_error(y, self(x, training=True)))
        self.optimizer.apply_gradients(zip(tape.gradient(loss, self.trainable_weights), self.trainable_weights))
        return {"loss": loss}

def stateful():
    return hornbeam.Sequential([SimpleRNN(4, stateful=True, batch_input_shape=(4, 6, 3)), Dense(2)])

def looked_up():
    return hornbeam.Sequential([Embedding(400, 3, input_length=6), GlobalAveragePooling1D(), Dense(2)])

def repeated():
    return hornbeam.Sequential([
        Embedding(9, 4, input_length=6), Bidirectional(LSTM(3, return_sequences=True)), GRU(3), Dense(2),
    ])

def by_word(): # what large recurrent layers on an Embedding do, see recurrent_inputs and recurrent_shared
    inputs._LEAST_FLOPS, inputs._LEAST_FEATURES, shared._LEAST = 0, 1, 0
    words_of = inputs.words_of
    def noted(x, kernel):
        told = words_of(x, kernel)
        told_of.update({len(x)} if told else ())
        return told
    inputs.words_of = noted

draw = np.random.default_rng(0)
padded = np.where(np.arange(6) < draw.integers(0, 6, (44, 1)), 0, draw.integers(1, 5, (44, 6))).astype("int32")
words = draw.integers(0, 11, (44, 6)).astype("int32")
series, extra = draw.normal(size=(44, 6, 3)).astype("float32"), draw.normal(size=(44, 3)).astype("float32")
images = draw.normal(size=(44, 4, 4, 2)).astype("float32")
y_steps, labels = draw.normal(size=(44, 6, 1)).astype("float32"), np.eye(2, dtype="float32")[draw.integers(0, 2, 44)]
weights = draw.integers(0, 3, 44).astype("float32")
AUC = hornbeam.metrics.AUC
# build, x, y, loss, metrics, sample weights, rows a batch (of 44: the last is short)
CASES = {
    "masked": (masked, [words, extra], [y_steps, labels], ["mse", "categorical_crossentropy"], ["mae"],
               [weights, weights], 16),
    "convolved": (convolved, images, labels, "categorical_crossentropy", ["acc", AUC(num_thresholds=9)], weights, 15),
    "added": (added, extra, labels, "categorical_crossentropy", ["acc"], None, 16),
    "own": (Own, extra, labels, "mse", None, None, 16),
    "stateful": (stateful, series, labels, "mse", ["mae"], None, 4),
    "words": (repeated, padded, labels, "mse", None, None, 40),
    "rows": (looked_up, words, labels, "mse", None, None, 16),
}

def learn(name, devices, epochs=2, resume=None):
    build, x, y, loss, metrics, given, size = CASES[name]
    hornbeam.utils.set_random_seed(1)
    hornbeam.backend.reset_uids()
    model = build()
    with DataParallel(devices):
        model.compile("rmsprop" if name == "rows" else "adam", loss, metrics=metrics)
    tested = {"validation_data": (x, y)} if name in ("convolved", "own") else {}
    history = model.fit(x, y, batch_size=size, epochs=epochs, verbose=0, sample_weight=given, resume=resume, **tested)
    report = []
    model.compile_report(report.append)
    return model, report, history.history

def seen(model, report, history, x, size):
    outputs = model.predict(x, batch_size=size) if x is images else []  # a program more to compile
    return {
        "report": [line.strip() for line in report if "batches" in line or "table" in line],
        "history": history,
        "weights": [w.tolist() for w in model.get_weights()],
        "outputs": [np.ravel(o).tolist() for o in (outputs if isinstance(outputs, list) else [outputs])],
    }

def compiled():
    return sum(name == "run" for name, _ in K.engine.compilations())

found, told_of, programs = {}, set(), {}
row_updates.LEAST_ROWS = 40
for name in sys.argv[1].split(","):
    _, x, _, _, _, _, size = CASES[name]
    if name == "words":
        by_word()
    found[name], before = [], compiled()
    for devices in (1, 4):
        found[name].append(seen(*learn(name, devices), x, size))
        programs.setdefault(name, []).append(compiled() - before)
        before = compiled()

found["programs"] = programs
found["told of"] = sorted(told_of)
if "added" not in found:
    print(json.dumps(found))
    sys.exit()

with tempfile.TemporaryDirectory() as folder:
    whole, _, history = learn("convolved", 2, 3)
    learn("convolved", 2, 1, folder + "/state")
    again, _, _ = learn("convolved", 2, 3, folder + "/state")
    whole.save(folder + "/model.h5")
    loaded = hornbeam.models.load_model(folder + "/model.h5")
    found["resumed"] = [[w.tolist() for w in m.get_weights()] for m in (whole, again)]
    found["loaded"] = [m.predict(images).tolist() for m in (whole, loaded)]
    found["on_two"] = [learn("convolved", 1, 3)[2], history]

def generator():
    while True:
        for start in (0, 15, 30):
            yield extra[start:start + 15], labels[start:start + 15]

def of_stream(devices):
    hornbeam.utils.set_random_seed(1)
    model = added()
    with DataParallel(devices):
        model.compile("adam", "categorical_crossentropy")
    return model.fit(generator(), steps_per_epoch=3, epochs=2, verbose=0).history["loss"]

found["stream"] = [of_stream(devices) for devices in (1, 4)]
few, _, _ = learn("added", 4)
found["few"] = [few.train_on_batch(extra[:rows], labels[:rows])[0] for rows in (2, 5)]
try:
    few.fit(extra, labels, batch_size=3, verbose=0)
except ValueError as error:
    found["error"] = str(error)

def asked_for(layers):
    model = hornbeam.Sequential([Input((20, 3)), *layers, Dense(2)])
    model.compile("sgd", "mse")
    model.fit(np.ones((64, 20, 3)), np.ones((64, 2)), batch_size=64, verbose=0)
    report = []
    model.compile_report(report.append)
    return [line.strip() for line in report if "batches" in line]

convolved = [Reshape((20, 3, 1)), Conv2D(4, 2), Flatten()]
found["cores"] = [asked_for([LSTM(96)]), asked_for(convolved), asked_for([Flatten()])]
print(json.dumps(found))
"""


def child(program, devices, *args, **variables):
    environment = {**os.environ, "HORNBEAM_CPU_DEVICES": devices, "JAX_PLATFORMS": "cpu", **variables}
    environment = {name: value for name, value in environment.items() if value is not None}
    command = [sys.executable, "-c", program, *args]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)


def trained(names):
    result = child(PROGRAM, "4", names)
    assert result.returncode == 0, result.stderr[-3000:]
    return json.loads(result.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def found():
    return trained("masked,convolved,rows,words")


@pytest.fixture(scope="module")
def found_more():
    return trained("added,own,stateful")


def check(case, tested=True):
    one, split = case
    over = "split over cpu:0, cpu:1, cpu:2, cpu:3"
    assert not any("split over" in line for line in one["report"])
    assert f"batches, train: {over}" in split["report"]
    assert (f"batches, test: {over}" in split["report"]) == tested
    assert list(split["history"]) == list(one["history"])
    for key, values in split["history"].items():
        np.testing.assert_allclose(values, one["history"][key], rtol=1e-4, atol=1e-5, err_msg=key)
    for ours, theirs in zip(split["weights"], one["weights"], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=5e-5)
    for ours, theirs in zip(split["outputs"], one["outputs"], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=5e-5)


def test_masks_noise_weights_and_several_outputs_are_those_of_the_whole_batch(found):
    check(found["masked"], tested=False)


def test_batch_normalisation_dropout_and_metrics_with_state_are_those_of_the_whole_batch(found):
    check(found["convolved"])


def test_a_program_is_compiled_once_wherever_it_runs(found):
    for name, (one, split) in found["programs"].items():
        assert 0 < split == one, name


def test_tables_are_updated_by_row_where_batches_are_split(found):
    check(found["rows"], tested=False)
    one, split = found["rows"]
    assert [line for line in split["report"] if "table" in line] == [line for line in one["report"] if "table" in line]
    assert "each step updates the rows it looks up" in str(split["report"])
    for ours, theirs in zip(split["weights"], one["weights"], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_equal_words_are_told_by_each_device_for_its_rows(found):
    check(found["words"], tested=False)
    assert {10, 40} <= set(found["told of"])  # of 40 rows, four devices have 10 each


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["added", "own", "stateful"])
def test_added_losses_own_steps_and_kept_states_are_those_of_the_whole_batch(found_more, name):
    check(found_more[name], tested=name == "own")


@pytest.mark.nightly
def test_a_split_training_resumes_to_the_same_bits(found_more):
    whole, again = found_more["resumed"]
    assert whole == again


@pytest.mark.nightly
def test_two_devices_learn_as_one_does(found_more):
    one, two = found_more["on_two"]
    for key, values in two.items():
        np.testing.assert_allclose(values, one[key], rtol=1e-4, atol=1e-5, err_msg=key)


@pytest.mark.nightly
def test_a_split_model_is_saved_and_loaded(found_more):
    ours, loaded = found_more["loaded"]
    np.testing.assert_allclose(ours, loaded, rtol=1e-6)


@pytest.mark.nightly
def test_batches_of_a_generator_are_split(found_more):
    one, split = found_more["stream"]
    np.testing.assert_allclose(split, one, rtol=1e-5)


@pytest.mark.nightly
def test_batches_too_small_to_share_are_computed_all_the_same(found_more):
    assert np.isfinite(found_more["few"]).all()


@pytest.mark.nightly
def test_a_batch_size_below_the_number_of_devices_is_an_error(found_more):
    assert "batch_size=3 is smaller than the number of devices" in found_more["error"]
    assert "cpu:0, cpu:1, cpu:2, cpu:3" in found_more["error"]


@pytest.mark.nightly
def test_only_loops_over_time_that_leave_cores_idle_are_split_over_the_cores_that_were_asked_for(found_more):
    recurrent, convolved, dense = found_more["cores"]
    assert recurrent == ["batches, train: split over cpu:0, cpu:1, cpu:2, cpu:3"]
    assert convolved == dense == []


def shared(monkeypatch, layers, rows=64, turns=20, words=None, kind="train", optimizer="rmsprop"):
    """Is a step of this model split where nobody asked for it, on a CPU of two cores?"""
    monkeypatch.setattr(K.engine, "idle_cores", lambda: ("cpu:0", "cpu:1"))
    x = np.zeros((rows, turns, 3), "float32") if words is None else np.zeros((rows, turns), "int32")
    model = Sequential([Input(x.shape[1:], dtype=x.dtype.name), *layers, Dense(1)])
    model.compile(optimizer, "mse")
    data = model._prepare(x, np.ones((rows, 1), "float32"), for_training=True)
    return splitting.devices_for(model._ready_steps(data), kind, data, rows) == ("cpu:0", "cpu:1")


def test_unasked_loops_over_time_that_leave_cores_idle_are_split(monkeypatch):
    assert shared(monkeypatch, [LSTM(80)])  # 64 rows, 20 turns, 80 x 320: 33 million multiplications
    assert shared(monkeypatch, [Bidirectional(GRU(64))])
    assert shared(monkeypatch, [SimpleRNN(128, return_sequences=True), Flatten()], turns=30)
    assert shared(monkeypatch, [LSTM(64)], rows=64, turns=40)
    assert shared(monkeypatch, [Conv1D(4, 2), LSTM(80)], turns=40)
    assert shared(monkeypatch, [RNN(LSTMCell(80))])
    assert shared(monkeypatch, [RNN([GRUCell(60), SimpleRNNCell(60), GRUCell(60)])])  # 33 million in three loops


def test_unasked_small_loops_and_few_rows_are_not_split(monkeypatch):
    assert not shared(monkeypatch, [LSTM(32)])
    assert not shared(monkeypatch, [LSTM(256)], rows=30)


def test_unasked_what_uses_all_cores_by_itself_is_not_split(monkeypatch):
    assert not shared(monkeypatch, [Flatten(), Dense(2000)])
    images = [Reshape((40, 3, 1)), Conv2D(4, 2), Reshape((39, 8)), LSTM(80)]
    assert not shared(monkeypatch, images, turns=40)
    assert not shared(monkeypatch, [LSTM(384)])  # 38 million multiplications in one product
    large = [LSTM(80), Dense(3000), Dense(3000)]  # 9 million gradients to add up, where there are gradients
    assert not shared(monkeypatch, large, turns=40)
    assert shared(monkeypatch, large, turns=40, kind="test")
    assert shared(monkeypatch, large, turns=40, kind="predict")


class Twice(LSTMCell):
    """A user's version of a cell."""

    def call(self, inputs, states, training=None):
        return super().call(2 * inputs, states, training)


def test_unasked_walks_of_users_cells_and_of_unknown_activations_are_not_split(monkeypatch):
    # Each turn adds to the kernel's gradient there, for which the devices would have to meet: 1.3 of the time.
    assert not shared(monkeypatch, [RNN(Twice(80))])
    assert not shared(monkeypatch, [LSTM(80, activation="softplus")])
    assert not shared(monkeypatch, [LSTM(80, return_sequences=True), RNN([GRUCell(80), Twice(80)])])


def test_unasked_tables_count_unless_they_are_updated_by_row(monkeypatch):
    assert shared(monkeypatch, [Embedding(40_000, 64), LSTM(80)], words=40_000)
    assert not shared(monkeypatch, [Embedding(40_000, 64), LSTM(80)], words=40_000, optimizer="adam")
    monkeypatch.setattr(splitting, "MOST_WEIGHTS", 2_000_000)  # a copy of which lies on each core
    assert not shared(monkeypatch, [Embedding(40_000, 64), LSTM(80)], words=40_000)


def test_one_device_can_be_asked_for(monkeypatch):
    with DataParallel(1):
        assert not shared(monkeypatch, [LSTM(80)])


# A child that is told nothing about devices, whose CPU has two cores whatever this machine has.
UNASKED = """
import json, os, sys, threading
os.sched_getaffinity = lambda process: set(range(int(sys.argv[1])))
import jax, numpy as np, hornbeam
from hornbeam.distribution import list_devices
from hornbeam.layers import *

draw = np.random.default_rng(0)
x, y = draw.normal(size=(100, 30, 3)), draw.normal(size=(100, 1))
hornbeam.utils.set_random_seed(0)
model = hornbeam.Sequential([Input((30, 3)), Bidirectional(LSTM(64, dropout=0.2)), Dropout(0.5), Dense(1)])
model.compile("adam", "mse", metrics=["mae"])
history = model.fit(x, y, batch_size=48, epochs=2, verbose=0, validation_data=(x, y)).history
history["outputs"] = model.predict(x, batch_size=48).tolist()
report = []
model.compile_report(report.append)
def again(key):
    other = hornbeam.Sequential([Input((30, 3)), LSTM(64), Dense(1)])
    other.set_weights(start)
    other.compile("sgd", "mse")
    history[key] = other.fit(x, y, batch_size=100, epochs=8, verbose=0, shuffle=False).history["loss"]

start = hornbeam.Sequential([Input((30, 3)), LSTM(64), Dense(1)]).get_weights()
threads = [threading.Thread(target=again, args=(f"thread {i}",)) for i in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps([len(jax.devices()), list_devices(), [r.strip() for r in report if "batches" in r], history]))
"""


def test_two_cores_are_two_devices_unasked_and_train_as_one():
    one, two = [told_nothing(UNASKED, cores) for cores in ("1", "2")]
    assert one[:3] == [1, ["cpu:0"], []]
    both = [f"batches, {kind}: split over cpu:0, cpu:1" for kind in ("train", "test")]
    assert two[:3] == [2, ["cpu:0"], both]
    assert list(two[3])[:5] == ["loss", "mae", "val_loss", "val_mae", "outputs"]
    # models that meet at the same time in three threads do not wait for each other for ever
    assert len({str(two[3][f"thread {i}"]) for i in range(3)}) == 1
    for key, values in two[3].items():
        np.testing.assert_allclose(values, one[3][key], rtol=1e-5, err_msg=key)


MEETINGS = """
import numpy as np, hornbeam
from hornbeam.distribution import DataParallel
from hornbeam.layers import *

with DataParallel(2):
    model = hornbeam.Sequential([
        Embedding(50, 8, input_length=6), Bidirectional(LSTM(4, return_sequences=True)), GRU(4), Dense(1),
    ])
    model.compile("adam", "mse")
model.fit(np.ones((16, 6), "int32"), np.ones((16, 1)), batch_size=8, verbose=0)
"""


def test_devices_meet_once_a_step(tmp_path):
    result = child(MEETINGS, "2", XLA_FLAGS=f"--xla_dump_to={tmp_path} --xla_dump_hlo_as_text")
    assert result.returncode == 0, result.stderr[-3000:]
    programs = [path.read_text() for path in tmp_path.glob("*after_optimizations.txt")]
    meetings = [re.findall(r"= .* (all-\w+|collective-\w+)\(", program) for program in programs]
    assert [found for found in meetings if found] == [["all-reduce"]]


@pytest.mark.parametrize(
    ("before", "devices"),
    [
        ("import jax; jax.numpy.ones(1) + 1", 1),
        ("import jax; jax.config.update('jax_num_cpu_devices', 3)", 3),
        ("import os; os.environ['XLA_FLAGS'] = '--xla_force_host_platform_device_count=3'", 3),
        (
            "import os; os.sched_getaffinity = lambda process: {0, 1}\n"
            "import hornbeam, jax; jax.config.update('jax_num_cpu_devices', 3)",
            3,
        ),
    ],
)
def test_unasked_an_engine_that_was_told_or_has_started_is_left_alone(before, devices):
    program = f"""
{before}
import os
os.sched_getaffinity = lambda process: {{0, 1}}
import json, warnings
warnings.simplefilter("error")
import jax, hornbeam
print(json.dumps([len(jax.devices()), len(hornbeam.distribution.list_devices()), hornbeam.backend.engine.idle_cores()]))
"""
    assert told_nothing(program) == [devices, devices, []]


def told_nothing(program, *args):
    result = child(program, None, *args)
    assert result.returncode == 0, result.stderr[-3000:]
    return json.loads(result.stdout.splitlines()[-1])


def test_a_wrong_number_of_devices_is_an_error_that_names_the_variable():
    result = child("import hornbeam", "two")
    assert result.returncode != 0
    assert "HORNBEAM_CPU_DEVICES is a number of cores from 1 on; got 'two'" in result.stderr


def test_devices_asked_for_after_the_engine_started_are_a_warning():
    result = child("import jax; jax.numpy.ones(1) + 1; import hornbeam", "2")
    assert result.returncode == 0
    assert "HORNBEAM_CPU_DEVICES has no effect" in result.stderr
