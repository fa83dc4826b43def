"""Texts as numbers: words, hashing, and the classic Tokenizer, for English, Chinese and the rest."""

import functools
import json
import sys
import warnings
from collections import Counter, OrderedDict, defaultdict
from hashlib import md5
from itertools import chain

import numpy as np

from hornbeam.checks import integer, unknown_keywords, unknown_name
from hornbeam.preprocessing.segmentation import CHINESE_PUNCTUATION, read_stop_words, segmenter_function

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
CHINESE_FILTERS = FILTERS + CHINESE_PUNCTUATION

# Texts are cleaned many at a time, joined by a character that no text has and no filter touches.
JOINT = "\0"
BATCH_CHARACTERS = 1 << 16

# What str.split() takes for a space beside the space.
_OTHER_SPACES = [c for c in map(chr, range(0x3001)) if c.isspace() and c != " "]

_MODES = ("binary", "count", "tfidf", "freq")


def text_to_word_sequence(text, filters=FILTERS, lower=True, split=" "):
    """The words of a text, in order: lower case, `filters` replaced by `split`, then split.

    Args:
        text: string.
        filters: characters to drop, as a string or a list. The default is ASCII punctuation but for the apostrophe, tab
            and line break; `CHINESE_FILTERS` has the full-width forms as well.
        lower: lower case first?
        split: what stands between words.

    Raises:
        TypeError: `text` is no string.

    Example:
        >>> text_to_word_sequence("The cat sat. The cat didn't!")
        ['the', 'cat', 'sat', 'the', 'cat', "didn't"]

    Reference: keras_preprocessing 1.1.2.
    """
    if not isinstance(text, str):
        raise _no_text(text)
    return _words(_cleaned(text, filters, lower, split), split)


def _words(cleaned, split):
    if not split:
        raise ValueError("split must be a string that is not empty. For characters: Tokenizer(char_level=True).")
    return list(filter(None, cleaned.split(split)))


def _no_text(text):
    return TypeError(
        f"A text is a string, got {text!r} ({type(text).__name__}). Leave it out or put '' in its place: "
        "texts.fillna('') does so for a pandas column, data.decode('utf-8') makes text of bytes."
    )


def _cleaned(text, filters, lower, split):
    """`text` with `split` in the place of every filtered character."""
    if lower:
        text = text.lower()
    filters = "".join(filters)
    if len(split) == 1 and not text.isascii():
        # str.translate looks up every character that is not ASCII, str.replace searches at the speed of memory.
        for character in filters:
            text = text.replace(character, split)
        return text
    return text.translate(_table(filters, split))


@functools.lru_cache(maxsize=64)
def _table(filters, split):
    return str.maketrans(dict.fromkeys(filters, split))


def _many_words(texts, filters, lower, split):
    """text_to_word_sequence of every text of a list, cleaned all at once; None where that would change the result."""
    joined = JOINT.join(texts)
    if joined.count(JOINT) != len(texts) - 1 or JOINT in filters or JOINT in split:
        return None
    cleaned = _cleaned(joined, filters, lower, split)
    if split == " " and not any(space in cleaned for space in _OTHER_SPACES):
        return [text.split() for text in cleaned.split(JOINT)]
    return [_words(text, split) for text in cleaned.split(JOINT)]


def one_hot(text, n, filters=FILTERS, lower=True, split=" "):
    """The words of a text as numbers hash(word) % (n - 1) + 1, in [1, n).

    Two words may get one number. Python hashes strings differently in every process unless PYTHONHASHSEED is set: for
    numbers that last, take `hashing_trick(text, n, "md5")`.

    Args:
        text: string.
        n: size of the space of numbers, 2 or more; 0 is never given.
        filters, lower, split: as for `text_to_word_sequence`.

    Example:
        >>> first, second = one_hot("again again", 100)
        >>> first == second
        True

    Reference: keras_preprocessing 1.1.2.
    """
    return hashing_trick(text, n, hash, filters, lower, split)


def hashing_trick(text, n, hash_function=None, filters=FILTERS, lower=True, split=" "):
    """The words of a text as numbers hash_function(word) % (n - 1) + 1, in [1, n), without a vocabulary.

    Args:
        text: string.
        n: size of the space of numbers, 2 or more; 0 is never given. Take it much larger than the number of words, so
            that few of them share a number.
        hash_function: 'md5' (the same in every process), a callable from a string to an integer, or None for Python's
            `hash` (another one in every process).
        filters, lower, split: as for `text_to_word_sequence`.

    Raises:
        ValueError: `n` is too small or the name is unknown.

    Example:
        >>> hashing_trick("The cat sat", 1000, "md5")
        [132, 759, 622]

    Reference: keras_preprocessing 1.1.2.
    """
    n = integer("hashing_trick", "n", n, least=2)
    if hash_function is None:
        hash_function = hash
    elif hash_function == "md5":
        hash_function = _md5
    elif not callable(hash_function):
        raise unknown_name("hash function", hash_function, ["md5"], "A callable from a string to an integer will do.")
    return [hash_function(word) % (n - 1) + 1 for word in text_to_word_sequence(text, filters, lower, split)]


def _md5(word):
    return int(md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


class Tokenizer:
    """Texts to sequences of word numbers and to matrices: the commonest word is 1, 0 is never given.

    Fit it on the training texts only. `num_words` cuts nothing off `word_index`: it says which numbers come out. Words
    that were never seen are left out unless `oov_token` is set. A text may also be a list of tokens.

    Chinese: `Tokenizer(segmenter="jieba")` cuts words by a dictionary, `"characters"` and `"bigrams"` need none, and
    English words in between stay whole. Full-width punctuation is then filtered too, unless `filters` is given.

    Args:
        num_words: only numbers below it come out, so at most `num_words - 1` words. None: all.
        filters: characters dropped from texts.
        lower: lower case?
        split: what stands between words.
        char_level: every character a token, with nothing filtered?
        oov_token: stands for words that are not known; its number is 1.
        document_count: documents counted already.
        segmenter: 'jieba' (jieba where it is installed, else rjieba, which the extra `[zh]` brings), 'rjieba',
            'characters', 'bigrams', or a callable from a string, filtered already, to its tokens.
        stop_words: path of a file with a word a line, or a collection: words left out of everything.

    Attributes:
        word_counts: OrderedDict from word to how often it came, in order of first appearance.
        word_docs: from word to the number of texts that have it.
        word_index, index_word: from word to number, and back.
        index_docs: from number to the number of texts that have the word.
        document_count: number of texts.

    Raises:
        TypeError: an argument is unknown. ValueError: a segmenter is, or a file is missing.

    Example:
        >>> tokenizer = Tokenizer(num_words=3, oov_token="?")
        >>> tokenizer.fit_on_texts(["The cat sat.", "The dog"])
        >>> tokenizer.word_index
        {'?': 1, 'the': 2, 'cat': 3, 'sat': 4, 'dog': 5}
        >>> tokenizer.texts_to_sequences(["the dog", "a cat"])
        [[2, 1], [1, 1]]

    Reference: keras_preprocessing 1.1.2, with equal results; `segmenter` and `stop_words` are ours.
    """

    segmenter = None  # so that Tokenizers pickled by the classics, which have neither, work
    stop_words = None

    def __init__(
        self, num_words=None, filters=FILTERS, lower=True, split=" ", char_level=False, oov_token=None,
        document_count=0, *, segmenter=None, stop_words=None, **kwargs,
    ):  # fmt: skip
        if "nb_words" in kwargs:
            warnings.warn("Tokenizer(nb_words) is the spelling of Keras 1; write num_words.", UserWarning, stacklevel=2)
            num_words = kwargs.pop("nb_words")
        if kwargs:
            raise unknown_keywords("Tokenizer", kwargs, [*_ARGUMENTS, "segmenter", "stop_words"])
        if segmenter is not None:
            segmenter_function(segmenter)  # complains now, not when texts come
            if char_level:
                raise ValueError(
                    "Tokenizer takes char_level or a segmenter, not both: segmenter='characters' leaves words of other "
                    "scripts whole, char_level=True takes everything apart."
                )
            filters = CHINESE_FILTERS if filters == FILTERS else filters
        self.word_counts = OrderedDict()
        self.word_docs = defaultdict(int)
        self.filters = filters
        self.split = split
        self.lower = lower
        self.num_words = num_words
        self.document_count = document_count
        self.char_level = char_level
        self.oov_token = oov_token
        self.index_docs = defaultdict(int)
        self.word_index = {}
        self.index_word = {}
        self.segmenter = segmenter
        if stop_words is not None:
            words = read_stop_words(stop_words)
            self.stop_words = frozenset(word.lower() for word in words) if lower else words

    # --- Tokens ---

    def _tokens(self, text):
        """Tokens of one text."""
        if isinstance(text, list | tuple):
            return self._meaningful([token.lower() for token in text] if self.lower else list(text))
        if not isinstance(text, str):
            raise _no_text(text)
        if self.char_level:
            return self._meaningful(list(text.lower() if self.lower else text))
        tokens = text_to_word_sequence(text, self.filters, self.lower, self.split)
        if self.segmenter is not None:
            cut = segmenter_function(self.segmenter)
            tokens = [token for piece in cut(" ".join(tokens)) if (token := piece.strip())]
        return self._meaningful(tokens)

    def _meaningful(self, tokens):
        return tokens if self.stop_words is None else [t for t in tokens if t not in self.stop_words]

    def _token_batches(self, texts):
        """Lists of the tokens of some texts each."""
        words = not self.char_level and self.segmenter is None
        for batch in _batches(texts):
            many = None
            if words and all(isinstance(text, str) for text in batch):
                many = _many_words(batch, self.filters, self.lower, self.split)
            yield [self._tokens(text) for text in batch] if many is None else list(map(self._meaningful, many))

    # --- Fitting ---

    def fit_on_texts(self, texts):
        """Count the words of texts and number them, the commonest first, of equally common ones the one seen first.

        May be called again with more texts: counts go on, and numbers change.

        Args:
            texts: list or generator of strings, or of lists of tokens.
        """
        counts, documents, count = Counter(self.word_counts), Counter(self.word_docs), self.document_count
        for batch in self._token_batches(texts):
            count += len(batch)
            counts.update(chain.from_iterable(batch))
            documents.update(chain.from_iterable(map(set, batch)))
        self.document_count = count
        self.word_counts.update(counts)
        self.word_docs.update(documents)
        by_count = sorted(counts, key=counts.__getitem__, reverse=True)
        words = by_count if self.oov_token is None else [self.oov_token, *by_count]
        # A word that is the oov_token as well gets the number it has as a word, as it always did.
        self.word_index = dict(zip(words, range(1, len(words) + 1)))
        self.index_word = {number: word for word, number in self.word_index.items()}
        self.index_docs.update({self.word_index[word]: count for word, count in self.word_docs.items()})

    def fit_on_sequences(self, sequences):
        """Count in how many sequences each number is, for `sequences_to_matrix(mode="tfidf")` without texts.

        Args:
            sequences: list of lists of word numbers.
        """
        for sequence in sequences:
            self.document_count += 1
            for number in set(sequence):
                self.index_docs[number] = self.index_docs.get(number, 0) + 1

    # --- Texts and sequences ---

    def texts_to_sequences(self, texts):
        """List of the word numbers of every text.

        Args:
            texts: list or generator of strings, or of lists of tokens.

        Example:
            >>> tokenizer = Tokenizer(segmenter="bigrams")
            >>> tokenizer.fit_on_texts(["你好吗？", "很好，你好！"])
            >>> tokenizer.texts_to_sequences(["你好 world"])
            [[1]]
        """
        numbers = self._numbers()
        return [numbers(tokens) for batch in self._token_batches(texts) for tokens in batch]

    def texts_to_sequences_generator(self, texts):
        """The word numbers of one text after the other; a text is taken when its numbers are asked for."""
        numbers = self._numbers()
        for text in texts:
            yield numbers(self._tokens(text))

    def _numbers(self):
        """The function from tokens to their numbers."""
        number_of = self.word_index.get
        limit = self.num_words or sys.maxsize
        if self.oov_token is None:
            return lambda tokens: [n for n in map(number_of, tokens) if n is not None and n < limit]
        unknown = number_of(self.oov_token)
        if unknown is None:
            raise self._no_oov_number()
        return lambda tokens: [unknown if n is None or n >= limit else n for n in map(number_of, tokens)]

    def _no_oov_number(self):
        return ValueError(
            f"Tokenizer: the oov_token {self.oov_token!r} has no number in word_index yet. Call fit_on_texts with the "
            f"training texts first, or put it there: tokenizer.word_index[{self.oov_token!r}] = 1."
        )

    def sequences_to_texts(self, sequences):
        """List of the texts of sequences of word numbers: the words with spaces in between.

        Numbers that stand for no word, and those from `num_words` on, become the oov_token or are left out.

        Args:
            sequences: list of lists of word numbers.
        """
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences):
        """The text of one sequence of word numbers after the other."""
        word_of = self.index_word.get
        limit = self.num_words or sys.maxsize
        unknown = None
        if self.oov_token is not None:
            if self.oov_token not in self.word_index:
                raise self._no_oov_number()
            unknown = word_of(self.word_index[self.oov_token])
        for sequence in sequences:
            words = (unknown if number >= limit else word_of(number, unknown) for number in sequence)
            yield " ".join(word for word in words if word is not None)

    # --- Matrices ---

    def texts_to_matrix(self, texts, mode="binary"):
        """Matrix with a row a text and a column a word number; see `sequences_to_matrix`.

        Example:
            >>> tokenizer = Tokenizer()
            >>> tokenizer.fit_on_texts(["a b b", "c"])
            >>> tokenizer.texts_to_matrix(["b b a"], "count")
            array([[0., 2., 1., 0.]])
        """
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences, mode="binary"):
        """Matrix with a row a sequence and a column a word number; numbers from `num_words` on are left out.

        Args:
            sequences: list of lists of word numbers.
            mode: 'binary' (1 where the word is there), 'count' (c, how often), 'freq' (c / length of the sequence), or
                'tfidf': (1 + log c) * log(1 + document_count / (1 + documents with the word)).

        Shapes:
            N sequences -> (N, num_words), float64

        Raises:
            ValueError: the mode is unknown, or nothing was fitted.
        """
        if mode not in _MODES:
            raise unknown_name("mode", mode, _MODES)
        if not self.num_words and not self.word_index:
            raise ValueError("Tokenizer: how many columns? Give num_words, or call fit_on_texts first.")
        if mode == "tfidf" and not self.document_count:
            raise ValueError("Tokenizer: 'tfidf' needs counts of documents: call fit_on_texts or fit_on_sequences.")
        columns = self.num_words or len(self.word_index) + 1
        rows, numbers, lengths = _places(sequences, columns)
        x = np.zeros((len(lengths), columns))
        if mode == "binary":
            x[rows, numbers] = 1
            return x
        np.add.at(x.reshape(-1), rows * columns + numbers, 1.0)
        if mode == "freq":
            x /= np.maximum(lengths, 1)[:, None]
        if mode == "tfidf":
            x[rows, numbers] = 1 + np.log(x[rows, numbers])
            documents = np.array([self.index_docs.get(number, 0) for number in range(columns)])
            x *= np.log(1 + self.document_count / (1 + documents))
        return x

    # --- Files ---

    def get_config(self):
        """Dictionary of all arguments and counts; the counts are JSON text, as the classics have them.

        Raises:
            ValueError: the segmenter is a callable, of which a file can hold nothing.
        """
        if callable(self.segmenter):
            raise ValueError(
                f"Tokenizer: a file cannot hold the segmenter {self.segmenter!r}, and without it texts would be cut in "
                "another way, unnoticed. Set tokenizer.segmenter = None before to_json(), and to your function again "
                "after tokenizer_from_json(); or take one that has a name: 'jieba', 'characters', 'bigrams'."
            )
        config = {name: getattr(self, name) for name in _ARGUMENTS}
        config |= {name: json.dumps(getattr(self, name)) for name in _COUNTS}
        # Only where they are set, so that keras_preprocessing reads all other files.
        if self.segmenter is not None:
            config["segmenter"] = self.segmenter
        if self.stop_words is not None:
            config["stop_words"] = sorted(self.stop_words)
        return config

    def to_json(self, **kwargs):
        """The configuration as JSON text, which `tokenizer_from_json` of the classics and ours reads.

        Args:
            kwargs: for `json.dumps`.

        Raises:
            ValueError: the segmenter is a callable.
        """
        return json.dumps({"class_name": type(self).__name__, "config": self.get_config()}, **kwargs)


_ARGUMENTS = ("num_words", "filters", "lower", "split", "char_level", "oov_token", "document_count")
_COUNTS = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")


def _batches(texts):
    """Lists of some texts each, so many that they make a good piece of work."""
    batch, size = [], 0
    for number, text in enumerate(texts):
        try:
            size += len(text)
        except TypeError:
            raise TypeError(f"Text number {number}: {_no_text(text)}") from None
        batch.append(text)
        if size > BATCH_CHARACTERS or len(batch) == 1024:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _places(sequences, columns):
    """Row and number of everything in `sequences` below `columns`, and the sequences' lengths."""
    sequences = [list(sequence) for sequence in sequences]
    lengths = np.array([len(sequence) for sequence in sequences], "int64")
    everything = list(chain.from_iterable(sequences))
    wrong = next((n for n in everything if not isinstance(n, int | np.integer) or n < 0), None)
    if wrong is not None:
        raise ValueError(
            f"sequences_to_matrix takes lists of word numbers, whole and from 0 on; one of them holds {wrong!r}. "
            "texts_to_sequences(texts) makes such lists, texts_to_matrix(texts) does both."
        )
    numbers = np.array(everything, "int64")
    rows = np.repeat(np.arange(len(lengths)), lengths)
    kept = numbers < columns
    return rows[kept], numbers[kept], lengths


def tokenizer_from_json(json_string):
    """The Tokenizer that `to_json` wrote, ours or the classics'.

    Its counts have the types they had before, so that fitting can go on.

    Args:
        json_string: JSON text.

    Raises:
        ValueError: the text is not that of a Tokenizer.

    Example:
        >>> tokenizer = Tokenizer()
        >>> tokenizer.fit_on_texts(["a b"])
        >>> tokenizer_from_json(tokenizer.to_json()).word_index
        {'a': 1, 'b': 2}
    """
    whole = json.loads(json_string)
    config = whole.get("config") if isinstance(whole, dict) else None
    if not isinstance(config, dict) or not set(_COUNTS) <= set(config):
        raise ValueError(
            f"tokenizer_from_json: this is no configuration of a Tokenizer: {json_string[:60]!r}. Give the text that "
            "tokenizer.to_json() returned."
        )
    counts = {name: json.loads(config.pop(name)) for name in _COUNTS}
    if "stop_words" in config:  # the words themselves, never the path of a file
        config["stop_words"] = list(config["stop_words"])
    tokenizer = Tokenizer(**config)
    tokenizer.word_counts.update(counts["word_counts"])
    tokenizer.word_docs.update(counts["word_docs"])
    # JSON has no keys but strings.
    tokenizer.index_docs.update({int(number): count for number, count in counts["index_docs"].items()})
    tokenizer.word_index = counts["word_index"]
    tokenizer.index_word = {int(number): word for number, word in counts["index_word"].items()}
    return tokenizer
