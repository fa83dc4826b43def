"""ModelCheckpoint: when it saves, under which name, and what it refuses."""

import pytest

from hornbeam.training.callbacks import ModelCheckpoint


class Model:
    """Writes down what it is asked to save."""

    def __init__(self):
        self.saved = []

    def save(self, path, overwrite):
        self.saved.append(("model", path, overwrite))

    def save_weights(self, path, overwrite):
        self.saved.append(("weights", path, overwrite))


def run(checkpoint, values, name="val_loss"):
    """Train through `values`; returns what was saved."""
    checkpoint.set_params({"metrics": ["loss", name]})
    checkpoint.set_model(Model())
    checkpoint.on_train_begin()
    for epoch, value in enumerate(values):
        checkpoint.on_epoch_end(epoch, {"loss": 0.125, name: value})
    return checkpoint.model.saved


def test_saves_every_epoch():
    assert run(ModelCheckpoint("m.h5"), [1, 2]) == [("model", "m.h5", True)] * 2


def test_the_name_is_formatted():
    saved = run(ModelCheckpoint("w.{epoch:02d}-{val_loss:.2f}-{loss:.1e}.h5", save_weights_only=True), [1.234, 0.5])
    assert saved == [("weights", "w.01-1.23-1.2e-01.h5", True), ("weights", "w.02-0.50-1.2e-01.h5", True)]


def test_the_name_knows_both_names_of_accuracy():
    assert run(ModelCheckpoint("{val_acc:.1f}"), [0.9], "val_accuracy") == [("model", "0.9", True)]


def test_saves_the_best_only():
    saved = run(ModelCheckpoint("{epoch}", save_best_only=True), [3.0, 4.0, 2.0, 2.0, 1.0])
    assert [path for _, path, _ in saved] == ["1", "3", "5"]


def test_the_best_accuracy_is_the_highest():
    saved = run(ModelCheckpoint("{epoch}", "val_acc", save_best_only=True), [0.5, 0.4, 0.6], "val_accuracy")
    assert [path for _, path, _ in saved] == ["1", "3"]


def test_a_threshold_must_be_beaten_first():
    checkpoint = ModelCheckpoint("{epoch}", save_best_only=True, initial_value_threshold=2.5)
    assert [path for _, path, _ in run(checkpoint, [3.0, 2.0])] == ["2"]


def test_every_third_epoch():
    assert [path for _, path, _ in run(ModelCheckpoint("{epoch}", period=3), range(7))] == ["3", "6"]


def test_what_it_says(capsys):
    run(ModelCheckpoint("m.h5", verbose=1, save_best_only=True), [2.0, 3.0])
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 00001: val_loss improved from inf to 2.00000, saving model to m.h5",
        "Epoch 00002: val_loss did not improve from 2.00000",
    ]


def test_folders_are_made(tmp_path):
    path = tmp_path / "a" / "b" / "m.h5"
    assert run(ModelCheckpoint(path), [1]) == [("model", str(path), True)]
    assert path.parent.is_dir()


def test_classic_order_of_arguments():
    checkpoint = ModelCheckpoint("f", "acc", 1, True, True, "max", 2)
    assert (checkpoint.monitor, checkpoint.verbose, checkpoint.save_best_only) == ("acc", 1, True)
    assert (checkpoint.save_weights_only, checkpoint.mode, checkpoint.period) == (True, "max", 2)


@pytest.mark.parametrize(
    ("checkpoint", "message"),
    [
        (ModelCheckpoint("m", "val_acc", save_best_only=True), "looks for 'val_acc', which"),
        (ModelCheckpoint("{epoch}-{val_acc:.2f}"), "looks for 'val_acc', which"),
    ],
)
def test_names_that_cannot_come_are_errors_before_the_first_epoch(checkpoint, message):
    checkpoint.set_params({"metrics": ["loss", "val_loss"]})
    with pytest.raises(ValueError, match=message):
        checkpoint.on_train_begin()


def test_the_monitor_matters_only_if_it_is_read():
    assert run(ModelCheckpoint("m", "val_acc"), [1]) == [("model", "m", True)]


def test_a_name_that_did_not_come_after_all():
    checkpoint = ModelCheckpoint("{f1}")
    checkpoint.set_model(Model())
    with pytest.raises(ValueError, match="cannot form the file name '{f1}': there is no 'f1'; there are: loss, epoch"):
        checkpoint.on_epoch_end(0, {"loss": 1.0})


@pytest.mark.parametrize("period", [0, -1, 1.5])
def test_a_wrong_period(period):
    with pytest.raises(ValueError, match="period must be a whole number"):
        ModelCheckpoint("m", period=period)


def test_a_model_that_cannot_be_saved_is_told_before_training():
    class Unsaved:
        pass

    callback = ModelCheckpoint("m.h5")
    callback.set_model(Unsaved())
    callback.set_params({"metrics": ["loss", "val_loss"]})
    with pytest.raises(NotImplementedError, match="get_weights"):
        callback.on_train_begin()
