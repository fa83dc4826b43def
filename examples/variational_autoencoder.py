"""A variational auto-encoder: pictures become points of a plane, and every point of the plane a picture.

    python examples/variational_autoencoder.py                      seconds: generated pictures in the layout of MNIST
    python examples/variational_autoencoder.py --real --epochs 50 --out plane.png    MNIST itself, and a map

The encoder gives a mean and a variance, a Lambda draws a point there, the decoder draws the picture. The loss is no
function of y: it is added to the model (`add_loss`), how unlikely the picture is plus how far the points are from a
normal distribution.
"""

import argparse

import numpy as np

from hornbeam import backend as K
from hornbeam.datasets import mnist, synthetic
from hornbeam.layers import Dense, Input, Lambda
from hornbeam.losses import binary_crossentropy
from hornbeam.models import Model
from hornbeam.preprocessing.image import save_img
from hornbeam.utils import set_random_seed

parser = argparse.ArgumentParser(description="A variational auto-encoder on MNIST.")
parser.add_argument("--real", action="store_true", help="MNIST itself instead of generated pictures")
parser.add_argument("--epochs", type=int, default=15)
parser.add_argument("--rows", type=int, default=1000, help="generated pictures")
parser.add_argument("--units", type=int, default=256, help="width of the hidden layers")
parser.add_argument("--out", metavar="FILE", help="write a map of the plane there, for instance plane.png")
args = parser.parse_args()
set_random_seed(0)
original_dim, latent_dim = 784, 2

if args.real:
    (x_train, _), (x_test, y_test) = mnist.load_data()
else:
    print("Generated pictures in the layout of MNIST; --real takes MNIST itself.")
    (x_train, _), (x_test, y_test) = synthetic.images(rows=args.rows)
x_train = x_train.reshape(-1, original_dim).astype("float32") / 255
x_test = x_test.reshape(-1, original_dim).astype("float32") / 255


def sampling(arguments):
    """A point drawn around the mean, written so that gradients go through mean and variance."""
    z_mean, z_log_var = arguments
    epsilon = K.random_normal(shape=(K.shape(z_mean)[0], latent_dim))
    return z_mean + K.exp(z_log_var / 2) * epsilon


inputs = Input(shape=(original_dim,), name="encoder_input")
x = Dense(args.units, activation="relu")(inputs)
z_mean = Dense(latent_dim, name="z_mean")(x)
z_log_var = Dense(latent_dim, name="z_log_var")(x)
z = Lambda(sampling, output_shape=(latent_dim,), name="z")([z_mean, z_log_var])
encoder = Model(inputs, [z_mean, z_log_var, z], name="encoder")

latent_inputs = Input(shape=(latent_dim,), name="z_sampling")
x = Dense(args.units, activation="relu")(latent_inputs)
decoder = Model(latent_inputs, Dense(original_dim, activation="sigmoid")(x), name="decoder")

outputs = decoder(encoder(inputs)[2])
vae = Model(inputs, outputs, name="vae")

reconstruction_loss = original_dim * binary_crossentropy(inputs, outputs)
kl_loss = -0.5 * K.sum(1 + z_log_var - K.square(z_mean) - K.exp(z_log_var), axis=-1)
vae.add_loss(K.mean(reconstruction_loss + kl_loss))
vae.compile(optimizer="adam")

history = vae.fit(x_train, epochs=args.epochs, batch_size=32, validation_data=(x_test, None))
loss_before, *_, loss_after = history.history["val_loss"]

restored = decoder.predict(encoder.predict(x_test)[0])
error = np.mean((restored - x_test) ** 2)
baseline = np.mean((x_train.mean(axis=0) - x_test) ** 2)
print(f"Loss on test pictures {loss_before:.1f} after the first epoch, {loss_after:.1f} after the last")
print(f"Squared error of restored pictures {error:.4f} (always the mean picture: {baseline:.4f})")

if args.out:
    # Fifteen by fifteen points of the plane, from the middle out to where a normal distribution ends.
    places = np.linspace(-2.5, 2.5, 15)
    points = np.array([[across, up] for up in places[::-1] for across in places])
    rows = decoder.predict(points).reshape(15, 15, 28, 28).transpose(0, 2, 1, 3).reshape(15 * 28, 15 * 28, 1)
    save_img(args.out, rows)
    print(f"The plane as a picture: {args.out}")
