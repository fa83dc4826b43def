"""The table of `summary()`."""

from hornbeam import backend as K
from hornbeam.layers import Add, Dense, Dropout, Input
from hornbeam.models import Model, Sequential


def lines(model, **kwargs):
    found = []
    model.summary(print_fn=found.append, **kwargs)
    return found


def test_a_stack():
    K.clear_session()
    model = Sequential(
        [Dense(512, activation="relu", input_shape=(784,)), Dropout(0.2), Dense(10, activation="softmax")]
    )
    assert "\n".join(lines(model)) == """\
Model: "sequential_1"
_________________________________________________________________
Layer (type)                Output Shape         Param #
=================================================================
dense_1 (Dense)             (None, 512)          401,920
_________________________________________________________________
dropout_1 (Dropout)         (None, 512)          0
_________________________________________________________________
dense_2 (Dense)             (None, 10)           5,130
=================================================================
Total params: 407,050
Trainable params: 407,050
Non-trainable params: 0
_________________________________________________________________"""


def test_branches_show_what_they_are_connected_to():
    K.clear_session()
    a, b = Input((3,), name="a"), Input((3,), name="b")
    shared = Dense(2, name="shared")
    model = Model([a, b], Add(name="sum")([shared(a), shared(b)]) * 2)
    shared.trainable = False
    found = lines(model)
    row = {line.split(" ")[0]: line for line in found if "(" in line}
    assert row["a"].split()[-1] == "0"
    assert "(None, 2)" in row["shared"]
    assert "a[0][0]" in row["shared"]
    at = found.index(row["shared"])
    assert found[at + 1].split() == ["b[0][0]"]
    assert "shared[0][0]" in row["sum"]
    assert found[found.index(row["sum"]) + 1].split() == ["shared[1][0]"]
    assert "multiply" in "\n".join(found)
    assert found[-4:-1] == ["Total params: 8", "Trainable params: 0", "Non-trainable params: 8"]


def test_a_model_not_built_yet_says_so():
    found = "\n".join(lines(Sequential([Dense(2)])))
    assert "not built" in found
    assert "?" in found


def test_a_model_of_ones_own():
    class Own(Model):
        def __init__(self):
            super().__init__()
            self.dense = Dense(2, name="inner")

        def call(self, inputs):
            return self.dense(inputs)

    model = Own()
    model.build((None, 3))
    found = "\n".join(lines(model))
    assert "inner (Dense)" in found
    assert "Total params: 8" in found


def test_line_length_and_positions():
    model = Sequential([Dense(2, input_shape=(3,))])
    assert max(map(len, lines(model, line_length=90))) == 90
    head = lines(model, line_length=60, positions=[0.5, 0.8, 1.0])[2]
    assert (head.index("Output"), head.index("Param")) == (30, 48)


def test_it_prints(capsys):
    Sequential([Dense(2, input_shape=(3,))]).summary()
    assert "Total params: 8" in capsys.readouterr().out
