"""Every example runs offline at its smallest size, and learns what it says it learns."""

import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "examples"

TASKS = ["one-to-one", "many-to-one", "one-to-many", "many-to-many", "encode-decode"]


@pytest.fixture
def run(monkeypatch, capsys):
    """Run an example with these arguments; gives its variables and what it printed."""

    def run(name, *arguments):
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *map(str, arguments)])
        found = runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
        return found, capsys.readouterr().out

    return run


def numbers(line):
    return [float(number) for number in re.findall(r"-?\d+\.\d+", line)]


@pytest.mark.parametrize(
    ("name", "arguments", "least"),
    [
        ("mnist_mlp", ["--units", 128, "--epochs", 6], 0.6),
        ("mnist_cnn", ["--rows", 600, "--filters", 8, "--epochs", 6], 0.6),
        ("cifar10_cnn", ["--rows", 500, "--filters", 8, "--epochs", 7], 0.4),
        ("imdb_reviews", ["--rows", 800], 0.75),
        ("reuters_newswires", ["--rows", 1000], 0.5),
    ],
)
def test_a_classifier_is_far_better_than_guessing(run, name, arguments, least):
    found, printed = run(name, *arguments)
    assert found["accuracy"] > least
    assert "Generated" in printed
    assert f"test accuracy {found['accuracy']:.3f}" in printed.splitlines()[-1]


def test_k_fold_and_the_loop_by_hand_have_the_same_scores(run):
    found, printed = run("boston_k_fold", "--epochs", 10, "--k", 3)
    np.testing.assert_allclose(found["result"].scores["mae"], found["scores_by_hand"], rtol=1e-4)
    mean, test_mae, baseline = numbers(printed.splitlines()[-1])
    assert mean < 0.8 * baseline
    assert test_mae < 0.8 * baseline
    assert "Fold 3: " in printed


@pytest.mark.parametrize("tasks", [TASKS[:4], pytest.param([], marks=pytest.mark.nightly)])
def test_all_kinds_of_sequences_are_learned(run, tasks):
    found, printed = run("sequence_to_sequence", *tasks, "--rows", 400, "--units", 16)
    assert list(found["errors"]) == (tasks or TASKS) == found["TASKS"][: len(tasks) or None]
    for task, (error, baseline) in found["errors"].items():
        assert error < 0.2 * baseline, task
        assert f"error {error:.4f}" in next(line for line in printed.splitlines() if line.startswith(task + " "))


def test_one_kind_of_sequences_by_name(run, capsys):
    with pytest.raises(SystemExit):
        run("sequence_to_sequence", "one-to-nobody")
    assert "there is no task 'one-to-nobody'; choose from one-to-one, " in capsys.readouterr().err


def test_text_is_written_in_words_of_the_text(run):
    found, printed = run("text_generation", "--length", 3000, "--units", 48, "--written", 30)
    assert found["accuracy"] > found["commonest"] + 0.4
    assert found["known"] > 0.6
    assert all(f"\n{temperature}: " in printed for temperature in (0.2, 0.5, 1.0, 1.2))


def test_both_outputs_of_the_news_model_learn(run):
    found, _ = run("news_two_inputs", "--rows", 800, "--length", 30)
    assert found["baseline"] < 0.7
    assert min(found["accuracy"], found["accuracy_of_text"]) > 0.85


def test_an_autoencoder_restores_pictures(run):
    found, _ = run("variational_autoencoder", "--rows", 640, "--units", 64, "--epochs", 20)
    assert found["loss_after"] < found["loss_before"] - 5
    assert found["error"] < 0.9 * found["baseline"]


def test_siamese_networks_tell_same_from_different(run):
    found, _ = run("siamese", "--rows", 480, "--units", 64, "--epochs", 14)
    assert found["right"] > 0.8
    assert found["different"] > 2 * found["same"]


def test_an_adversarial_network_draws_pictures_like_the_real_ones(run, tmp_path):
    found, printed = run("gan", "--rows", 600, "--steps", 120, "--units", 64, "--out", tmp_path / "drawn.png")
    assert found["after"] > 1.6 * found["before"]
    assert printed.count("generator loss") == 5
    assert (tmp_path / "drawn.png").read_bytes().startswith(b"\x89PNG")


def test_a_dream_moves_what_the_layers_see(run, tmp_path):
    found, _ = run("deep_dream", "--size", 40, "--steps", 5, "--out", tmp_path / "dream.png")
    assert found["loss_after"] > 1.5 * found["loss_before"]
    assert (tmp_path / "dream.png").read_bytes().startswith(b"\x89PNG")


def test_style_and_content_come_together(run, tmp_path):
    found, _ = run("style_transfer", "--size", 32, "--steps", 12, "--out", tmp_path / "mixed.png")
    assert found["loss_after"] < 0.7 * found["loss_before"]
    assert (tmp_path / "mixed.png").read_bytes().startswith(b"\x89PNG")


def test_chinese_reviews_from_a_file_to_a_saved_model(run, tmp_path):
    found, printed = run("chinese_sentiment", "--rows", 1200, "--length", 30, "--out", tmp_path)
    assert found["recalls"].min() > 0.7
    assert found["confusion"].sum() == len(found["truth"])
    good, bad = found["probabilities"][:, 1]
    assert good > 0.6
    assert bad < 0.4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.h5", "review.csv", "tokenizer.json"]
    for loaded, saved in zip(found["loaded"].get_weights(), found["model"].get_weights()):
        np.testing.assert_array_equal(loaded, saved)
    assert found["loaded_tokenizer"].word_index == found["tokenizer"].word_index

    read = found["read_corpus"]
    corpus = tmp_path / "other.csv"
    corpus.write_text('label,review\n1,"很好, 喜欢"\n0,不好\n', encoding="utf-8-sig")
    assert [part.tolist() for part in read(corpus)] == [["很好, 喜欢", "不好"], [1, 0]]
    corpus.write_text("5  经典 作品\n3 还行\n0 没看\n2 失望\n", encoding="utf-8")
    assert [part.tolist() for part in read(corpus)] == [["经典 作品", "失望"], [1, 0]]


def test_the_table_names_every_example():
    table = (FOLDER / "README.md").read_text(encoding="utf-8")
    for path in FOLDER.glob("*.py"):
        assert f"({path.name})" in table, f"{path.name} is missing in examples/README.md"
        source = path.read_text(encoding="utf-8")
        assert source.startswith('"""')
        assert f"python examples/{path.name}" in source
