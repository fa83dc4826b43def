"""Names of metrics: synonyms, direction, and the dict that answers to both."""

import copy
import json
import pickle

import pytest

from hornbeam.training.logs import MetricDict, higher_is_better, known_as, other_name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("acc", "accuracy"),
        ("val_acc", "val_accuracy"),
        ("out_acc", "out_accuracy"),
        ("val_out_acc", "val_out_accuracy"),
        ("mse", "mean_squared_error"),
        ("val_mae", "val_mean_absolute_error"),
        ("lr", "learning_rate"),
    ],
)
def test_two_names_for_one_number_both_ways(one, other):
    assert other_name(one) == other
    assert other_name(other) == one
    assert known_as(one, ["loss", other]) == other
    assert known_as(other, ["loss", one]) == one


@pytest.mark.parametrize("name", ["loss", "val_loss", "vacc", "accuracy_of_mine", "", 3])
def test_other_names_have_no_synonym(name):
    assert other_name(name) is None


def test_the_exact_name_goes_first():
    logs = MetricDict(acc=1, accuracy=2)
    assert (logs["acc"], logs["accuracy"]) == (1, 2)


def test_a_metric_dict_answers_to_both_names_and_lists_one():
    logs = MetricDict(loss=0.5, val_acc=0.9)
    assert logs["val_accuracy"] == logs["val_acc"] == 0.9
    assert "val_accuracy" in logs
    assert "acc" not in logs
    assert logs.get("val_accuracy") == 0.9
    assert logs.get("acc") is None
    assert logs.get("acc", 7) == 7
    assert list(logs) == ["loss", "val_acc"]
    assert json.loads(json.dumps(logs)) == {"loss": 0.5, "val_acc": 0.9}


def test_a_missing_name_is_answered_with_those_there_are():
    with pytest.raises(KeyError, match="there is no 'val_loss'; there are: loss, acc"):
        MetricDict(loss=1, acc=2)["val_loss"]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda d: pickle.loads(pickle.dumps(d))])  # noqa: S301
def test_copies_answer_as_well(duplicate):
    assert duplicate(MetricDict(acc=[1.0]))["accuracy"] == [1.0]


@pytest.mark.parametrize("name", ["acc", "val_accuracy", "binary_accuracy", "auc", "val_f1", "out_top_k_acc"])
def test_higher_is_better(name):
    assert higher_is_better(name)


@pytest.mark.parametrize("name", ["loss", "val_loss", "mse", "accident", "dice_loss", "recall_error"])
def test_lower_is_better(name):
    assert not higher_is_better(name)
