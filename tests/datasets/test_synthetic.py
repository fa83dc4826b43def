"""Generated data: in the layouts of the classics, the same for the same seed, and learnable."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import MultinomialNB
from sklearn.preprocessing import StandardScaler

from hornbeam.datasets import synthetic


@pytest.mark.parametrize(("shape", "label_axes"), [((28, 28), 1), ((32, 32, 3), 2), ((9, 7), 1)])
def test_images(shape, label_axes):
    (x_train, y_train), (x_test, y_test) = synthetic.images(shape, classes=4, rows=300)
    assert x_train.shape == (240, *shape)
    assert x_test.shape == (60, *shape)
    assert y_train.ndim == label_axes
    assert {a.dtype.name for a in (x_train, y_train, x_test, y_test)} == {"uint8"}
    assert np.unique(y_train).tolist() == [0, 1, 2, 3]
    if shape == (28, 28):
        model = LogisticRegression(max_iter=50).fit(x_train.reshape(240, -1) / 255, y_train)
        assert model.score(x_test.reshape(60, -1) / 255, y_test) > 0.9


def counted(texts, size):
    return np.array([np.bincount(text, minlength=size) for text in texts])


@pytest.mark.parametrize(("make", "classes", "least"), [(synthetic.reviews, 2, 0.85), (synthetic.newswires, 46, 0.6)])
def test_texts(make, classes, least):
    (x_train, y_train), (x_test, y_test) = make(num_words=600)
    assert x_train.dtype == object
    assert y_train.dtype == np.int64
    assert all(type(text) is list and text[0] == 1 and min(text[1:]) >= 4 and max(text) < 600 for text in x_train)
    assert 0 <= y_train.min() <= y_train.max() < classes
    model = MultinomialNB().fit(counted(x_train, 600), y_train)
    assert model.score(counted(x_test, 600), y_test) > least


def test_housing():
    (x_train, y_train), (x_test, y_test) = synthetic.housing()
    assert (x_train.shape, y_train.shape, x_test.shape) == ((404, 13), (404,), (102, 13))
    assert y_train.min() >= 5
    assert y_train.max() <= 50
    assert x_train.std(0).max() > 50 * x_train.std(0).min()
    scaler = StandardScaler().fit(x_train)
    score = Ridge().fit(scaler.transform(x_train), y_train).score(scaler.transform(x_test), y_test)
    assert 0.8 < score < 0.97  # a part of it is curved


@pytest.mark.parametrize("make", [synthetic.images, synthetic.reviews, synthetic.newswires, synthetic.housing])
def test_the_seed_decides(make):
    (one, _), (test, _) = make(rows=60, test_split=0.5)
    (same, _), _ = make(rows=60, test_split=0.5)
    (other, _), _ = make(rows=60, test_split=0.5, seed=1)
    assert len(one) == len(test) == 30
    assert one.tolist() == same.tolist()
    assert one.tolist() != other.tolist()


def test_too_few_words_or_axes():
    with pytest.raises(ValueError, match="num_words must be at least 14; got 9"):
        synthetic.reviews(num_words=9)
    with pytest.raises(ValueError, match="shape must be .height, width"):
        synthetic.images(shape=(784,))
