"""A generative adversarial network: one network draws pictures, another tells them from real ones; both get better.

    python examples/gan.py                         seconds: generated pictures in the layout of MNIST
    python examples/gan.py --real --steps 20000 --out drawn.png    MNIST itself (11 MB, fetched once), and a picture

Two compiled models share the layers of the discriminator. It was compiled while trainable; in the combined model, which
trains the generator, it is frozen: what `trainable` says when `compile` is called is what holds.
"""

import argparse
import warnings

import numpy as np

from hornbeam.datasets import mnist, synthetic
from hornbeam.layers import Dense, Dropout, Input, LeakyReLU
from hornbeam.models import Model, Sequential
from hornbeam.optimizers import Adam
from hornbeam.preprocessing.image import save_img
from hornbeam.utils import set_random_seed

parser = argparse.ArgumentParser(description="A generative adversarial network on MNIST.")
parser.add_argument("--real", action="store_true", help="MNIST itself instead of generated pictures")
parser.add_argument("--steps", type=int, default=400)
parser.add_argument("--rows", type=int, default=1250, help="generated pictures")
parser.add_argument("--units", type=int, default=128)
parser.add_argument("--out", metavar="FILE", help="write drawn pictures there, for instance drawn.png")
args = parser.parse_args()
set_random_seed(0)
latent_dim, batch_size = 32, 32

if args.real:
    (x_train, y_train), _ = mnist.load_data()
else:
    print("Generated pictures in the layout of MNIST; --real takes MNIST itself.")
    (x_train, y_train), _ = synthetic.images(rows=args.rows)
x_train = x_train.reshape(-1, 784).astype("float32") / 127.5 - 1

generator = Sequential(name="generator")
generator.add(Dense(args.units, input_dim=latent_dim))
generator.add(LeakyReLU(0.2))
generator.add(Dense(2 * args.units))
generator.add(LeakyReLU(0.2))
generator.add(Dense(784, activation="tanh"))

discriminator = Sequential(name="discriminator")
discriminator.add(Dense(2 * args.units, input_dim=784))
discriminator.add(LeakyReLU(0.2))
discriminator.add(Dropout(0.3))
discriminator.add(Dense(args.units))
discriminator.add(LeakyReLU(0.2))
discriminator.add(Dropout(0.3))
discriminator.add(Dense(1, activation="sigmoid"))
discriminator.compile(loss="binary_crossentropy", optimizer=Adam(lr=0.001, beta_1=0.5), metrics=["accuracy"])

discriminator.trainable = False
warnings.filterwarnings("ignore", message="`trainable` changed after compile")  # on purpose, see above
noise = Input(shape=(latent_dim,))
combined = Model(noise, discriminator(generator(noise)))
combined.compile(loss="binary_crossentropy", optimizer=Adam(lr=0.001, beta_1=0.5))


def likeness(pictures):
    """How much each picture looks like the mean picture of some class: the largest correlation, -1 to 1."""
    classes = np.array([x_train[y_train == name].mean(axis=0) for name in range(10)])
    classes -= classes.mean(axis=0)
    pictures = pictures - x_train.mean(axis=0)
    products = pictures @ classes.T
    return (products / np.linalg.norm(pictures, axis=1)[:, None] / np.linalg.norm(classes, axis=1)).max(axis=1)


some_noise = np.random.normal(size=(100, latent_dim))
before = likeness(generator.predict(some_noise)).mean()

for step in range(1, args.steps + 1):
    real = x_train[np.random.randint(0, len(x_train), batch_size)]
    drawn = generator.predict(np.random.normal(size=(batch_size, latent_dim)), verbose=0)
    loss_real, accuracy_real = discriminator.train_on_batch(real, np.ones(batch_size))
    loss_drawn, accuracy_drawn = discriminator.train_on_batch(drawn, np.zeros(batch_size))
    # The generator is better the more the discriminator takes its pictures for real ones.
    loss_generator = combined.train_on_batch(np.random.normal(size=(batch_size, latent_dim)), np.ones(batch_size))
    if step % max(1, args.steps // 5) == 0:
        print(
            f"Step {step:5}: discriminator loss {(loss_real + loss_drawn) / 2:.3f}, right on "
            f"{(accuracy_real + accuracy_drawn) / 2:.2f}; generator loss {loss_generator:.3f}"
        )

drawn = generator.predict(some_noise)
after = likeness(drawn).mean()
ceiling = likeness(x_train[:500]).mean()
print(f"Likeness to a class: {before:.2f} before, {after:.2f} after training (real pictures: {ceiling:.2f})")
if args.out:
    save_img(args.out, drawn.reshape(10, 10, 28, 28).transpose(0, 2, 1, 3).reshape(280, 280, 1))
    print(f"A hundred drawn pictures: {args.out}")
