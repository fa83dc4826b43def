"""Sequences of different lengths made equal, pairs of neighbouring words, and windows over time series."""

import json
import random
from itertools import chain

import numpy as np

from hornbeam.checks import integer, wrong_argument
from hornbeam.utils.sequences import Sequence

_ENDS = ("pre", "post")


def pad_sequences(sequences, maxlen=None, dtype="int32", padding="pre", truncating="pre", value=0.0):
    """One array of sequences of different lengths: short ones are filled up, long ones cut off.

    By default both happens at the beginning, which suits recurrent layers: what was read last counts most. Numbers are
    cast to `dtype`, so fractions need `dtype='float32'`.

    Args:
        sequences: list of sequences of numbers, or of rows of one shape.
        maxlen: length of the result; None takes the longest.
        dtype: type of the result. Strings of different lengths need `object`.
        padding: 'pre' or 'post', where short sequences are filled up.
        truncating: 'pre' or 'post', where long ones lose what is too much.
        value: what fills.

    Shapes:
        N sequences (any length, ...) -> (N, maxlen, ...)

    Raises:
        ValueError: a sequence is none, has rows of another shape, or `value` is no number.

    Example:
        >>> pad_sequences([[1, 2, 3], [4]], maxlen=2)
        array([[2, 3],
               [0, 4]], dtype=int32)

    Reference: keras_preprocessing 1.1.2.
    """
    for name, end in (("padding", padding), ("truncating", truncating)):
        if end not in _ENDS:
            raise wrong_argument("pad_sequences", name, end, "'pre' or 'post'")
    lengths, row_shape = _lengths_and_row_shape(sequences)
    if maxlen is None:
        if not lengths:
            raise ValueError("pad_sequences: there are no sequences, so none is the longest. Give maxlen.")
        maxlen = max(lengths)
    maxlen = integer("pad_sequences", "maxlen", maxlen, least=0)
    if isinstance(value, str) and np.dtype(dtype).kind not in "OU":
        raise ValueError(
            f"pad_sequences: the value {value!r} is text and does not fit dtype {dtype!r}. Give dtype=object, which "
            "holds strings of any length."
        )
    x = np.full((len(lengths), maxlen, *row_shape), value, dtype)
    if not x.size:
        return x
    if max(lengths) > maxlen:
        sequences = [s if n <= maxlen else s[n - maxlen :] if truncating == "pre" else s[:maxlen]
                     for s, n in zip(sequences, lengths)]  # fmt: skip
        lengths = [min(n, maxlen) for n in lengths]
    flat = _flat(sequences, sum(lengths), x.dtype) if row_shape == () else None
    if flat is None:
        _fill_one_by_one(x, sequences, padding)
        return x
    places, counts = np.arange(maxlen), np.array(lengths)[:, None]
    x[places < counts if padding == "post" else places >= maxlen - counts] = flat
    return x


def _lengths_and_row_shape(sequences):
    """Length of every sequence, and the shape of what the first one that is not empty consists of."""
    if not hasattr(sequences, "__len__"):
        raise ValueError(f"pad_sequences takes a list of sequences, got {type(sequences).__name__}. Give list(it).")
    lengths, row_shape = [], None
    for number, sequence in enumerate(sequences):
        try:
            lengths.append(len(sequence))
        except TypeError:
            raise ValueError(
                f"pad_sequences takes a list of sequences; number {number} is {sequence!r}. A single sequence goes "
                "into a list: [sequence]."
            ) from None
        if row_shape is None and lengths[-1]:
            row_shape = np.asarray(sequence).shape[1:]
    return lengths, row_shape or ()


def _flat(sequences, count, dtype):
    """Everything in lists or arrays of numbers one after the other; None where it takes a closer look."""
    types = set(map(type, sequences))
    if dtype.kind not in "biuf":
        return None
    try:
        if types == {np.ndarray}:
            flat = np.concatenate([part for part in sequences if len(part)], dtype=dtype, casting="unsafe")
        elif types <= {list, tuple}:
            flat = np.fromiter(chain.from_iterable(sequences), dtype, count)
        else:
            return None
    except (TypeError, ValueError):
        return None  # the rows differ in shape; which one does is found one by one
    return flat if flat.shape == (count,) else None


def _fill_one_by_one(x, sequences, padding):
    for number, sequence in enumerate(sequences):
        if not len(sequence):
            continue
        rows = np.asarray(sequence, x.dtype)
        if rows.shape != (len(sequence), *x.shape[2:]):
            raise ValueError(
                f"pad_sequences: sequence {number} consists of rows of shape {rows.shape[1:]}, the first one of rows "
                f"of shape {x.shape[2:]}. Make them equal, and give text as a list of words."
            )
        x[number, slice(len(rows)) if padding == "post" else slice(-len(rows), None)] = rows


def _remove_long_seq(maxlen, seq, label):
    """Sequences shorter than `maxlen` and their labels; programs import it by this name."""
    kept = [(sequence, of) for sequence, of in zip(seq, label) if len(sequence) < maxlen]
    return [sequence for sequence, _ in kept], [of for _, of in kept]


def make_sampling_table(size, sampling_factor=1e-5):
    """Probability min(1, sqrt(s / f)) of keeping each word, f its frequency by Zipf's law and s the sampling factor.

    For `skipgrams(sampling_table=...)`: common words teach little and are taken seldom. Words must be numbered from the
    commonest on, as Tokenizer does; f = 1 / (r (log r + 0.577) + 1/2 - 1/(12 r)) for rank r.

    Args:
        size: number of words, with 0, which is none.
        sampling_factor: s, 1e-5; the greater, the more common words are kept.

    Shapes:
        -> (size,)

    Example:
        >>> make_sampling_table(3).round(5)
        array([0.00315, 0.00315, 0.00548])

    Reference: Mikolov et al., "Distributed Representations of Words and Phrases and their Compositionality"
    (arXiv:1310.4546); keras_preprocessing 1.1.2.
    """
    rank = np.arange(integer("make_sampling_table", "size", size, least=1))
    rank[0] = 1
    ratio = sampling_factor * (rank * (np.log(rank) + 0.577) + 0.5 - 1.0 / (12.0 * rank))
    return np.minimum(1.0, ratio / np.sqrt(ratio))


def skipgrams(
    sequence, vocabulary_size, window_size=4, negative_samples=1.0, shuffle=True, categorical=False,
    sampling_table=None, seed=None,
):  # fmt: skip
    """Pairs [word, neighbour] with label 1 and [word, random word] with label 0, to learn embeddings from.

    Draws from the module `random`, and from the same numbers as the classic: `random.seed` makes all of it repeatable.
    `seed` governs the order alone, and is left behind as the state of `random`.

    Args:
        sequence: word numbers; 0 is no word.
        vocabulary_size: greatest word number plus one.
        window_size: how far a neighbour may be, to either side.
        negative_samples: how many pairs with random words for each true pair; 0 for none.
        shuffle: mix the pairs?
        categorical: labels [0, 1] and [1, 0] in the place of 1 and 0?
        sampling_table: probability to take a word by its number, see `make_sampling_table`.
        seed: of the order.

    Returns:
        (couples, labels), two lists of equal length.

    Raises:
        ValueError: the vocabulary has no word to draw.

    Example:
        >>> skipgrams([1, 2, 3], 4, window_size=1, negative_samples=0, shuffle=False)
        ([[1, 2], [2, 1], [2, 3], [3, 2]], [1, 1, 1, 1])

    Reference: Mikolov et al., "Efficient Estimation of Word Representations in Vector Space" (arXiv:1301.3781);
    keras_preprocessing 1.1.2.
    """
    yes, no = ([0, 1], [1, 0]) if categorical else (1, 0)
    words = list(sequence)
    couples = []
    for place, word in enumerate(words):
        if not word or (sampling_table is not None and sampling_table[word] < random.random()):
            continue
        near = words[max(0, place - window_size) : place] + words[place + 1 : place + window_size + 1]
        couples += [[word, other] for other in near if other]
    labels = [yes] * len(couples)
    if negative_samples > 0:
        couples += _negative_couples(couples, int(len(couples) * negative_samples), vocabulary_size)
        labels += [no] * (len(couples) - len(labels))
    if shuffle:
        random.seed(random.randint(0, 10_000_000) if seed is None else seed)
        order = list(range(len(couples)))
        random.shuffle(order)
        couples, labels = [couples[i] for i in order], [labels[i] for i in order]
    return couples, labels


def _negative_couples(couples, count, vocabulary_size):
    if count and vocabulary_size < 2:
        raise wrong_argument("skipgrams", "vocabulary_size", vocabulary_size, "the greatest word number plus one")
    words = [word for word, _ in couples]
    random.shuffle(words)
    return [[words[i % len(words)], random.randint(1, vocabulary_size - 1)] for i in range(count)]


class TimeseriesGenerator(Sequence):
    """Batches of windows over a series: sample data[i - length : i : sampling_rate] with target targets[i].

    The row `i` of a target is not in its window, so a model learns to look one step ahead; shift `targets` to look
    further. `start_index` and `end_index` keep training and test rows apart.

    Args:
        data: array (rows, ...) or list, a row a time step.
        targets: as many.
        length: rows that a window spans.
        sampling_rate: every how many rows one is taken, 1.
        stride: rows from one window to the next, 1.
        start_index: first row that is used, 0.
        end_index: last row that is used; None for the last one there is.
        shuffle: windows at random places, drawn anew for every batch, instead of one after the other?
        reverse: the latest row first?
        batch_size: windows in a batch, 128.

    Shapes:
        data (rows, ...), targets (rows, ...) -> (B, ceil(length / sampling_rate), ...), (B, ...)

    Raises:
        ValueError: data and targets differ in length, or no window fits. IndexError: there is no batch of this number.

    Example:
        >>> x, y = TimeseriesGenerator(np.arange(10), np.arange(10), length=4, sampling_rate=2, batch_size=2)[0]
        >>> x.tolist(), y.tolist()
        ([[0, 2], [1, 3]], [4, 5])

    Reference: keras_preprocessing 1.1.2. There, what `get_config` says starts `length` rows later; here it is the same.
    """

    def __init__(
        self, data, targets, length, sampling_rate=1, stride=1, start_index=0, end_index=None, shuffle=False,
        reverse=False, batch_size=128,
    ):  # fmt: skip
        if len(data) != len(targets):
            raise ValueError(
                f"TimeseriesGenerator: {len(data)} rows of data and {len(targets)} targets. Give every row its target; "
                "those of the first `length` rows are not used."
            )
        self.data = data
        self.targets = targets
        self.length = integer("TimeseriesGenerator", "length", length, least=1)
        self.sampling_rate = integer("TimeseriesGenerator", "sampling_rate", sampling_rate, least=1)
        self.stride = integer("TimeseriesGenerator", "stride", stride, least=1)
        self.start_index = integer("TimeseriesGenerator", "start_index", start_index, least=0) + self.length
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle = shuffle
        self.reverse = reverse
        self.batch_size = integer("TimeseriesGenerator", "batch_size", batch_size, least=1)
        if self.start_index > self.end_index:
            raise ValueError(
                f"TimeseriesGenerator: the first target would be row start_index + length = {self.start_index}, the "
                f"last one is row {self.end_index}. Take a shorter length or more rows."
            )

    def __len__(self):
        rows = self.end_index - self.start_index + 1
        return -(-rows // (self.batch_size * self.stride))

    def __getitem__(self, index):
        index = range(len(self))[index]
        if self.shuffle:
            rows = np.random.randint(self.start_index, self.end_index + 1, size=self.batch_size)
        else:
            first = self.start_index + self.batch_size * self.stride * index
            rows = np.arange(first, min(first + self.batch_size * self.stride, self.end_index + 1), self.stride)
        if type(self.data) is np.ndarray:
            samples = self.data[rows[:, None] + np.arange(-self.length, 0, self.sampling_rate)]
        else:  # lists, frames and files take slices only
            samples = np.array([self.data[row - self.length : row : self.sampling_rate] for row in rows])
        if type(self.targets) is np.ndarray:
            targets = self.targets[rows]
        else:
            targets = np.array([self.targets[row] for row in rows])
        return (samples[:, ::-1] if self.reverse else samples), targets

    def get_config(self):
        """Dictionary of the arguments; data and targets are JSON text.

        Raises:
            TypeError: JSON cannot hold them.
        """
        return {
            "data": _as_json(self.data, "data"),
            "targets": _as_json(self.targets, "targets"),
            "length": self.length,
            "sampling_rate": self.sampling_rate,
            "stride": self.stride,
            "start_index": self.start_index - self.length,
            "end_index": self.end_index,
            "shuffle": self.shuffle,
            "reverse": self.reverse,
            "batch_size": self.batch_size,
        }

    def to_json(self, **kwargs):
        """The configuration, data and all, as JSON text for `timeseries_generator_from_json`.

        Args:
            kwargs: for `json.dumps`.
        """
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


def _as_json(values, name):
    try:
        return json.dumps(values.tolist() if hasattr(values, "tolist") else values)
    except TypeError as error:
        raise TypeError(
            f"TimeseriesGenerator: JSON cannot hold the {name}, a {type(values).__name__} ({error}). Give an array or "
            "a list of numbers."
        ) from None


def timeseries_generator_from_json(json_string):
    """The TimeseriesGenerator that `to_json` wrote; its data are lists.

    Args:
        json_string: JSON text.

    Raises:
        ValueError: the text is not that of a TimeseriesGenerator.

    Example:
        >>> written = TimeseriesGenerator(np.arange(5), np.arange(5), length=2).to_json()
        >>> timeseries_generator_from_json(written)[0][1].tolist()
        [2, 3, 4]
    """
    whole = json.loads(json_string)
    config = whole.get("config") if isinstance(whole, dict) else None
    if not isinstance(config, dict) or not {"data", "targets", "length"} <= set(config):
        raise ValueError(
            f"timeseries_generator_from_json: this is no configuration of a TimeseriesGenerator: {json_string[:60]!r}. "
            "Give the text that its to_json() returned."
        )
    parsed = {name: json.loads(config[name]) for name in ("data", "targets")}
    return TimeseriesGenerator(**{**config, **parsed})
