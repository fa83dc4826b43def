"""Splits and folds."""

import numpy as np
import pytest

from hornbeam.utils.splits import fold_rows, hold_out_rows, stratified_split


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5, 0.77])
def test_every_class_gives_its_share(fraction):
    labels = np.repeat([0, 1, 2, 7], [10, 200, 33, 57])
    rest, held_out = stratified_split(labels, fraction, seed=1)
    assert sorted([*rest, *held_out]) == list(range(300)), "every row once"
    assert len(held_out) == round(300 * fraction)
    for name, count in zip(*np.unique(labels, return_counts=True)):
        assert abs((labels[held_out] == name).sum() - count * fraction) < 1


def test_seeds():
    labels = np.arange(100) % 3
    one, same, other = (stratified_split(labels, 0.2, seed)[1].tolist() for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_rows_are_shuffled():
    _, held_out = stratified_split(np.repeat([0, 1], 50), 0.5, seed=0)
    assert held_out.tolist() != sorted(held_out.tolist())
    assert 5 < (held_out[:25] < 50).sum() < 20, "classes are mixed"


def test_names_as_labels():
    rest, held_out = stratified_split(["cat"] * 4 + ["dog"] * 4, 0.5, seed=0)
    assert sorted(row // 4 for row in held_out) == [0, 0, 1, 1]


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 20])
def test_a_wrong_fraction(fraction):
    with pytest.raises(ValueError, match="fraction must be a number between 0 and 1"):
        stratified_split([0, 1], fraction)


def test_one_label_a_row():
    with pytest.raises(ValueError, match=r"one label a row; got labels of shape \(2, 3\)"):
        stratified_split(np.zeros((2, 3)), 0.5)


# --- Folds, beside scikit-learn's ---

draw = np.random.default_rng(5)
LABELS = draw.choice([7, 2, 5], 83, p=[0.2, 0.7, 0.1])
GROUPS = draw.integers(0, 13, 83)


def same_rows(ours, theirs):
    theirs = list(theirs)
    assert len(ours) == len(theirs)
    for (rest, held_out), (their_rest, their_held_out) in zip(ours, theirs):
        assert rest.tolist() == their_rest.tolist()
        assert held_out.tolist() == their_held_out.tolist()


@pytest.mark.parametrize("k", [2, 4, 7])
@pytest.mark.parametrize("seed", [None, 3])
def test_folds_are_those_of_scikit_learn(k, seed):
    from sklearn import model_selection as theirs

    settings = {"shuffle": seed is not None, "random_state": seed}
    ours = {"shuffle": seed is not None, "seed": seed}
    same_rows(fold_rows(83, k, **ours), theirs.KFold(k, **settings).split(LABELS))
    same_rows(
        fold_rows(83, k, "stratified", LABELS, **ours), theirs.StratifiedKFold(k, **settings).split(LABELS, LABELS)
    )
    same_rows(
        fold_rows(83, k, "group", groups=GROUPS, **ours), theirs.GroupKFold(k, **settings).split(LABELS, groups=GROUPS)
    )
    same_rows(fold_rows(83, k, "time"), theirs.TimeSeriesSplit(k).split(LABELS))


@pytest.mark.parametrize("split", ["random", "stratified", "group"])
def test_every_row_is_held_out_once(split):
    folds = fold_rows(83, 5, split, LABELS, GROUPS, seed=1)
    assert sorted(np.concatenate([held_out for _, held_out in folds])) == list(range(83))
    for rest, held_out in folds:
        assert sorted([*rest, *held_out]) == list(range(83))
        if split == "group":
            assert not set(GROUPS[rest]) & set(GROUPS[held_out])
        if split == "stratified":
            for name, count in zip(*np.unique(LABELS, return_counts=True)):
                assert abs((LABELS[held_out] == name).sum() - count / 5) < 1


def test_folds_follow_the_global_seed():
    first = fold_rows(20, 4)[0][1].tolist()
    np.random.seed(0)
    assert fold_rows(20, 4)[0][1].tolist() == first
    assert fold_rows(20, 4)[0][1].tolist() != first


@pytest.mark.parametrize("choose", [fold_rows, hold_out_rows])
def test_time_is_not_shuffled(choose):
    with pytest.raises(ValueError, match="must not be shuffled"):
        choose(20, 2 if choose is fold_rows else 0.2, "time", shuffle=True)


def test_hold_out():
    rest, held_out = hold_out_rows(20, 0.25, seed=0)
    assert len(held_out) == 5
    assert sorted([*rest, *held_out]) == list(range(20))
    assert hold_out_rows(20, 0.25, shuffle=False)[1].tolist() == [15, 16, 17, 18, 19]
    rest, held_out = hold_out_rows(83, 0.3, "group", groups=GROUPS, seed=0)
    assert not set(GROUPS[rest]) & set(GROUPS[held_out])
    assert len(set(GROUPS[held_out])) == 4  # of 13
    assert np.bincount(LABELS[hold_out_rows(83, 0.5, "stratified", LABELS, seed=0)[1]]).max() == round(
        (LABELS == 2).sum() / 2
    )


def test_what_cannot_be_split():
    with pytest.raises(ValueError, match="4 folds need 4 rows"):
        fold_rows(3, 4)
    with pytest.raises(ValueError, match="4 folds need 5 rows"):
        fold_rows(4, 4, "time")
    with pytest.raises(ValueError, match="k must be an integer of at least 2"):
        fold_rows(9, 1)
    with pytest.raises(ValueError, match="Did you mean 'stratified'"):
        fold_rows(9, 2, "stratify")
    with pytest.raises(ValueError, match="needs groups: one value a row"):
        fold_rows(9, 2, "group")
    with pytest.raises(ValueError, match="each of 9 rows"):
        fold_rows(9, 2, "stratified", labels=[0, 1])
    with pytest.raises(ValueError, match="2 folds need 2 groups"):
        fold_rows(3, 2, "group", groups=[1, 1, 1])
    with pytest.raises(ValueError, match="the largest class has 1 rows"):
        fold_rows(9, 2, "stratified", labels=np.arange(9))
    with pytest.warns(UserWarning, match="smallest class has 1 rows"):
        fold_rows(9, 2, "stratified", labels=[0] * 8 + [1])
    with pytest.raises(ValueError, match="leaves one part empty"):
        hold_out_rows(2, 0.9, shuffle=False)
