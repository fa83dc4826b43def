"""The Callback base, and the list that calls callbacks of any descent."""

import keras
import pytest

from hornbeam.training.callbacks import (
    BaseLogger,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    ModelCheckpoint,
    ProgbarLogger,
    ReduceLROnPlateau,
    TerminateOnNaN,
)  # fmt: skip
from hornbeam.training.hooks import HOOKS, Callback, CallbackList
from hornbeam.training.logs import MetricDict

HOOKS_OF_BOTH = [hook for hook in HOOKS if hook != "on_progress"]


class Recorder(Callback):
    """Writes down which of its hooks were called, and with what."""

    def __init__(self):
        self.calls = []


def _record(hook):
    return lambda self, *args: self.calls.append((hook, *args))


for _hook in HOOKS:
    if _hook not in ("on_train_batch_begin", "on_train_batch_end"):
        setattr(Recorder, _hook, _record(_hook))


def _call(callbacks, hook, value=3):
    return getattr(callbacks, hook)(*([value] if _takes_number(hook) else []), {"loss": 1.0})


def _takes_number(hook):
    return hook.startswith("on_epoch") or hook == "on_progress" or "batch" in hook


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_reaches_the_callback(hook):
    recorder = Recorder()
    _call(CallbackList([recorder]), hook)
    heard = hook.replace("_train_batch", "_batch")  # by default the newer name calls the classic one
    assert recorder.calls == [(heard, 3, {"loss": 1.0}) if _takes_number(hook) else (heard, {"loss": 1.0})]


@pytest.mark.parametrize("hook", HOOKS_OF_BOTH)
def test_keras_callbacks_have_the_same_hooks(hook):
    seen = []
    theirs = keras.callbacks.Callback()
    setattr(theirs, hook, lambda *args, **kwargs: seen.append((*args, *kwargs.values())))
    _call(CallbackList([theirs]), hook)
    assert seen == [(3, {"loss": 1.0}) if _takes_number(hook) else ({"loss": 1.0},)]


def test_model_and_params_are_handed_over():
    callback, model = Callback(), object()
    CallbackList([callback], model=model, epochs=3)
    assert callback.model is model
    assert callback.params == {"epochs": 3}


def test_objects_without_all_hooks_are_welcome():
    class OnlyEpochs:
        seen = None

        def on_epoch_end(self, epoch, logs=None):
            self.seen = epoch, logs["acc"]

    one = OnlyEpochs()
    callbacks = CallbackList([one], model=object(), epochs=1)
    for hook in HOOKS:
        _call(callbacks, hook) if hook != "on_epoch_end" else callbacks.on_epoch_end(4, {"accuracy": 0.5})
    assert one.seen == (4, 0.5)
    assert not callbacks.listens_to_batches


def test_a_callback_of_the_classic_kind_hears_batches():
    class Classic:
        def on_batch_end(self, batch, logs=None):
            self.batch = batch

    one = Classic()
    callbacks = CallbackList([one])
    callbacks.on_train_batch_end(5, {})
    assert one.batch == 5
    assert callbacks.listens_to_batches


def test_an_object_that_is_no_callback_is_refused():
    with pytest.raises(TypeError, match="none of the hooks such as on_epoch_end.*LambdaCallback"):
        CallbackList([print])
    with pytest.raises(TypeError, match=r"got the class History. Write History\(\)"):
        CallbackList([History])


def _override(hook):
    return type("Mine", (Callback,), {hook: lambda self, *args: None})()


@pytest.mark.parametrize("hook", ["on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end"])
def test_overriding_a_batch_hook_is_listening(hook):
    assert CallbackList([Callback(), _override(hook)]).listens_to_batches
    assert CallbackList([LambdaCallback(**{hook: print})]).listens_to_batches
    theirs = type("Theirs", (keras.callbacks.Callback,), {hook: lambda self, *args: None})()
    assert CallbackList([theirs]).listens_to_batches


def test_batches_of_evaluation_and_prediction_are_listened_to_apart():
    testing, predicting = _override("on_test_batch_end"), _override("on_predict_batch_begin")
    assert not CallbackList([testing, predicting]).listens_to_batches
    assert CallbackList([testing]).listens_to_test_batches
    assert not CallbackList([testing]).listens_to_predict_batches
    assert CallbackList([predicting]).listens_to_predict_batches


def test_ours_do_not_listen_to_batches_but_for_the_one_that_must():
    quiet = [
        BaseLogger(), ProgbarLogger(), History(), EarlyStopping(), ModelCheckpoint("x"), ReduceLROnPlateau(),
        CSVLogger("x"), LambdaCallback(on_epoch_end=print), keras.callbacks.EarlyStopping(), _override("on_progress"),
    ]  # fmt: skip
    assert not CallbackList(quiet).listens_to_batches
    assert CallbackList([TerminateOnNaN()]).listens_to_batches


def test_what_one_callback_adds_to_the_logs_the_next_one_sees():
    history = History()
    add = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(val_f1=0.7))
    callbacks = CallbackList([add, history])
    callbacks.on_train_begin()
    logs = MetricDict(loss=1.0)
    callbacks.on_epoch_end(0, logs)
    assert history.history == {"loss": [1.0], "val_f1": [0.7]}
    assert logs["val_f1"] == 0.7, "the caller sees it as well"


def test_defaults_are_added_once():
    callbacks = CallbackList([Callback(), History()], add_history=True, add_progbar=True)
    assert [type(callback).__name__ for callback in callbacks] == ["ProgbarLogger", "Callback", "History"]
    assert len(callbacks) == 3


def test_a_callback_need_not_call_the_base_constructor():
    class Mine(Callback):
        def __init__(self):
            self.losses = []

    mine = Mine()
    assert mine.model is None
    assert mine.validation_data is None
