"""Same or different? A siamese network: two pictures through one network, and the distance of what comes out.

    python examples/siamese.py                      seconds: generated pictures in the layout of MNIST
    python examples/siamese.py --real --epochs 20   MNIST itself (11 MB, fetched once)

The shared layers learn to lay pictures of one class close together and others at least 1 apart (contrastive loss), so
that they can compare classes they were not shown. A pair counts as the same below a distance of 0.5.
"""

import argparse

import numpy as np

from hornbeam import backend as K
from hornbeam.datasets import mnist, synthetic
from hornbeam.layers import Dense, Dropout, Flatten, Input, Lambda
from hornbeam.models import Model
from hornbeam.optimizers import RMSprop
from hornbeam.utils import set_random_seed

parser = argparse.ArgumentParser(description="A siamese network on pairs of pictures.")
parser.add_argument("--real", action="store_true", help="MNIST itself instead of generated pictures")
parser.add_argument("--epochs", type=int, default=6)
parser.add_argument("--rows", type=int, default=1000, help="generated pictures")
parser.add_argument("--units", type=int, default=128)
args = parser.parse_args()
set_random_seed(0)

if args.real:
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
else:
    print("Generated pictures in the layout of MNIST; --real takes MNIST itself.")
    (x_train, y_train), (x_test, y_test) = synthetic.images(rows=args.rows)
x_train = x_train.astype("float32") / 255
x_test = x_test.astype("float32") / 255


def create_pairs(x, y):
    """Each picture beside one of its class (1), and beside one of another class (0): (2 B, 2, 28, 28), (2 B,)."""
    pairs, labels = [], []
    for i in range(len(x)):
        for same in (True, False):
            others = np.flatnonzero((y == y[i]) == same)
            pairs.append([x[i], x[np.random.choice(others)]])
            labels.append(float(same))
    return np.array(pairs), np.array(labels, "float32")


def euclidean_distance(vectors):
    x, y = vectors
    sum_square = K.sum(K.square(x - y), axis=1, keepdims=True)
    return K.sqrt(K.maximum(sum_square, K.epsilon()))  # the root has no slope at 0


def contrastive_loss(y_true, y_pred):
    """Hadsell, Chopra, LeCun 2006: pull the same together, push others apart until they are 1 away."""
    return K.mean(y_true * K.square(y_pred) + (1 - y_true) * K.square(K.maximum(1 - y_pred, 0)))


def accuracy(y_true, y_pred):
    return K.mean(K.equal(y_true, K.cast(y_pred < 0.5, y_true.dtype)))


pairs_train, labels_train = create_pairs(x_train, y_train)
pairs_test, labels_test = create_pairs(x_test, y_test)

picture = Input(shape=(28, 28))
x = Flatten()(picture)
x = Dense(args.units, activation="relu")(x)
x = Dropout(0.1)(x)
x = Dense(args.units, activation="relu")(x)
x = Dropout(0.1)(x)
x = Dense(args.units, activation="relu")(x)
base_network = Model(picture, x)

input_a = Input(shape=(28, 28))
input_b = Input(shape=(28, 28))
processed_a = base_network(input_a)  # the same layers twice: one set of weights
processed_b = base_network(input_b)
distance = Lambda(euclidean_distance, output_shape=lambda shapes: (shapes[0][0], 1))([processed_a, processed_b])
model = Model([input_a, input_b], distance)

model.compile(loss=contrastive_loss, optimizer=RMSprop(), metrics=[accuracy])
model.fit(
    [pairs_train[:, 0], pairs_train[:, 1]], labels_train, batch_size=32, epochs=args.epochs,
    validation_data=([pairs_test[:, 0], pairs_test[:, 1]], labels_test),
)  # fmt: skip

distances = model.predict([pairs_test[:, 0], pairs_test[:, 1]])[:, 0]
right = np.mean((distances < 0.5) == (labels_test == 1))
same, different = distances[labels_test == 1].mean(), distances[labels_test == 0].mean()
print(f"Mean distance: same {same:.2f}, different {different:.2f}")
print(f"Test accuracy on pairs {right:.3f} (guessing: 0.5)")
