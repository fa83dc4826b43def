"""TensorBoard: what is written is read back with TensorBoard's own reader."""

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from hornbeam import layers, utils
from hornbeam.callbacks import BackupAndRestore, Callback, TensorBoard
from hornbeam.models import Model, Sequential
from hornbeam.training.callbacks.tensorboard import picture_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:tensorboard")  # of NumPy, in its own reader

X = np.random.RandomState(0).randint(0, 7, (12, 3)).astype("int32")
Y = np.random.RandomState(1).rand(12, 1).astype("float32")


@pytest.fixture(scope="module")
def model():
    utils.set_random_seed(0)
    inner = Sequential([layers.Dense(4, input_shape=(6,), name="a"), layers.Dense(2, name="b")], name="inner")
    ids = layers.Input((3,), dtype="int32", name="ids")
    x = layers.Flatten(name="flat")(layers.Embedding(7, 2, name="words")(ids))
    model = Model(ids, layers.Dense(1, name="out")(inner(x)))
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def read(folder):
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0, "histograms": 0, "images": 0})
    found.Reload()
    return found


def fit(model, folder, epochs=2, others=(), **kwargs):
    return model.fit(X, Y, batch_size=4, epochs=epochs, verbose=0, validation_data=(X, Y),
                     callbacks=[TensorBoard(folder, **kwargs), *others])  # fmt: skip


@pytest.fixture(scope="module")
def everything(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    history = fit(model, folder, histogram_freq=1, write_grads=True, write_images=True, embeddings_freq=1,
                  embeddings_metadata="labels.tsv")  # fmt: skip
    return folder, history, read(folder)


def test_scalars_have_the_names_of_the_logs_and_an_epoch_is_a_step(everything):
    _, history, found = everything
    assert set(found.Tags()["scalars"]) == {"loss", "mae", "val_loss", "val_mae"}
    for name, values in history.history.items():
        events = found.Scalars(name)
        assert [event.step for event in events] == [0, 1]
        np.testing.assert_allclose([event.value for event in events], values, rtol=1e-6)


def test_histograms_of_weights_outputs_and_gradients(everything, model):
    _, _, found = everything
    tags = set(found.Tags()["histograms"])
    weights = {tag for tag in tags if not tag.endswith(("_out", "_grad"))}
    assert len(weights) == len(model.weights)
    assert {"words_out", "flat_out", "inner_out", "out_out"} <= tags
    assert len([tag for tag in tags if tag.endswith("_grad")]) == len(model.trainable_weights)
    kernel = next(tag for tag in weights if tag.startswith("out/kernel"))
    last = found.Histograms(kernel)[-1]
    values = model.get_layer("out").get_weights()[0]
    assert last.step == 1
    assert last.histogram_value.num == values.size
    np.testing.assert_allclose([last.histogram_value.min, last.histogram_value.max], [values.min(), values.max()])


def test_gradients_are_those_of_the_loss(model):
    from hornbeam.training.data import ArrayData
    from hornbeam.training.probes import Probe

    # d mean((p - y)^2) / d bias = 2 mean(p - y)
    bias = dict(Probe(model, model._steps, ArrayData([X], [Y], [None], 0), 8).gradients())[model.weights[-1].name]
    np.testing.assert_allclose(bias, [2 * (model.predict(X[:8]) - Y[:8]).mean()], rtol=1e-4)


def test_images_of_weights(everything):
    _, _, found = everything
    tag = next(tag for tag in found.Tags()["images"] if tag.startswith("words/"))
    assert (found.Images(tag)[0].width, found.Images(tag)[0].height) == (7, 2)


def test_the_graph_has_a_node_for_every_layer_inner_ones_too(everything):
    nodes = {node.name: node for node in _graph(everything[2]).node}
    assert set(nodes) == {"ids", "words", "flat", "inner/a", "inner/b", "out"}
    assert list(nodes["inner/a"].input) == ["flat"]
    assert list(nodes["out"].input) == ["inner/b"]
    assert nodes["words"].op == "Embedding"
    assert [d.size for d in nodes["words"].attr["_output_shapes"].list.shape[0].dim] == [-1, 3, 2]


def _graph(found):
    return found.Graph()


def test_embeddings_can_be_read_by_the_projector(everything, model):
    from google.protobuf import text_format
    from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

    folder = everything[0]
    config = text_format.Parse((folder / "projector_config.pbtxt").read_text(), ProjectorConfig())
    (entry,) = config.embeddings
    assert (entry.tensor_name, entry.metadata_path) == ("words", "labels.tsv")
    points = np.loadtxt(folder / entry.tensor_path, delimiter="\t")
    np.testing.assert_allclose(points, model.get_layer("words").get_weights()[0], rtol=1e-5)


def test_embeddings_of_data_are_outputs_of_the_layers(model, tmp_path):
    fit(model, tmp_path, 1, embeddings_freq=1, embeddings_layer_names=["flat"], embeddings_data=X[:5])
    points = np.loadtxt(tmp_path / "embeddings" / "flat" / "00000.tsv", delimiter="\t")
    assert points.shape == (5, 6)
    with pytest.raises(ValueError, match="wrds"):
        fit(model, tmp_path, 1, embeddings_freq=1, embeddings_layer_names=["wrds"])


@pytest.mark.parametrize(("update_freq", "steps"), [("batch", [4, 8, 12]), (8, [8])])
def test_numbers_of_batches_are_written_by_samples_seen(model, tmp_path, update_freq, steps):
    fit(model, tmp_path, 1, update_freq=update_freq, write_graph=False)
    found = read(tmp_path)
    assert [event.step for event in found.Scalars("batch_loss")] == steps
    assert [event.step for event in found.Scalars("loss")] == [12]
    assert not found.Tags()["graph"]


def test_after_a_restart_no_epoch_stands_there_twice(model, tmp_path):
    class Stop(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    board, backup = tmp_path / "logs", tmp_path / "backup"
    stopped = TensorBoard(board)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=4, verbose=0, callbacks=[stopped, Stop(), BackupAndRestore(backup)], batch_size=4)
    stopped.writer.add_scalar("loss", 0.0, 2)  # of the epoch that is done once more
    stopped.on_train_end()
    fit(model, board, 4, [BackupAndRestore(backup)])
    assert [event.step for event in read(board).Scalars("loss")] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("shape", "wanted"), [((5,), (1, 5)), ((3, 2), (2, 3)), ((2, 3), (2, 3)), ((3, 3, 3, 4), (3, 12, 3)),
                          ((3, 2, 5, 4), (15, 8)), ((2, 3, 4), (3, 8)), ((2,) * 5, None), ((0,), None)],
)  # fmt: skip
def test_pictures_of_weights_of_every_rank(shape, wanted):
    image = picture_of(np.arange(np.prod(shape), dtype=float).reshape(shape))
    assert (None if image is None else image.shape) == wanted
    assert image is None or (image.min(), image.max()) == (0.0, 1.0)


def test_an_unknown_update_freq_is_answered():
    with pytest.raises(ValueError, match="TensorBoard: update_freq must be 'epoch', 'batch' or a whole number"):
        TensorBoard(update_freq="step")
