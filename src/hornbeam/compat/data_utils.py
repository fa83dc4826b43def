"""`keras.utils.data_utils`: downloads, sequences, and the functions that its worker processes called."""

from urllib.request import urlretrieve

from hornbeam.utils.data_utils import get_file, validate_file
from hornbeam.utils.sequences import GeneratorEnqueuer, OrderedEnqueuer, Sequence, SequenceEnqueuer

__all__ = [
    "GeneratorEnqueuer", "OrderedEnqueuer", "Sequence", "SequenceEnqueuer", "chunk_read", "get_file", "get_index",
    "init_pool", "init_pool_generator", "next_sample", "urlretrieve", "validate_file",
]  # fmt: skip

_shared = {}  # number of an enqueuer -> its sequence or generator


def chunk_read(response, chunk_size=8192, reporthook=None):
    """The content of a response, piece by piece.

    Args:
        response: what urlopen gave.
        chunk_size: bytes a piece, 8192.
        reporthook: function (number of the piece, chunk_size, all bytes or -1).
    """
    size = int(response.info().get("Content-Length", "-1").strip())
    count = 0
    while True:
        chunk = response.read(chunk_size)
        count += 1
        if reporthook is not None:
            reporthook(count, chunk_size, size)
        if not chunk:
            return
        yield chunk


def init_pool(seqs):
    """Set the sequences that `get_index` reads."""
    _shared.clear()
    _shared.update(seqs)


def get_index(uid, i):
    """Batch `i` of sequence `uid`."""
    return _shared[uid][i]


def init_pool_generator(gens, random_seed=None):
    """Set the generators that `next_sample` reads, and seed NumPy if `random_seed` is given."""
    init_pool(gens)
    if random_seed is not None:
        import numpy as np

        np.random.seed(random_seed)


def next_sample(uid):
    """The next batch of generator `uid`."""
    return next(_shared[uid])
