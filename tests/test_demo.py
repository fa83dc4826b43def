"""The demo: its data, its network, and one short run of it."""

import numpy as np

from hornbeam import demo


def test_no_image_is_in_two_parts():
    training, validation, test = demo.load()
    rows = [image.tobytes() for x, _ in (training, validation, test) for image in x]
    assert len(rows) == len(set(rows)) == 1797
    assert [len(x) for x, _ in (training, validation, test)] == [1222, 216, 359]


def test_every_digit_is_in_every_part_in_proportion():
    for _, y in demo.load():
        shares = y.mean(axis=0)
        np.testing.assert_allclose(shares, 0.1, atol=0.01)
        assert (y.sum(axis=1) == 1).all()


def test_points_go_from_0_to_1():
    for x, _ in demo.load():
        assert x.shape[1:] == (8, 8, 1)
        assert (x.dtype, x.min(), x.max()) == ("float32", 0, 1)


def test_moved_images():
    x, y = np.zeros((1, 3, 3, 1)), np.array([[1.0, 0.0]])
    x[0, 1, 1, 0] = 1
    moved, labels = demo.with_shifts(x, y)
    places = {tuple(np.argwhere(image[..., 0])[0]) for image in moved}
    assert places == {(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)}
    assert labels.tolist() == [[1.0, 0.0]] * 5


def test_a_short_run(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(demo, "with_shifts", lambda x, y: (x, y))
    accuracy = demo.run(epochs=2, out=tmp_path / "new")
    assert accuracy > 0.8
    said = capsys.readouterr().out
    assert f"Test accuracy: {accuracy:.4f}" in said
    assert "Epoch 2/2 - " in said
    for name in ("curves.png", "digits.png"):
        assert (tmp_path / "new" / name).read_bytes().startswith(b"\x89PNG")
        assert str(tmp_path / "new" / name) in said


class Trained:
    """Stands for a model and its history."""

    def summary(self):
        pass

    def fit(self, *args, **kwargs):
        return self

    def evaluate(self, x, y, verbose):
        return [0.1, 356 / 359]

    def overfitting(self):
        return None, "No overfitting seen."


def test_without_matplotlib_the_numbers_are_there(monkeypatch, capsys):
    def draw(*args):
        raise ImportError('it needs matplotlib: pip install "hornbeam[plot]"')

    monkeypatch.setattr(demo, "draw", draw)
    monkeypatch.setattr(demo, "build", Trained)
    assert demo.run() == 356 / 359
    said = capsys.readouterr().out
    assert "Test accuracy: 0.9916 (3 of 359 digits wrong)" in said
    assert 'No pictures: it needs matplotlib: pip install "hornbeam[plot]"' in said
