"""Iterator and NumpyArrayIterator: order, subsets, files, threads and processes, training."""

import copy
import pickle
import threading

import keras_preprocessing.image as classic
import numpy as np
import pytest

from hornbeam.preprocessing import image
from hornbeam.utils.sequences import Sequence

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:keras_preprocessing")


def pictures(n=10, channels=1):
    return (np.random.RandomState(2).rand(n, 4, 4, channels) * 255).astype("float32")


def both(use, **settings):
    """What `use(generator)` gives for the classic and for ours, from the same seed."""
    results = []
    for module in (classic, image):
        np.random.seed(7)
        results.append(use(module.ImageDataGenerator(**settings)))
    return results


def assert_same(expected, ours):
    assert type(ours) is type(expected)
    if isinstance(expected, (tuple, list)):
        assert len(ours) == len(expected)
        for theirs, mine in zip(expected, ours):
            assert_same(theirs, mine)
    else:
        np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("seed", [None, 4])
@pytest.mark.parametrize("shuffle", [True, False])
def test_order(seed, shuffle):
    def use(generator):
        it = generator.flow(pictures(), np.arange(10), batch_size=4, shuffle=shuffle, seed=seed)
        seen = [next(it)[1] for _ in range(5)]
        it.reset()
        seen += [it.next()[1], it[2][1], it[0][1]]
        it.on_epoch_end()
        seen += [it[0][1], it.index_array]
        return seen, [len(it), it.n, it.batch_index, it.total_batches_seen]

    expected, ours = both(use, horizontal_flip=True)
    assert ours[1] == expected[1]
    assert_same(expected[0], ours[0])


@pytest.mark.parametrize("subset", ["training", "validation"])
def test_subsets(subset):
    y = np.arange(10) % 2
    x = (pictures(), [np.arange(10), np.arange(20).reshape(10, 2)])
    expected, ours = both(lambda g: next(g.flow(x, y, subset=subset, shuffle=False)), validation_split=0.4)
    assert_same(expected, ours)
    # The classic forgets to divide the weights and gives row 0's to the first training row, which is row 4.
    generator = image.ImageDataGenerator(validation_split=0.4)
    weighted = next(generator.flow(x, y, sample_weight=np.arange(10), subset=subset, shuffle=False))
    assert weighted[2].tolist() == ([0, 1, 2, 3] if subset == "validation" else [4, 5, 6, 7, 8, 9])


@pytest.mark.parametrize("y", [None, np.arange(30).reshape(10, 3), list(range(10))])
@pytest.mark.parametrize("further", [None, np.arange(10)])
def test_forms_of_a_batch(y, further):
    x = pictures() if further is None else (pictures(), further)
    expected, ours = both(lambda g: next(g.flow(x, y, batch_size=3)))
    assert_same(expected, ours)


@pytest.mark.parametrize("save_format", ["png", "jpeg"])
def test_saved_pictures(tmp_path, save_format):
    folders = iter((tmp_path / "classic", tmp_path / "ours"))
    (tmp_path / "classic").mkdir()  # ours makes its own

    def use(generator):
        folder = next(folders)
        it = generator.flow(
            pictures(5, 3), batch_size=2, save_to_dir=str(folder), save_prefix="p", save_format=save_format
        )
        next(it)
        return {path.name: path.read_bytes() for path in folder.iterdir()}, np.random.rand()

    expected, ours = both(use, rotation_range=20)
    assert len(expected[0]) == 2
    assert ours == expected


def test_is_a_sequence_without_end():
    it = image.ImageDataGenerator().flow(pictures(), np.arange(10), batch_size=4, shuffle=False)
    assert isinstance(it, Sequence)
    assert iter(it) is it
    assert it[-1][1].tolist() == [8, 9]  # the classic gives an empty batch here
    for index in (3, -4):
        with pytest.raises(ValueError, match=f"no batch {index}; it has 3"):
            it[index]


class Rows(image.Iterator):
    """As third parties write them: row numbers in, a batch out."""

    def _get_batches_of_transformed_samples(self, index_array):
        return index_array


def test_threads_share_an_iterator():
    it = Rows(1000, 3, shuffle=True, seed=None)
    taken = []

    def work():
        for _ in range(334 // 2):
            taken.extend(next(it).tolist())

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(1000)), "one pass, every row once"


def test_copies_agree_on_the_order_and_go_on():
    it = Rows(20, 3, shuffle=True, seed=None)
    other = pickle.loads(pickle.dumps(it))  # noqa: S301 - what a worker process gets
    assert np.concatenate([it[i] for i in range(len(it))]).tolist() == other.index_array.tolist()
    next(it)
    after = copy.deepcopy(it)
    assert next(after).tolist() == next(it).tolist()


def test_base_class_says_what_to_define():
    with pytest.raises(NotImplementedError, match="_get_batches_of_transformed_samples"):
        next(image.Iterator(3, 2, False, None))
    with pytest.raises(ValueError, match="Rows: batch_size must be an integer of at least 1"):
        Rows(3, 0, False, None)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"x": np.zeros((5, 4, 4))}, r"four axes, got shape \(5, 4, 4\).*channel axis"),
        ({"x": [np.zeros((4, 4, 1))] * 5}, r"a list of 5. Make one array.*np.stack"),
        ({"x": np.zeros((0, 4, 4, 1))}, "there are no pictures"),
        ({"x": pictures(), "y": np.arange(9)}, "y has 9 rows, x has 10 pictures"),
        ({"x": pictures(), "sample_weight": np.arange(3)}, "sample_weight has 3 rows"),
        ({"x": (pictures(), np.arange(4))}, r"x\[1\] has 4 rows"),
        ({"x": pictures(), "subset": "valid"}, "subset 'valid'. Did you mean 'validation'"),
        ({"x": pictures(2), "subset": "validation"}, "no pictures in the subset 'validation'"),
        ({"x": pictures(), "y": np.arange(10), "subset": "training"}, "other classes.*ignore_class_split"),
    ],
)
def test_wrong_arguments(given, message):
    with pytest.raises(ValueError, match=message):
        image.ImageDataGenerator(validation_split=0.3).flow(**given)


def test_a_subset_of_nothing():
    with pytest.raises(ValueError, match=r"nothing is held out.*validation_split=0\.2"):
        image.ImageDataGenerator().flow(pictures(), subset="validation")
    y = np.arange(10.0)
    generator = image.ImageDataGenerator(validation_split=0.2)
    it = generator.flow(pictures(), y, subset="validation", ignore_class_split=True)
    assert it.n == 2


def test_odd_channels_warn():
    with pytest.warns(UserWarning, match="have 5 channels with data_format='channels_last'"):
        image.ImageDataGenerator().flow(np.zeros((2, 4, 4, 5)))


def test_a_model_trains(tmp_path):
    from hornbeam.layers import Dense, Flatten
    from hornbeam.models import Sequential

    model = Sequential([Flatten(input_shape=(4, 4, 1)), Dense(1)])
    model.compile("sgd", "mse")
    before = model.get_weights()[0].copy()
    generator = image.ImageDataGenerator(rescale=1 / 2550, horizontal_flip=True)
    it = generator.flow(pictures(8), np.arange(8.0), batch_size=4)
    losses = model.fit(it, epochs=2, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    assert not np.array_equal(before, model.get_weights()[0])
    seen = it.total_batches_seen
    model.fit_generator(it, steps_per_epoch=3, epochs=2, workers=2, verbose=0)
    assert it.total_batches_seen >= seen + 6
    plain = image.ImageDataGenerator().flow(pictures(8), batch_size=4, shuffle=False)
    np.testing.assert_allclose(model.predict_generator(plain), model.predict(pictures(8)), rtol=1e-5)


@pytest.mark.nightly
def test_processes_make_the_batches(monkeypatch):
    from hornbeam.utils import workers
    from hornbeam.utils.sequences import OrderedEnqueuer

    monkeypatch.setattr(workers, "PATIENCE_S", 600)  # a process is slow to start where many do
    it = image.ImageDataGenerator().flow(pictures(), np.arange(10), batch_size=2)
    enqueuer = OrderedEnqueuer(it, use_multiprocessing=True)
    enqueuer.start(workers=2)
    batches = enqueuer.get()
    rows = np.concatenate([next(batches)[1] for _ in range(5)])
    enqueuer.stop(5)
    assert sorted(rows.tolist()) == list(range(10)), "the processes agree on the order"
