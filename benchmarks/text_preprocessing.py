"""Many short documents fitted and turned into sequences, beside keras_preprocessing 1.1.2 in the same process.

Words follow Zipf's law, as in real text; every document has five to fifteen of them, capitals and punctuation. Both
take turns, and the shortest time counts. The tokenizers' results must be equal.
"""

import time

import numpy as np

import workload

CLAIMS = [
    workload.Claim("tokenizer_s", "fit 1 000 000 short documents and turn them into sequences", limit=0.7,
                   beside="classic_tokenizer_s", beside_title="keras_preprocessing 1.1.2"),
]  # fmt: skip
RUNS = 1

DOCUMENTS = workload.size(1_000_000, smoke=1_000)
VOCABULARY = 50_000
TIMES = 3


def documents(count):
    random = np.random.default_rng(0)
    letters = np.array(list("etaoinshrdlucmfwypvbgkjqxz"))
    words = ["".join(letters[random.integers(0, 26, random.integers(2, 10))]) for _ in range(VOCABULARY)]
    marks = ["", "", "", "", "", "", ",", ".", "!", ";"]
    texts = []
    for length in random.integers(5, 16, count):
        places = np.minimum(random.zipf(1.2, length), VOCABULARY) - 1
        chosen = [words[place] + marks[mark] for place, mark in zip(places, random.integers(0, len(marks), length))]
        texts.append(" ".join(chosen).capitalize())
    return texts


def run(Tokenizer, texts):
    start = time.perf_counter()
    tokenizer = Tokenizer(num_words=10_000, oov_token="?")
    tokenizer.fit_on_texts(texts)
    sequences = tokenizer.texts_to_sequences(texts)
    return time.perf_counter() - start, tokenizer.word_index, sequences


# Not called `measure`, because Keras 3, the peer of the other workloads, has no Tokenizer.
def fit_and_number(library, first, count=DOCUMENTS):
    from keras_preprocessing.text import Tokenizer as Classic

    from hornbeam.preprocessing.text import Tokenizer

    texts = documents(count)
    ours, theirs = [], []
    for _ in range(TIMES):
        ours_s, *found = run(Tokenizer, texts)
        theirs_s, *wanted = run(Classic, texts)
        if found != wanted:
            raise ValueError("The two tokenizers disagree, so their times say nothing.")
        del found, wanted  # before the next run, which would otherwise find the memory full
        ours.append(ours_s)
        theirs.append(theirs_s)
    return {"tokenizer_s": min(ours), "classic_tokenizer_s": min(theirs)}


if __name__ == "__main__":
    workload.main(fit_and_number)
