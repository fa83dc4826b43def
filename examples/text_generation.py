"""Text, letter by letter: an LSTM learns which letter comes next, and then writes on by itself.

    python examples/text_generation.py      seconds: sentences made by a tiny grammar
    python examples/text_generation.py --text book.txt --epochs 60 --units 128    a text of 100 000 letters or more

The temperature says how bold the writer is: 0.2 nearly always takes the likeliest letter and repeats itself, 1.0 takes
letters as often as they were learned, 1.2 begins to invent words.
"""

import argparse

import numpy as np

from hornbeam.layers import LSTM, Dense
from hornbeam.models import Sequential
from hornbeam.optimizers import RMSprop
from hornbeam.utils import set_random_seed

parser = argparse.ArgumentParser(description="A character LSTM that writes.")
parser.add_argument("--text", metavar="FILE", help="a text to learn from (UTF-8) instead of generated sentences")
parser.add_argument("--epochs", type=int, default=8)
parser.add_argument("--units", type=int, default=64)
parser.add_argument("--length", type=int, default=6000, help="letters of generated text")
parser.add_argument("--written", type=int, default=120, help="letters to write at each temperature")
args = parser.parse_args()
set_random_seed(0)
maxlen, step = 20, 2  # letters the LSTM sees, and letters between two windows

if args.text:
    with open(args.text, encoding="utf-8") as file:
        text = file.read().lower()
else:
    print("Sentences made by a tiny grammar; --text takes a text of yours.")
    animals, places = ["fox", "owl", "hare", "badger"], ["wood", "field", "old barn", "river"]
    deeds = ["sleeps in the", "runs to the", "waits by the", "sings in the"]
    text = ""
    while len(text) < args.length:
        text += f"the {np.random.choice(animals)} {np.random.choice(deeds)} {np.random.choice(places)}. "

chars = sorted(set(text))
char_indices = {char: i for i, char in enumerate(chars)}
starts = range(0, len(text) - maxlen, step)
x = np.zeros((len(starts), maxlen, len(chars)), "float32")
y = np.zeros((len(starts), len(chars)), "float32")
for i, start in enumerate(starts):
    for t, char in enumerate(text[start : start + maxlen]):
        x[i, t, char_indices[char]] = 1
    y[i, char_indices[text[start + maxlen]]] = 1
print(f"{len(text)} letters, {len(chars)} of them different, {len(x)} windows of {maxlen}")

model = Sequential()
model.add(LSTM(args.units, input_shape=(maxlen, len(chars))))
model.add(Dense(len(chars), activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer=RMSprop(lr=0.01), metrics=["accuracy"])
history = model.fit(x, y, batch_size=64, epochs=args.epochs, validation_split=0.1)


def sample(probabilities, temperature):
    """Draw a letter; low temperatures make likely letters likelier still."""
    logits = np.log(probabilities.astype("float64") + 1e-12) / temperature
    probabilities = np.exp(logits - logits.max())
    return np.random.choice(len(probabilities), p=probabilities / probabilities.sum())


start = np.random.randint(len(text) - maxlen)
for temperature in (0.2, 0.5, 1.0, 1.2):
    sentence, written = text[start : start + maxlen], ""
    for _ in range(args.written):
        seen = np.zeros((1, maxlen, len(chars)), "float32")
        for t, char in enumerate(sentence):
            seen[0, t, char_indices[char]] = 1
        char = chars[sample(model.predict(seen, verbose=0)[0], temperature)]
        sentence, written = sentence[1:] + char, written + char
    print(f"\n{temperature}: {text[start : start + maxlen]}|{written}")
    if temperature == 0.5:  # the first and the last word may be cut off
        words = written.split()[1:-1]
        known = np.mean([word in text.split() for word in words])

accuracy = history.history["val_accuracy"][-1]
commonest = max(text.count(char) for char in chars) / len(text)
print(f"\nNext letter right: {accuracy:.3f} of held-out windows (always the commonest letter: {commonest:.3f})")
print(f"Words written at temperature 0.5 that the text has: {known:.2f}")
