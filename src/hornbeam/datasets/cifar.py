"""What CIFAR-10 and CIFAR-100 share: batches in an archive, read without running the pickles they are."""

import os

import numpy as np

from hornbeam import config
from hornbeam.datasets.pickled import read_pickled
from hornbeam.datasets.sources import fetch
from hornbeam.utils.archives import extract_archive


def read_batches(archive, folder, names, label_key, label_type):
    """Images and labels of these batches, one after the other.

    Args:
        archive: name of the published archive.
        folder: the folder it holds, which is where the cache has it unpacked.
        names: files in the folder.
        label_key: 'labels', 'fine_labels' or 'coarse_labels'.
        label_type: of the labels' array.

    Shapes:
        x (B, 32, 32, 3) uint8, or (B, 3, 32, 32) if the default layout is channels_first; y (B, 1)

    Raises:
        ValueError: a batch is not laid out as CIFAR's are.
    """
    path = fetch(archive, folder, untar=True)
    files = [os.path.join(path, name) for name in names]
    if not all(map(os.path.isfile, files)):  # unpacking was cut short once
        extract_archive(path + ".tar.gz", os.path.dirname(path), "tar")
    batches = [_batch(file, label_key, label_type) for file in files]
    images, labels = (np.concatenate(column) for column in zip(*batches))
    if config.image_data_format() == "channels_last":
        images = images.transpose(0, 2, 3, 1)
    return images, labels


def _batch(file, label_key, label_type):
    with open(file, "rb") as opened:
        content = opened.read()
    try:
        found = read_pickled(content)
        images = found[b"data"].reshape(-1, 3, 32, 32)
        labels = np.array(found[label_key.encode()], label_type).reshape(-1, 1)
        if images.dtype != "uint8" or len(images) != len(labels):
            raise ValueError(f"{len(images)} images of type {images.dtype}, {len(labels)} labels")
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"{file} is no batch of CIFAR ({error}). Delete its folder and load again.") from error
    return images, labels
