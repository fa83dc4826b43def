"""Learning in one's own way: steps written plainly and compiled, several optimizers, eager running for the debugger."""

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam import losses, metrics, optimizers
from hornbeam.layers import BatchNormalization, Dense, Dropout, Input
from hornbeam.models import Model, Sequential

draw = np.random.default_rng(0)
X = draw.normal(size=(20, 3)).astype("float32")
Y = (X[:, :1] * 2).astype("float32")
WEIGHTS = draw.random(20).astype("float32")


class Plain(Model):
    """The step as Keras 3's guide has it."""

    def train_step(self, data):
        x, y = data
        with K.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred)
        variables = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


class Older(Model):
    """The step as TensorFlow's Keras has it."""

    def train_step(self, data):
        x, y = data
        with K.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compiled_loss(y, y_pred, regularization_losses=self.losses)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        self.compiled_metrics.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


class Inherited(Model):
    """Calls what it overrides."""

    def train_step(self, data):
        return super().train_step(data)


START = [draw.normal(size=s).astype("float32") for s in [(3, 4), (4,), (4, 1), (1,)]]


def _made(kind, **settings):
    x = Input((3,))
    model = kind(x, Dense(1)(Dense(4, activation="tanh", kernel_regularizer="l2")(x)))
    model.compile("adam", "mse", metrics=["mae"], **settings)
    model.set_weights(START)
    return model


def _trained(model, **settings):
    history = model.fit(X, Y, batch_size=5, epochs=2, shuffle=False, verbose=0, validation_data=(X, Y), **settings)
    return history.history, model.get_weights()


@pytest.fixture(scope="module")
def usual():
    return _trained(_made(Model))


@pytest.mark.parametrize("kind", [Plain, Older, Inherited])
def test_overriding_train_step_gives_what_fit_does(kind, usual):
    history, weights = _trained(_made(kind))
    for name in ("loss", "mae", "val_loss", "val_mae"):
        np.testing.assert_allclose(history[name], usual[0][name], rtol=1e-5)
    for a, b in zip(weights, usual[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [Model, Plain])
def test_run_eagerly_gives_the_same_numbers(kind, usual):
    model = _made(kind, run_eagerly=True)
    history, weights = _trained(model)
    for name in ("loss", "mae", "val_loss"):
        np.testing.assert_allclose(history[name], usual[0][name], rtol=1e-6)
    for a, b in zip(weights, usual[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.predict(X[:3]), model.predict_on_batch(X[:3]), rtol=1e-6)


def test_evaluate_and_steps_on_single_batches():
    model, reference = _made(Plain), _made(Model)
    np.testing.assert_allclose(model.evaluate(X, Y, verbose=0), reference.evaluate(X, Y, verbose=0), rtol=1e-6)
    np.testing.assert_allclose(model.train_on_batch(X, Y), reference.train_on_batch(X, Y), rtol=1e-5)
    assert model.metrics_names == ["loss", "mae"]
    np.testing.assert_allclose(model.predict(X), reference.predict(X), rtol=1e-5, atol=1e-6)


def test_the_step_is_compiled_once_for_all_batches_and_epochs():
    calls = []

    class Counted(Plain):
        def train_step(self, data):
            calls.append(data[0].shape)
            return super().train_step(data)

    model = _made(Counted)
    model.fit(X, Y, batch_size=5, epochs=1, verbose=0)
    traced = len(calls)
    assert traced <= 4
    model.fit(X, Y, batch_size=5, epochs=5, verbose=0)
    assert len(calls) == traced
    assert int(model.optimizer.iterations) == 6 * 4


def test_short_last_batch_and_rates_set_on_the_way():
    model = _made(Plain)
    model.optimizer.lr = 0.0
    before = model.get_weights()
    model.fit(X, Y, batch_size=8, epochs=1, verbose=0)  # 8, 8, 4
    assert int(model.optimizer.iterations) == 3
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    model.optimizer.lr = 0.01
    model.fit(X, Y, batch_size=8, epochs=1, verbose=0)
    assert np.abs(model.get_weights()[0] - before[0]).max() > 0


class Weighted(Model):
    """A loss of its own, weights, and trackers in attributes, with `metrics` overridden."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.tracker = metrics.Mean(name="loss")
        self.batches = K.Variable(0, dtype="int32", name="batches")

    @property
    def metrics(self):
        return [self.tracker]

    def train_step(self, data):
        x, y, weight = data
        with K.GradientTape() as tape:
            loss = K.mean(K.square(self(x, training=True) - y)[:, 0] * weight)
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        self.tracker.update_state(loss)
        self.batches.assign_add(1)
        return {"loss": self.tracker.result(), "nested": {"batches": self.batches}}

    def test_step(self, data):
        return {"sum": K.sum(data)}

    def predict_step(self, data):
        return {"double": 2 * self(data)}["double"]


def test_losses_metrics_and_variables_of_ones_own():
    x = Input((3,))
    model = Weighted(x, Dropout(0.5)(BatchNormalization()(Dense(1)(x))))
    model.compile("sgd")
    history = model.fit(X, Y, batch_size=5, epochs=3, verbose=0, sample_weight=WEIGHTS).history
    assert history["batches"] == [4.0, 8.0, 12.0]
    assert np.isfinite(history["loss"]).all()
    moving = [w.numpy() for w in model.non_trainable_weights]
    assert np.abs(moving[0]).max() > 0  # statistics were kept
    np.testing.assert_allclose(model.evaluate(X[:4], batch_size=4, verbose=0), X[:4].sum(), rtol=1e-5)
    np.testing.assert_allclose(model.predict(X), 2 * model(X), rtol=1e-5)


class GAN(Model):
    """As in the well-known examples: two networks, two optimizers, a `compile` of its own."""

    def __init__(self, discriminator, generator, latent):
        super().__init__()
        self.discriminator, self.generator, self.latent = discriminator, generator, latent

    def compile(self, d_optimizer, g_optimizer, loss_fn):
        super().compile()
        self.d_optimizer, self.g_optimizer, self.loss_fn = d_optimizer, g_optimizer, loss_fn
        self.d_loss_metric, self.g_loss_metric = metrics.Mean(name="d_loss"), metrics.Mean(name="g_loss")

    @property
    def metrics(self):
        return [self.d_loss_metric, self.g_loss_metric]

    def train_step(self, real):
        rows = K.shape(real)[0]
        noise = K.random_normal((rows, self.latent))
        combined = K.concatenate([self.generator(noise), real], axis=0)
        labels = K.concatenate([K.ones((rows, 1)), K.zeros((rows, 1))], axis=0)
        with K.GradientTape() as tape:
            d_loss = self.loss_fn(labels, self.discriminator(combined))
        grads = tape.gradient(d_loss, self.discriminator.trainable_weights)
        self.d_optimizer.apply_gradients(zip(grads, self.discriminator.trainable_weights, strict=True))
        noise = K.random_normal((rows, self.latent))
        with K.GradientTape() as tape:
            g_loss = self.loss_fn(K.zeros((rows, 1)), self.discriminator(self.generator(noise)))
        grads = tape.gradient(g_loss, self.generator.trainable_weights)
        self.g_optimizer.apply_gradients(zip(grads, self.generator.trainable_weights, strict=True))
        self.d_loss_metric.update_state(d_loss)
        self.g_loss_metric.update_state(g_loss)
        return {"d_loss": self.d_loss_metric.result(), "g_loss": self.g_loss_metric.result()}


REAL = draw.normal(3.0, 0.5, size=(512, 1)).astype("float32")


def test_several_optimizers_in_one_model_a_gan_trains():
    discriminator = Sequential([Dense(16, activation="tanh"), Dense(1)])  # built on the way, at the first step
    generator = Sequential([Dense(8, activation="tanh", input_shape=(2,)), Dense(1)])
    gan = GAN(discriminator, generator, 2)
    gan.compile(
        optimizers.Adam(0.01, beta_1=0.5),
        optimizers.Adam(0.01, beta_1=0.5),
        losses.BinaryCrossentropy(from_logits=True),
    )
    noise = draw.normal(size=(500, 2)).astype("float32")
    before = float(generator.predict(noise).mean())
    history = gan.fit(REAL, batch_size=64, epochs=30, verbose=0).history
    assert np.isfinite([history["d_loss"], history["g_loss"]]).all()
    assert abs(before) < 1
    assert abs(float(generator.predict(noise).mean()) - 3.0) < 0.7
    assert int(gan.d_optimizer.iterations) == int(gan.g_optimizer.iterations) == 30 * 8


def test_the_classic_gan_of_two_compiled_models_that_share_layers():
    generator = Sequential([Dense(8, activation="tanh", input_shape=(2,)), Dense(1)])
    discriminator = Sequential([Dense(16, activation="tanh", input_shape=(1,)), Dense(1, activation="sigmoid")])
    discriminator.compile(optimizers.Adam(0.02, beta_1=0.5), "binary_crossentropy")
    discriminator.trainable = False
    noise = Input((2,))
    gan = Model(noise, discriminator(generator(noise)))
    gan.compile(optimizers.Adam(0.02, beta_1=0.5), "binary_crossentropy")
    discriminator.trainable = True  # what each was compiled with holds for it
    own = np.random.default_rng(1)
    z = own.normal(size=(500, 2)).astype("float32")
    before = float(generator.predict(z).mean())
    for step in range(150):
        real, seeds = REAL[own.integers(0, 512, 64)], own.normal(size=(64, 2)).astype("float32")
        fake = np.asarray(generator(seeds))
        d_loss = discriminator.train_on_batch(np.concatenate([real, fake]), np.repeat([[1.0], [0.0]], 64, axis=0))
        held = discriminator.get_weights()
        discriminator.trainable = False
        g_loss = gan.train_on_batch(seeds, np.ones((64, 1)))
        discriminator.trainable = True
        if step == 0:
            for a, b in zip(discriminator.get_weights(), held, strict=True):
                np.testing.assert_array_equal(a, b)
    assert np.isfinite([d_loss, g_loss]).all()
    assert abs(before) < 1
    assert abs(float(generator.predict(z).mean()) - 3.0) < 1.0


class Looked(Model):
    """Looks at concrete values everywhere, as one does in a debugger."""

    seen = ()

    def __init__(self):
        super().__init__()
        self.hidden, self.out = Dense(4, activation="relu"), Dense(1)

    def call(self, x):
        hidden = self.hidden(x)
        self.seen = [*self.seen, ("call", float(np.asarray(hidden).max()))]
        if float(K.max(hidden)) < 0:  # a branch on values
            hidden = hidden * 2
        return self.out(hidden)


def test_run_eagerly_shows_values_in_call_loss_and_train_step():
    model = Looked()
    seen = []

    def loss(y_true, y_pred):
        value = K.mean(K.square(y_pred - y_true), axis=-1)
        seen.append(np.asarray(value).shape)
        return value

    model.compile("sgd", loss, run_eagerly=True)
    history = model.fit(X, Y, batch_size=10, epochs=2, verbose=0).history
    assert history["loss"][1] < history["loss"][0]
    assert len(model.seen) >= 4
    assert seen.count((10,)) == 4
    assert float(np.asarray(model(X)).shape[0]) == 20


def test_wrong_steps_are_answered():
    class Stateless(Model):
        def train_step(self, state, data):
            return state

    class Nothing(Model):
        def train_step(self, data):
            return None

    class Rows(Model):
        def train_step(self, data):
            return {"loss": data[1]}

    for kind, words in [(Stateless, "stateless form"), (Nothing, "must return a dict"), (Rows, "K.mean")]:
        with pytest.raises((TypeError, ValueError), match=words):
            _made(kind).fit(X, Y, verbose=0)
