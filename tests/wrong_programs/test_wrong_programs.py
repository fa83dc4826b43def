"""Programs with a typical mistake, and what they are told: what is wrong, where, and how to mend it.

Each row: a title, the program, the kind of error, and a distinctive part of the sentence.
"""

# ruff: noqa: E501  (a table: one row a line)

import os
import tempfile

import numpy as np
import pytest

import hornbeam as keras
from hornbeam import backend as K
from hornbeam import callbacks as cb
from hornbeam import layers, models, optimizers
from hornbeam.callbacks import Callback, EarlyStopping
from hornbeam.layers import Dense, Dropout, Flatten, Input, Reshape
from hornbeam.models import Model, Sequential

X = np.ones((6, 4), "float32")
LABELS = np.array([0, 1, 2, 0, 1, 2])
ONE_HOT = np.eye(3)[LABELS]


def classifier(loss="categorical_crossentropy", **kwargs):
    model = Sequential([Dense(3, activation="softmax", input_shape=(4,), name="head")])
    model.compile("sgd", loss, **kwargs)
    return model


def binary(loss="binary_crossentropy"):
    model = Sequential([Dense(1, activation="sigmoid", input_shape=(4,), name="head")])
    model.compile("sgd", loss)
    return model


def regressor(units=1, **kwargs):
    model = Sequential([Dense(units, input_shape=(4,), name="head")])
    model.compile("sgd", "mse", **kwargs)
    return model


def two_outputs(loss="mse", **kwargs):
    x, y = Input((4,), name="left"), Input((2,), name="right")
    model = Model([x, y], [Dense(1, name="a")(x), Dense(2, name="b")(y)])
    model.compile("sgd", loss, **kwargs)
    return model


TWO = [X, np.ones((6, 2))]

WRONG_LAYERS = [
    ("units that are no number", lambda: Dense("32"), ValueError, "units must be an integer of at least 1; got '32'"),
    ("no units", lambda: Dense(0), ValueError, "units must be an integer of at least 1; got 0"),
    ("half a unit", lambda: Dense(2.5), ValueError, "units must be an integer"),
    ("an activation misspelt", lambda: Dense(3, activation="rellu"), ValueError, "Unknown activation 'rellu'. Did you mean 'relu'?"),
    ("an activation that is no function", lambda: Dense(3, activation=3), TypeError, "activation"),
    ("an initializer misspelt", lambda: Dense(3, kernel_initializer="he_norml"), ValueError, "Did you mean 'he_normal'?"),
    ("a regularizer misspelt", lambda: Dense(3, kernel_regularizer="l22"), ValueError, "Did you mean 'l2'?"),
    ("a constraint misspelt", lambda: Dense(3, kernel_constraint="maxnorm_"), ValueError, "Did you mean"),
    ("an argument misspelt", lambda: Dense(3, activaton="relu"), TypeError, "Dense takes no argument 'activaton'. Did you mean 'activation'?"),
    ("a dropout of everything", lambda: Dropout(1.0), ValueError, "rate must be a number in [0, 1); got 1.0"),
    ("a dropout in per cent", lambda: Dropout(50), ValueError, "rate must be a number in [0, 1); got 50"),
    ("a reshape that cannot be", lambda: Reshape((3, 3))(Input((8,))), ValueError, "Reshape"),
    ("Dense on a bare row", lambda: Dense(2, name="d")(Input(())), ValueError, "Dense 'd' needs inputs of rank 2 or more, got shape (None,)"),
    ("Dense on an unknown width", lambda: Dense(2, name="d")(Input((None,))), ValueError, "whose size is unknown in (None, None). Give the Input that size."),
    ("an Input without a shape", lambda: Input(), ValueError, "An Input needs shape=(...)"),
    ("merging shapes that differ", lambda: layers.add([Input((3,)), Input((4,))]), ValueError, "(None, 4)"),
    ("concatenating ranks that differ", lambda: layers.concatenate([Input((3,)), Input((4, 3))]), ValueError, "oncatenate"),
    ("merging a single thing", lambda: layers.Add()(Input((3,))), ValueError, "Add"),
    ("a Lambda without a function", lambda: layers.Lambda(3), TypeError, "needs a function; got 3"),
    ("symbols that do not fit", lambda: Input((3,)) + Input((4,)), ValueError, "add cannot be computed for (None, 3), (None, 4)"),
    ("deciding on a symbol", lambda: 1 if Input((3,)) > 0 else 2, TypeError, "Use K.switch(condition, then, else)"),
    ("NumPy on a symbol", lambda: np.linalg.norm(Input((3,))), TypeError, "NumPy cannot read it"),
    ("a layer where a class stands", lambda: Sequential([Dense]), TypeError, "Sequential.add takes layers"),
    ("a function as a layer", lambda: Sequential([K.relu]), TypeError, "Wrap a function in Lambda(...)"),
]  # fmt: skip

WRONG_MODELS = [
    ("layers that do not follow", lambda: Sequential([Dense(2, input_shape=(3,)), Reshape((5,))]), ValueError, "Reshape"),
    ("two layers of one name", lambda: Sequential([Dense(2, input_shape=(3,), name="d"), Dense(2, name="d")]), ValueError, "named 'd' already"),
    ("an output from elsewhere", lambda: Model(Input((3,), name="x"), Dense(1)(Input((3,), name="lost"))), ValueError, "depend on 'lost' (None, 3), which is not among its inputs (x)"),
    ("an array as input", lambda: Model(X, Dense(1)(Input((4,)))), ValueError, "its inputs must be tensors from Input"),
    ("a layer as output", lambda: Model(Input((4,)), Dense(1)), ValueError, "its outputs must be tensors"),
    ("inputs without outputs", lambda: Model(inputs=Input((4,))), TypeError, "inputs=... and outputs=... together"),
    ("no super().__init__", lambda: type("Net", (Model,), {"__init__": lambda self: setattr(self, "d", Dense(1))})(), TypeError, "Net.__init__ does not call super().__init__()"),
    ("a layer nobody has", lambda: regressor().get_layer("haed"), ValueError, "Did you mean 'head'?"),
    ("weights of another shape", lambda: regressor().set_weights([np.ones((5, 1)), np.ones(1)]), ValueError, "shape (4, 1)"),
    ("too few weights", lambda: regressor().set_weights([np.ones((4, 1))]), ValueError, "has 2 weights, got 1 arrays"),
    ("JSON that is none", lambda: models.model_from_json("model.json"), ValueError, "is not valid JSON"),
    ("the shape of an unbuilt stack", lambda: Sequential([Dense(1)]).output_shape, AttributeError, "not built yet. Give its first layer an input_shape"),
    ("training an empty stack", lambda: compiled(Sequential()).fit(X, X), ValueError, "has no layers. Add some first"),
]  # fmt: skip


def compiled(model, loss="mse"):
    model.compile("sgd", loss)
    return model


WRONG_COMPILES = [
    ("a loss misspelt", lambda: classifier("categorical_crosentropy"), ValueError, "Unknown loss 'categorical_crosentropy'. Did you mean 'categorical_crossentropy'?"),
    ("a metric misspelt", lambda: classifier(metrics=["acuracy"]), ValueError, "Did you mean 'accuracy'?"),
    ("metrics in no list", lambda: classifier(metrics="accuracy"), TypeError, "metrics is a list such as ['accuracy']"),
    ("an optimizer misspelt", lambda: compiled(regressor()) and regressor().compile("adm", "mse"), ValueError, "Did you mean 'adam'?"),
    ("an optimizer that is none", lambda: regressor().compile(0.01, "mse"), TypeError, "0.01"),
    ("an argument of compile misspelt", lambda: classifier(metric=["accuracy"]), TypeError, "compile takes no argument 'metric'. Did you mean 'metrics'?"),
    ("a loss that is none", lambda: regressor().compile("sgd", 3), TypeError, "loss"),
    ("a softmax over one unit", lambda: compiled(Sequential([Dense(1, activation="softmax", input_shape=(4,))]), "binary_crossentropy"), ValueError, "is a softmax over one unit, which always gives 1"),
    ("categorical_crossentropy over one unit", lambda: binary("categorical_crossentropy"), ValueError, "over the single unit of 'head' is always 0"),
    ("too few losses", lambda: two_outputs(["mse"]), ValueError, "has 2 outputs (a, b), got 1 losses"),
    ("a loss for an output nobody has", lambda: two_outputs({"a": "mse", "c": "mse"}), ValueError, "Unknown output name in loss 'c'"),
    ("a weight for an output nobody has", lambda: two_outputs(loss_weights={"aa": 1.0}), ValueError, "Did you mean 'a'?"),
    ("too many loss weights", lambda: two_outputs(loss_weights=[1, 2, 3]), ValueError, "got 3 loss_weights"),
    ("loss weights in no list", lambda: two_outputs(loss_weights=0.5), TypeError, "loss_weights is a list or a dict"),
    ("target tensors", lambda: regressor(target_tensors=[1]), ValueError, "Give the targets to fit as y"),
    ("an unknown setting of an optimizer", lambda: optimizers.Adam(learning_rte=0.1), TypeError, "Did you mean 'learning_rate'?"),
]  # fmt: skip

WRONG_DATA = [
    ("fit before compile", lambda: Sequential([Dense(1, input_shape=(4,))]).fit(X, X[:, :1]), RuntimeError, "fit: the model is not compiled. Call model.compile(optimizer, loss) first"),
    ("evaluate before compile", lambda: Sequential([Dense(1, input_shape=(4,))]).evaluate(X, X), RuntimeError, "Call model.compile"),
    ("x of another width", lambda: regressor().fit(X[:, :3], X[:, :1]), ValueError, "needs rows of shape (4,), got an array of shape (6, 3)"),
    ("x of another rank", lambda: regressor().fit(X.reshape(6, 2, 2), X[:, :1]), ValueError, "The sizes multiply to the same: x.reshape((-1, 4))"),
    ("one row without its batch", lambda: regressor().predict(X[0]), ValueError, "For one row, add the batch axis: x[None]"),
    ("predict another width", lambda: regressor().predict(X[:, :2]), ValueError, "needs rows of shape (4,), got an array of shape (6, 2)"),
    ("images not flattened", lambda: compiled(Sequential([Dense(2, input_shape=(784,))])).fit(np.ones((2, 28, 28)), np.ones((2, 2))), ValueError, "x.reshape((-1, 784))"),
    ("images without channels", lambda: compiled(Sequential([Flatten(input_shape=(8, 8, 1)), Dense(1)])).fit(np.ones((2, 8, 8, 3)), np.ones((2, 1))), ValueError, "needs rows of shape (8, 8, 1), got an array of shape (2, 8, 8, 3)"),
    ("more x than y", lambda: regressor().fit(X, X[:5, :1]), ValueError, "All arrays need the same number of rows; got input 'head_input': 6, target 'head': 5"),
    ("more weights than rows", lambda: regressor().fit(X, X[:, :1], sample_weight=np.ones(5)), ValueError, "sample_weight of 'head': 5"),
    ("no data at all", lambda: regressor().fit(X[:0], X[:0, :1]), ValueError, "is empty: it has 0 rows. Check how it was loaded"),
    ("predicting nothing", lambda: regressor().predict(X[:0]), ValueError, "is empty: it has 0 rows"),
    ("evaluating nothing", lambda: regressor().evaluate(X[:0], X[:0, :1]), ValueError, "is empty: it has 0 rows"),
    ("a tensor of the model as data", lambda: regressor().fit(Input((4,)), X[:, :1]), TypeError, "which has no rows. Give the array"),
    ("no targets", lambda: regressor().fit(X), ValueError, "The targets are missing: give y"),
    ("no inputs", lambda: regressor().fit(y=X), ValueError, "The inputs are missing: give x"),
    ("text", lambda: regressor().fit(np.array([["a"] * 4] * 6), X[:, :1]), ValueError, "not numbers. Turn text into numbers first"),
    ("rows of different lengths", lambda: regressor().fit([[1, 2], [3]], [1, 2]), ValueError, "pad_sequences"),
    ("objects", lambda: regressor().fit(np.array([[None] * 4] * 6), X[:, :1]), ValueError, "holds object values"),
    ("an id that does not fit 32 bits", lambda: regressor().fit(np.full((6, 4), 2**40), X[:, :1]), ValueError, "does not fit into 32 bits"),
    ("class numbers for categorical_crossentropy", lambda: classifier().fit(X, LABELS), ValueError, "use loss='sparse_categorical_crossentropy', or one-hot targets: utils.to_categorical(y, 3)"),
    ("a column of class numbers likewise", lambda: classifier().fit(X, LABELS[:, None]), ValueError, "to_categorical(y, 3)"),
    ("one-hot rows for the sparse loss", lambda: classifier("sparse_categorical_crossentropy").fit(X, ONE_HOT), ValueError, "use y.argmax(-1), or loss='categorical_crossentropy'"),
    ("a class too many", lambda: classifier("sparse_categorical_crossentropy").fit(X, LABELS + 1), ValueError, "holds the class 3 (row 2), but the output has 3 classes, 0 to 2"),
    ("a class below zero", lambda: classifier("sparse_categorical_crossentropy").fit(X, LABELS - 1), ValueError, "holds the class -1 (row 0)"),
    ("more one-hot columns than units", lambda: classifier().fit(X, np.eye(4)[LABELS]), ValueError, "The last layer has 3 units; these targets need 4"),
    ("labels -1 and 1 for binary_crossentropy", lambda: binary().fit(X, np.sign(LABELS - 0.5)), ValueError, "holds -1.0, but binary_crossentropy takes targets from 0 (no) to 1 (yes)"),
    ("class numbers for binary_crossentropy", lambda: binary().fit(X, LABELS), ValueError, "holds 2, but binary_crossentropy"),
    ("targets of three columns for one unit", lambda: regressor().fit(X, X[:, :3]), ValueError, "target 'head' has shape (6, 3), but the output gives rows of shape (1,)"),
    ("targets of one column for three units", lambda: regressor(3).fit(X, X[:, 0]), ValueError, "Either the last layer should have 1 unit, or the targets 3 columns"),
    ("the same, as a column", lambda: regressor(3).fit(X, X[:, :1]), ValueError, "Either the last layer should have 1 unit"),
    ("one array for two inputs", lambda: two_outputs().fit(X, X), ValueError, "The model has 2 inputs (left, right), got one array"),
    ("three arrays for two inputs", lambda: two_outputs().fit([X, X, X], X), ValueError, "got a list of 3 arrays"),
    ("an input nobody has", lambda: two_outputs().fit({"left": X, "rihgt": X}, X), ValueError, "Did you mean 'right'?"),
    ("an input left out", lambda: two_outputs().fit({"left": X}, X), ValueError, "The input 'right' is missing. Inputs: left, right"),
    ("an output left out", lambda: two_outputs().fit(TWO, {"a": X[:, :1]}), ValueError, "The output 'b' is missing"),
    ("class weights that lack a class", lambda: classifier().fit(X, ONE_HOT, class_weight={0: 1, 1: 2}), ValueError, "class_weight has no weight for class 2"),
    ("one class_weight for two outputs", lambda: two_outputs().fit(TWO, [X[:, :1], X[:, :2]], class_weight={0: 1.0}), ValueError, "a dict of dicts by output: a, b"),
    ("class weights for series", lambda: compiled(Sequential([Dense(2, input_shape=(3, 4))])).fit(np.ones((2, 3, 4)), np.ones((2, 3, 2)), class_weight={0: 1}), ValueError, "Use sample_weight"),
    ("a batch of none", lambda: regressor().fit(X, X[:, :1], batch_size=0), ValueError, "batch_size must be a whole number of 1 or more; got 0"),
    ("half a batch", lambda: regressor().fit(X, X[:, :1], batch_size=2.5), ValueError, "batch_size must be a whole number"),
    ("a validation split of everything", lambda: regressor().fit(X, X[:, :1], validation_split=1.0), ValueError, "validation_split must be a fraction between 0 and 1"),
    ("a validation split of nothing", lambda: regressor().fit(X, X[:, :1], validation_split=0.99), ValueError, "leaves one part empty"),
    ("validation data in no pair", lambda: regressor().fit(X, X[:, :1], validation_data=X), ValueError, "validation_data is (x_val, y_val)"),
    ("validation data of another width", lambda: regressor().fit(X, X[:, :1], validation_data=(X[:, :2], X[:, :1])), ValueError, "needs rows of shape (4,)"),
    ("an argument of fit misspelt", lambda: regressor().fit(X, X[:, :1], epoch=3), TypeError, "fit takes no argument 'epoch'. Did you mean 'epochs'?"),
    ("an argument of predict misspelt", lambda: regressor().predict(X, batchsize=3, callbacks=[]), TypeError, "Did you mean 'batch_size'?"),
    ("a callback's class", lambda: regressor().fit(X, X[:, :1], callbacks=[EarlyStopping]), TypeError, "got the class EarlyStopping. Write EarlyStopping()"),
    ("a callback that is none", lambda: regressor().fit(X, X[:, :1], callbacks=[print]), TypeError, "is no callback"),
    ("rows that do not fill fixed batches", lambda: compiled(Sequential([Dense(1, batch_input_shape=(4, 4))])).fit(X, X[:, :1]), ValueError, "batches of exactly 4 rows, got 6 rows"),
    ("sizes to_categorical cannot hold", lambda: keras.utils.to_categorical([0, 3], 3), ValueError, "3"),
]  # fmt: skip



def callbacks_of(*callbacks, **kwargs):
    return regressor().fit(X, X[:, :1], verbose=0, callbacks=list(callbacks), **kwargs)


def saved(name, content=None):
    """A path in a folder of this test's own; with a file of this content, if there is some."""
    path = os.path.join(tempfile.mkdtemp(dir=os.environ["KERAS_HOME"]), name)
    if content is not None:
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
    return path


def weights_of(model):
    path = saved("weights.h5")
    model.save_weights(path)
    return path


def resumed_by_another():
    folder = saved("run")
    regressor().fit(X, X[:, :1], verbose=0, resume=folder)
    return regressor(3).fit(X, X[:, :3], verbose=0, resume=folder)


def scheduled():
    model = Sequential([Dense(1, input_shape=(4,))])
    model.compile(optimizers.SGD(lambda step: 0.1), "mse")
    return model.fit(X, X[:, :1], verbose=0, callbacks=[cb.LearningRateScheduler(lambda epoch: 0.1)])


def loss_without_a_name():
    model = Sequential([Dense(1, input_shape=(4,))])
    model.compile("sgd", lambda y_true, y_pred: K.mean(y_pred - y_true))
    return model.save(saved("m.h5"))


def batches():
    yield X, X[:, :1]


WRONG_CALLBACKS = [
    ("a name without validation data", lambda: callbacks_of(EarlyStopping("val_loss")), ValueError, "EarlyStopping looks for 'val_loss', which this training will not produce. It will produce: loss. Pass validation_data"),
    ("a watched name misspelt", lambda: callbacks_of(EarlyStopping("val_los"), validation_split=0.5), ValueError, "It will produce: loss, val_loss. Did you mean 'val_loss'?"),
    ("a metric that compile was not given", lambda: callbacks_of(cb.ReduceLROnPlateau("accuracy")), ValueError, "ReduceLROnPlateau looks for 'accuracy', which this training will not produce. It will produce: loss. Metrics are given to compile."),
    ("a name in a file name", lambda: callbacks_of(cb.ModelCheckpoint("w.{val_acc:.2f}.h5")), ValueError, "ModelCheckpoint looks for 'val_acc'"),
    ("a factor that raises the rate", lambda: cb.ReduceLROnPlateau(factor=2), ValueError, "factor must be below 1, for the rate to go down; got 2"),
    ("an unknown mode", lambda: EarlyStopping("loss", mode="least"), ValueError, "mode must be 'auto', 'min' or 'max'; got 'least'"),
    ("a rate where its function stands", lambda: cb.LearningRateScheduler(0.1), TypeError, "takes a function of (epoch) or (epoch, lr); got 0.1"),
    ("a schedule that returns nothing", lambda: callbacks_of(cb.LearningRateScheduler(lambda epoch: None)), ValueError, "schedule(0) must return a number, the learning rate; got None"),
    ("two masters of the rate", scheduled, ValueError, "Give the optimizer a plain learning rate, or leave this callback out"),
    ("a hook misspelt", lambda: cb.LambdaCallback(on_epoch_ends=print), TypeError, "Did you mean 'on_epoch_end'?"),
    ("a period of no epochs", lambda: cb.ModelCheckpoint("a.h5", period=0), ValueError, "period must be a whole number of epochs from 1 on; got 0"),
    ("a log in a folder that is not there", lambda: callbacks_of(cb.CSVLogger(saved("no/log.csv"))), FileNotFoundError, "Give a file in a folder that exists; os.makedirs makes one"),
    ("an address without http", lambda: cb.RemoteMonitor("localhost:9000"), ValueError, "an address such as 'http://localhost:9000'; got 'localhost:9000'"),
    ("how often a backup is made", lambda: cb.BackupAndRestore("run", "batch"), ValueError, "'epoch', 'auto' or a whole number of steps; got 'batch'"),
    ("the backup of another model", resumed_by_another, ValueError, "The backup is of another run"),
    ("how often TensorBoard is written", lambda: cb.TensorBoard(update_freq="step"), ValueError, "update_freq must be 'epoch', 'batch' or a whole number; got 'step'"),
    ("a rise longer than the training", lambda: cb.OneCycle(0.1, warmup_fraction=2), ValueError, "warmup_fraction must be a number between 0 and 1; got 2"),
    ("rates that do not grow", lambda: cb.lr_find(regressor(), X, X[:, :1], lowest=1.0, highest=0.1), ValueError, "lr_find goes from a lowest rate above 0 to a higher one"),
]  # fmt: skip

WRONG_FILES = [
    ("a file that is not there", lambda: models.load_model(saved("none.h5")), OSError, "none.h5: there is no such file"),
    ("a text as a model", lambda: models.load_model(saved("text.h5", "hello")), ValueError, "this is no model: it begins with b'hello'. Models are HDF5 (.h5), .keras"),
    ("weights as a model", lambda: models.load_model(weights_of(regressor())), ValueError, "holds weights only. Build the model in code, then call model.load_weights(path)"),
    ("the weights of another model", lambda: regressor(3).load_weights(weights_of(regressor())), ValueError, "has shape (4, 3), in the file (4, 1). Is it the file of another model?"),
    ("a folder that is not there", lambda: regressor().save(saved("no/such/m.h5")), OSError, "Make it first, with os.makedirs"),
    ("a loss without a name in a file", loss_without_a_name, ValueError, "Or save with include_optimizer=False, and compile again after loading"),
    ("a class that nobody knows", lambda: models.model_from_json(regressor().to_json().replace('"Dense"', '"Dens"')), ValueError, "Unknown layer 'Dens'. Did you mean 'Dense'? If it is your own, pass custom_objects"),
]  # fmt: skip

WRONG_STREAMS = [
    ("y beside a generator", lambda: regressor().fit(batches(), X), ValueError, "let each batch be (x, y) or (x, y, sample_weight)"),
    ("the function that makes a generator", lambda: regressor().fit(batches), TypeError, "Call it, so that it gives a generator: batches()"),
    ("a generator of another width", lambda: regressor().fit(iter([(X[:, :2], X[:, :1])]), steps_per_epoch=1), ValueError, "needs rows of shape (4,), got an array of shape (6, 2)"),
    ("batches of four parts", lambda: regressor().fit(iter([(X, X, X, X)])), ValueError, "A batch is (x, y), (x, y, sample_weight) or x alone; got a tuple of 4"),
    ("a generator that is used up", lambda: regressor().fit(iter([])), ValueError, "A generator gives its batches once: make a new one"),
    ("epochs of no steps", lambda: regressor().fit(X, X[:, :1], steps_per_epoch=0), ValueError, "steps_per_epoch must be a whole number of batches, 1 or more; got 0"),
    ("a split misspelt", lambda: regressor().fit(X, X[:, :1], validation_split=0.5, split="randm"), ValueError, "Unknown split 'randm'. Did you mean 'random'?"),
    ("half an epoch", lambda: regressor().fit(X, X[:, :1], epochs=0.5), ValueError, "epochs must be a whole number of epochs, 0 or more; got 0.5"),
    ("a word for verbose", lambda: regressor().fit(X, X[:, :1], verbose="loud"), ValueError, "verbose must be 0 (silent), 1 (a progress line) or 2 (a line an epoch); got 'loud'"),
    ("validation every 0 epochs", lambda: regressor().fit(X, X[:, :1], validation_freq=0), ValueError, "validation_freq must be a whole number from 1 on, or a list; got 0"),
    ("shuffling misspelt", lambda: regressor().fit(X, X[:, :1], shuffle="batches"), ValueError, "shuffle must be True, False or 'batch', which shuffles whole batches; got 'batches'"),
    ("a list of class weights", lambda: classifier().fit(X, ONE_HOT, class_weight=[1.0, 2.0, 1.0]), TypeError, "From a list: dict(enumerate(weights))"),
    ("weights for a class by name", lambda: classifier().fit(X, ONE_HOT, class_weight={"cat": 1.0}), ValueError, "class_weight names the class 'cat'"),
]  # fmt: skip

ALL = [*WRONG_LAYERS, *WRONG_MODELS, *WRONG_COMPILES, *WRONG_DATA, *WRONG_CALLBACKS, *WRONG_FILES, *WRONG_STREAMS]


def test_the_table_is_long():
    assert len(ALL) >= 100
    assert len({title for title, *_ in ALL}) == len(ALL)


@pytest.mark.parametrize(("program", "kind", "told"), [row[1:] for row in ALL], ids=[row[0] for row in ALL])
def test_a_wrong_program_is_told_what_is_wrong(program, kind, told):
    with pytest.raises(kind) as caught:
        program()
    assert told in str(caught.value)
    assert len(str(caught.value)) < 500


def test_nothing_is_trained_when_data_does_not_fit():
    model = regressor()
    before = model.get_weights()
    with pytest.raises(ValueError, match="same number of rows"):
        model.fit(X, X[:5, :1])
    with pytest.raises(ValueError, match="Unknown loss"):
        model.compile("sgd", "mseee_")
    np.testing.assert_array_equal(before[0], model.get_weights()[0])
    assert len(model.fit(X, X[:, :1], verbose=0).history["loss"]) == 1  # still compiled as it was


# --- Warnings ---


@pytest.mark.parametrize(
    ("activation", "loss", "units", "advice"),
    [
        ("relu", "categorical_crossentropy", 2, "activation='softmax' is what it is made for"),
        (None, "categorical_crossentropy", 3, "ends with activation 'linear', but the loss categorical_crossentropy"),
        ("sigmoid", "sparse_categorical_crossentropy", 3, "activation='softmax'"),
        ("softmax", "binary_crossentropy", 2, "activation='sigmoid'"),
        (None, "binary_crossentropy", 1, "yes or no for each unit"),
        ("softmax", "mse", 3, "activation='linear'"),
    ],
)
def test_compile_warns_when_activation_and_loss_do_not_belong_together(activation, loss, units, advice):
    model = Sequential([Dense(units, activation=activation, input_shape=(4,))])
    with pytest.warns(UserWarning, match=advice) as caught:
        model.compile("sgd", loss)
    assert caught[0].filename == __file__  # it points at the user's line


@pytest.mark.parametrize(
    ("activation", "loss", "units"),
    [("softmax", "categorical_crossentropy", 3), ("sigmoid", "binary_crossentropy", 2), (None, "mse", 1),
     ("relu", "mae", 1), ("softmax", "sparse_categorical_crossentropy", 3), ("tanh", "hinge", 1)],
)  # fmt: skip
def test_pairs_that_belong_together_pass_in_silence(activation, loss, units):
    Sequential([Dense(units, activation=activation, input_shape=(4,))]).compile("sgd", loss)


def test_the_activation_may_be_a_layer_of_its_own_or_inside_a_model():
    with pytest.warns(UserWarning, match="Activation '.*' ends with activation 'relu'"):
        Sequential([Dense(3, input_shape=(4,)), layers.Activation("relu")]).compile("sgd", "categorical_crossentropy")
    inner = Sequential([Dense(3, activation="relu", input_shape=(4,))])
    x = Input((4,))
    with pytest.warns(UserWarning, match="ends with activation 'relu'"):
        Model(x, inner(x)).compile("sgd", "categorical_crossentropy")


class Wreck(Callback):
    """Puts NaN into a weight before an epoch."""

    def __init__(self, epoch, value=np.nan):
        self.epoch, self.value = epoch, value

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            kernel, bias = self.model.get_weights()
            self.model.set_weights([kernel, bias + self.value])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_loss_that_is_no_number_is_told_once_with_its_place_and_training_goes_on(value):
    model = regressor()
    with pytest.warns(UserWarning, match="The loss is") as caught:
        history = model.fit(
            X, X[:, :1], batch_size=2, epochs=4, verbose=0, shuffle=False, callbacks=[Wreck(1, value)]
        ).history["loss"]
    told = [str(w.message) for w in caught if "The loss is" in str(w.message)]
    assert len(told) == 1
    assert "from epoch 2, step 1 on" in told[0]
    assert "TerminateOnNaN()" in told[0]
    assert len(history) == 4
    assert np.isfinite(history[0])
    assert not np.isfinite(history[1:]).any()


def test_the_step_is_named_where_bad_data_begins():
    x = X.copy()
    x[4] = np.nan  # in the third batch of two
    with pytest.warns(UserWarning, match="The loss is nan from epoch 1, step 3 on"):
        regressor().fit(x, X[:, :1], batch_size=2, verbose=0, shuffle=False)


def test_training_ends_at_once_if_asked_to():
    from hornbeam.callbacks import TerminateOnNaN

    model = regressor()
    with pytest.warns(UserWarning, match="The loss is nan"):
        history = model.fit(X * np.nan, X[:, :1], epochs=5, batch_size=2, verbose=0, callbacks=[TerminateOnNaN()])
    assert len(history.history.get("loss", [])) <= 1
