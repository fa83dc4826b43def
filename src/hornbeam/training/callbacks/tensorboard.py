"""The callback that writes what TensorBoard shows: scalars, histograms, the graph, images of weights, embeddings."""

import os
from typing import Any

import numpy as np

from hornbeam import backend as K
from hornbeam import checks, nest
from hornbeam.training import probes
from hornbeam.training.event_files import EventFile
from hornbeam.training.hooks import Callback
from hornbeam.utils.optional import require


class TensorBoard(Callback):
    """Writes event files for `tensorboard --logdir logs`: numbers, histograms, the graph, pictures, embeddings.

    Tags are the names in the logs, as in Keras 2. Histograms and gradients are of the first rows of the training data.

    Args:
        log_dir: folder, './logs'; made if need be.
        histogram_freq: every how many epochs weights and outputs of the layers become histograms, 0 for never.
        batch_size: number of rows that outputs and gradients are computed for, 32.
        write_graph: write the graph of the model, True.
        write_grads: histograms of the gradients too, where there are histograms, False.
        write_images: pictures of the weights too, where there are histograms, False.
        embeddings_freq: every how many epochs embeddings are written, 0 for never.
        embeddings_layer_names: names of their layers; None for all Embedding layers.
        embeddings_metadata: file with a label a line for the rows, or a dict of them by layer.
        embeddings_data: inputs whose layer outputs are the points; None for the rows of the layers' tables.
        update_freq: 'epoch'; 'batch', or a number: after so many samples write the batch's numbers too. Training then
            goes one step at a time.

    Raises:
        ImportError: when training begins: tensorboardX is not installed. ValueError: an argument that cannot be.

    Example:
        >>> TensorBoard("logs", histogram_freq=1).needs_batches
        False
    """

    standing: Any = None  # where the fit stands; set by it

    def __init__(
        self, log_dir="./logs", histogram_freq=0, batch_size=32, write_graph=True, write_grads=False,
        write_images=False, embeddings_freq=0, embeddings_layer_names=None, embeddings_metadata=None,
        embeddings_data=None, update_freq: int | str = "epoch",
    ):  # fmt: skip
        whole = isinstance(update_freq, int) and not isinstance(update_freq, bool) and update_freq > 0
        if not whole and update_freq not in ("epoch", "batch"):
            raise checks.wrong_argument("TensorBoard", "update_freq", update_freq, "'epoch', 'batch' or a whole number")
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.batch_size = batch_size
        self.write_graph = write_graph
        self.write_grads = write_grads
        self.write_images = write_images
        self.embeddings_freq = embeddings_freq
        self.embeddings_layer_names = embeddings_layer_names
        self.embeddings_metadata = embeddings_metadata
        self.embeddings_data = embeddings_data
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self.needs_batches = update_freq != "epoch"
        self.samples_seen = self.samples_seen_at_last_write = 0
        self._purge_from = None
        self._next_epoch = 0
        self._graph_due = write_graph
        self._writer: Any = None
        self._probe: Any = None

    def get_state(self):
        """The samples seen, and from which step on nothing is written yet."""
        step = self._next_epoch if self.update_freq == "epoch" else self.samples_seen + 1
        return {"seen": self.samples_seen, "written": self.samples_seen_at_last_write, "next": step}

    def set_state(self, state):
        """Go on; what was written since is struck out."""
        self.samples_seen, self.samples_seen_at_last_write = state["seen"], state["written"]
        self._purge_from = state["next"]
        self._graph_due = False

    def on_train_begin(self, logs=None):
        """Check that the file can be written, and the layers' names."""
        require("tensorboardX", "TensorBoard")
        os.makedirs(self.log_dir, exist_ok=True)
        if self.embeddings_freq:
            self._embedding_layers()
        self._graph_due = self.write_graph

    @property
    def writer(self) -> Any:
        """The open event file."""
        if self._writer is None:
            self._writer = EventFile(self.log_dir, self._purge_from)
            if self._graph_due:
                self._graph_due = False
                self._writer.add_graph(self.model)
        return self._writer

    def on_batch_end(self, batch, logs=None):
        """Write the batch's numbers, if it is time."""
        if self.update_freq == "epoch":
            return
        logs = logs or {}
        self.samples_seen += logs.get("size", 1)
        if self.samples_seen - self.samples_seen_at_last_write >= self.update_freq:
            self._write_scalars({f"batch_{n}": v for n, v in logs.items() if n not in ("batch", "size")})
            self.samples_seen_at_last_write = self.samples_seen

    def on_epoch_end(self, epoch, logs=None):
        """Write the epoch's numbers, and what else it is time for."""
        self._write_scalars(logs or {}, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
            self._write_outputs(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._write_embeddings(epoch)
        self._next_epoch = epoch + 1
        self.writer.flush()

    def on_train_end(self, logs=None):
        """Close the file."""
        if self._writer is not None:
            self._writer.close()
        self._writer = self._probe = self.standing = None

    # --- Parts ---

    def _write_scalars(self, logs, epoch=None):
        step = epoch if epoch is not None and self.update_freq == "epoch" else self.samples_seen
        for name, value in logs.items():
            for place, number in enumerate(np.asarray(value).ravel().tolist()):
                self.writer.add_scalar(name if np.ndim(value) == 0 else f"{name}_{place}", number, step)

    def _write_weights(self, epoch):
        for layer in self.model.layers:
            for weight in layer.weights:
                value = np.asarray(K.get_value(weight), "float32")
                tag = _tag(weight.name if "/" in weight.name else f"{layer.name}/{weight.name}")
                self._histogram(tag, value, epoch)
                image = picture_of(value) if self.write_images else None
                if image is not None:
                    self.writer.add_image(tag, image, epoch)

    def _write_outputs(self, epoch):
        sample = getattr(getattr(self.standing, "run", None), "sample", None)
        if sample is None:
            return
        if self._probe is None:
            self._probe = probes.Probe(self.model, self.standing.run.steps, sample, self.batch_size)
        for name, value in self._probe.outputs():
            self._histogram(f"{_tag(name)}_out", value, epoch)
        if self.write_grads:
            for name, value in self._probe.gradients():
                self._histogram(f"{_tag(name)}_grad", value, epoch)

    def _histogram(self, tag, value, epoch):
        if value.size and np.isfinite(value).all():
            self.writer.add_histogram(tag, value.ravel(), epoch)

    # --- Embeddings ---

    def _embedding_layers(self):
        names = self.embeddings_layer_names
        if names is not None:
            return [self.model.get_layer(name) for name in names]
        return [layer for layer in self.model.layers if type(layer).__name__ == "Embedding"]

    def _write_embeddings(self, epoch):
        """Points as text, and the file that tells TensorBoard's projector where they are."""
        entries = []
        for layer, points in self._points():
            folder = os.path.join(self.log_dir, "embeddings", layer.name)
            os.makedirs(folder, exist_ok=True)
            path = os.path.join(folder, f"{epoch:05d}.tsv")
            np.savetxt(path, points, fmt="%.7g", delimiter="\t")
            labels = self.embeddings_metadata
            labels = labels.get(layer.name) if isinstance(labels, dict) else labels
            entry = [f'tensor_name: "{layer.name}"', f'tensor_path: "{os.path.relpath(path, self.log_dir)}"']
            entry += [] if labels is None else [f'metadata_path: "{os.fspath(labels)}"']
            entries.append("embeddings {\n  " + "\n  ".join(entry) + "\n}\n")
        with open(os.path.join(self.log_dir, "projector_config.pbtxt"), "w", encoding="utf-8") as file:
            file.write("".join(entries))

    def _points(self):
        layers = self._embedding_layers()
        if self.embeddings_data is None:
            return [(layer, np.asarray(K.get_value(layer.weights[0]), "float32")) for layer in layers]
        function = K.function(self.model.inputs, [layer.output for layer in layers])
        found = function([np.asarray(a) for a in nest.to_list(self.embeddings_data)])
        return [(layer, np.asarray(v).reshape(len(v), -1)) for layer, v in zip(layers, found, strict=True)]


def _tag(name):
    return name.replace(":", "_")


def picture_of(weight):
    """A weight as a picture (H, W) or (H, W, 3) of numbers from 0 to 1; None if it has no such form.

    A vector is a strip and a matrix lies on its longer side; of a kernel (H, W, C, F) the filters stand side by side,
    in colour where C is 3, else the channels below each other.

    Example:
        >>> picture_of(np.arange(6.0).reshape(3, 2)).shape, picture_of(np.zeros((3, 3, 1, 8))).shape
        ((2, 3), (3, 24))
    """
    weight = np.asarray(weight, "float32")
    if weight.ndim == 1:
        image = weight[None]
    elif weight.ndim == 2:
        image = weight.T if weight.shape[0] > weight.shape[1] else weight
    elif weight.ndim == 4 and weight.shape[2] == 3:
        image = np.concatenate(list(np.moveaxis(weight, 3, 0)), axis=1)
    elif weight.ndim in (3, 4):
        kernel = weight if weight.ndim == 4 else weight[None]
        height, width, channels, filters = kernel.shape
        image = kernel.transpose(2, 0, 3, 1).reshape(channels * height, filters * width)
    else:
        return None
    if not image.size or not np.isfinite(image).all():
        return None
    low, high = image.min(), image.max()
    return (image - low) / (high - low) if high > low else np.zeros_like(image)
