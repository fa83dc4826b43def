"""Two inputs, two outputs: a text and five numbers about it; an answer from both, and one from the text alone.

    python examples/news_two_inputs.py           seconds: generated newswires in the layout of reuters
    python examples/news_two_inputs.py --real    Reuters itself (2 MB, fetched once), 10 000 words

Is this newswire of the largest topic? The LSTM reads its last hundred words; five numbers that describe the text come
in beside it. The second output makes the LSTM learn early, on its own: its loss counts a fifth.
"""

import argparse

import numpy as np

from hornbeam.datasets import reuters, synthetic
from hornbeam.layers import LSTM, Dense, Embedding, Input, concatenate
from hornbeam.models import Model
from hornbeam.preprocessing.sequence import pad_sequences
from hornbeam.utils import set_random_seed

parser = argparse.ArgumentParser(description="A functional model with two inputs and two outputs.")
parser.add_argument("--real", action="store_true", help="Reuters itself instead of generated texts")
parser.add_argument("--epochs", type=int, default=6)
parser.add_argument("--rows", type=int, default=1500, help="generated texts")
parser.add_argument("--length", type=int, default=100, help="words the LSTM reads")
args = parser.parse_args()
set_random_seed(0)

if args.real:
    num_words, width = 10000, 512
    (texts, topics), (texts_test, topics_test) = reuters.load_data(num_words=num_words)
else:
    print("Generated texts in the layout of reuters; --real takes Reuters itself.")
    num_words, width = 1000, 32
    (texts, topics), (texts_test, topics_test) = synthetic.newswires(rows=args.rows, num_words=num_words, classes=4)
largest = np.bincount(topics).argmax()


def prepare(texts, topics):
    """Word numbers (rows, length), five numbers a text (rows, 5), and the answers (rows, 1)."""
    facts = [
        [len(text) / 100, len(set(text)) / len(text), np.mean(np.array(text) < 20), np.log(np.mean(text)), 1.0]
        for text in texts
    ]
    return pad_sequences(texts, maxlen=args.length), np.array(facts, "float32"), (topics == largest)[:, None]


words, facts, labels = prepare(texts, topics)
words_test, facts_test, labels_test = prepare(texts_test, topics_test)

main_input = Input(shape=(args.length,), dtype="int32", name="main_input")
x = Embedding(output_dim=width, input_dim=num_words, input_length=args.length)(main_input)
lstm_out = LSTM(32)(x)
auxiliary_output = Dense(1, activation="sigmoid", name="aux_output")(lstm_out)

auxiliary_input = Input(shape=(5,), name="aux_input")
x = concatenate([lstm_out, auxiliary_input])
x = Dense(64, activation="relu")(x)
x = Dense(64, activation="relu")(x)
x = Dense(64, activation="relu")(x)
main_output = Dense(1, activation="sigmoid", name="main_output")(x)

model = Model(inputs=[main_input, auxiliary_input], outputs=[main_output, auxiliary_output])
model.compile(
    optimizer="rmsprop",
    loss={"main_output": "binary_crossentropy", "aux_output": "binary_crossentropy"},
    loss_weights={"main_output": 1.0, "aux_output": 0.2},
    metrics=["accuracy"],
)
model.summary()
model.fit(
    {"main_input": words, "aux_input": facts}, {"main_output": labels, "aux_output": labels},
    epochs=args.epochs, batch_size=32, validation_split=0.1,
)  # fmt: skip

scores = model.evaluate([words_test, facts_test], [labels_test, labels_test], verbose=0)
scores = dict(zip(model.metrics_names, scores))
baseline = max(labels_test.mean(), 1 - labels_test.mean())
accuracy, accuracy_of_text = scores["main_output_accuracy"], scores["aux_output_accuracy"]
print(
    f"Test accuracy: main output {accuracy:.3f}, auxiliary output {accuracy_of_text:.3f} "
    f"(always the commoner answer: {baseline:.3f})"
)
