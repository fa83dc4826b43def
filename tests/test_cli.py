"""The command `hornbeam`: its words, its answers, its exit statuses."""

import json
import re
import sys
import types

import numpy as np
import pytest

from hornbeam import cli, selftest
from hornbeam.models import load_model, model_from_json


def test_version(capsys):
    with pytest.raises(SystemExit) as done:
        cli.main(["--version"])
    assert done.value.code == 0
    assert re.fullmatch(r"hornbeam (\d+\.\d+\.\d+\S*|\(from source\))\n", capsys.readouterr().out)


def test_without_words_it_helps(capsys):
    assert cli.main([]) == 0
    out = capsys.readouterr().out
    assert "usage: hornbeam" in out
    assert all(name in out for name in cli.COMMANDS)


def test_an_unknown_command_is_answered_with_the_nearest(capsys):
    with pytest.raises(SystemExit) as done:
        cli.main(["docter"])
    assert done.value.code == 2
    assert "Unknown command 'docter'. Did you mean 'doctor'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (["demo"], {"epochs": 5, "out": "demo"}),
        (["demo", "--epochs", "3", "--out", "pictures"], {"epochs": 3, "out": "pictures"}),
    ],
)
def test_the_demo_gets_its_arguments(words, given, monkeypatch):
    seen = {}
    room = types.ModuleType("hornbeam.demo")
    room.EPOCHS, room.run = 5, lambda **settings: seen.update(settings)
    monkeypatch.setitem(sys.modules, "hornbeam.demo", room)
    monkeypatch.setattr(sys.modules["hornbeam"], "demo", room, raising=False)
    assert cli.main(words) == 0
    assert seen == given


@pytest.mark.parametrize("epochs", ["0", "-1", "many"])
def test_a_wrong_number_of_epochs(epochs, capsys):
    with pytest.raises(SystemExit) as done:
        cli.main(["demo", f"--epochs={epochs}"])
    assert done.value.code == 2
    assert f"a whole number from 1 on, got '{epochs}'" in capsys.readouterr().err


def test_a_missing_library_is_said_without_a_traceback(monkeypatch, capsys):
    def missing(arguments):
        raise ImportError('it needs sklearn: pip install "hornbeam[data]"')

    monkeypatch.setitem(cli.COMMANDS, "doctor", missing)
    missing.__doc__ = "Doctor."
    assert cli.main(["doctor"]) == 1
    assert capsys.readouterr().err == 'hornbeam doctor: it needs sklearn: pip install "hornbeam[data]"\n'


def test_the_doctor_says_what_there_is(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "none"))
    assert cli.main(["doctor"]) == 0
    found = dict(re.findall(r"^(\S+) +(.+)$", capsys.readouterr().out, re.MULTILINE))
    assert found["python"].startswith(".".join(map(str, sys.version_info[:3])))
    assert re.match(r"\w+ \d+\.\d+", found["engine"])
    assert re.match(r"\d+\.\d+", found["numpy"])
    assert "cpu" in found["devices"].lower()
    assert found["folder"] == f"{tmp_path / 'none'} (not there yet)"


def test_the_doctor_counts_what_is_cached_and_computes(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "some.npz").write_bytes(bytes(1_500_000))
    assert cli.main(["doctor"]) == 0
    found = dict(re.findall(r"^ *(\S+) +(.+)$", capsys.readouterr().out, re.MULTILINE))
    assert found["folder"] == str(tmp_path)
    assert found["datasets"] == f"{tmp_path / 'datasets'}: 1 files, 1.5 MB"
    assert found["models"].endswith("(not there yet)")
    assert re.fullmatch(r"OK: trained, compared .* saved, loaded \(\d+\.\d s\)", found["self-test"])


def test_the_doctor_says_what_fails(capsys, monkeypatch):
    def cannot(*_, **__):
        raise OSError("no space left")

    monkeypatch.setattr(selftest, "STEPPED", (1.0, 0.2, 0.3))
    monkeypatch.setattr(selftest, "load_model", cannot)
    assert cli.main(["doctor"]) == 1
    failed = re.findall(r"self-test +FAILED: (.+)", capsys.readouterr().out)
    assert failed == [
        "the weights after it should be [1.0, 0.2, 0.3], came [1.0, 0.2, 0.2]",
        "Saving and loading. OSError: no space left",
    ]


def test_the_doctor_names_what_is_missing(monkeypatch):
    monkeypatch.setattr(cli, "version_of", lambda library: None)
    found = "\n".join(cli.findings())
    assert 'pandas        not installed (optional): pip install "hornbeam[data]"' in found
    assert "h5py          MISSING: pip install h5py" in found


# --- Files of models ---


@pytest.fixture(scope="module")
def model():
    from hornbeam.layers import Dense
    from hornbeam.models import Sequential

    made = Sequential([Dense(3, activation="relu", input_shape=(4,), name="first"), Dense(2, name="head")], name="m")
    made.compile("adam", "mse")
    return made


@pytest.fixture
def saved(model, tmp_path):
    model.save(tmp_path / "in.h5")
    return tmp_path / "in.h5"


X = np.linspace(-1, 1, 8, dtype="float32").reshape(2, 4)


@pytest.mark.parametrize("target", ["out.keras", "out.h5", "out.HDF5"])
def test_convert_to_a_whole_model(saved, model, target, capsys):
    assert cli.main(["convert", str(saved), str(saved.parent / target)]) == 0
    assert re.search(rf"{target}: the whole model, [\d,]+ bytes", capsys.readouterr().out)
    back = load_model(saved.parent / target)
    assert back.loss == "mse"
    np.testing.assert_allclose(back.predict(X), model.predict(X), rtol=1e-6)
    assert cli.main(["convert", str(saved.parent / target), str(saved.parent / "bare.h5"), "--no-training"]) == 0
    assert load_model(saved.parent / "bare.h5").optimizer is None


@pytest.mark.parametrize("target", ["out.npz", "out.safetensors", "out.weights.h5"])
def test_convert_to_weights(saved, model, target, capsys):
    pytest.importorskip("safetensors")
    path = saved.parent / target
    assert cli.main(["convert", str(saved), str(path)]) == 0
    assert ": weights," in capsys.readouterr().out
    fresh = model_from_json(model.to_json())
    fresh.load_weights(path)
    np.testing.assert_array_equal(fresh.get_weights()[0], model.get_weights()[0])
    assert cli.main(["summary", str(path)]) == 0
    out = capsys.readouterr().out
    assert re.search(r"first/kernel\S* +\(4, 3\) +float32", out)
    assert "Total params: 23" in out


def test_convert_to_an_architecture(saved, model):
    assert cli.main(["convert", str(saved), str(saved.parent / "out.json")]) == 0
    assert json.loads((saved.parent / "out.json").read_text())["config"] == json.loads(model.to_json())["config"]


def test_convert_to_what_runs_elsewhere(saved, model):
    runtime = pytest.importorskip("onnxruntime")
    path = saved.parent / "out.onnx"
    assert cli.main(["convert", str(saved), str(path), "--opset", "19"]) == 0
    session = runtime.InferenceSession(path)
    np.testing.assert_allclose(session.run(None, {session.get_inputs()[0].name: X})[0], model.predict(X), rtol=1e-5)
    assert cli.main(["convert", str(saved), str(saved.parent / "out.stablehlo")]) == 0
    assert (saved.parent / "out.stablehlo").stat().st_size > 0


def test_summary_of_a_model_and_of_an_architecture(saved, model, capsys):
    (saved.parent / "m.json").write_text(model.to_json())
    for path in (saved, saved.parent / "m.json"):
        assert cli.main(["summary", str(path)]) == 0
        out = capsys.readouterr().out
        assert "first (Dense)" in out
        assert "Total params: 23" in out


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["convert", "in.h5", "out.onxx"], r"Unknown suffix '.onxx'. Did you mean '.onnx'\?"),
        (["convert", "in.h5", "out"], r"Unknown suffix ''. Known: .*\.keras.*It says what 'out' is to be"),
        (["convert", "none.h5", "out.onnx"], "none.h5: there is no such file"),
        (["convert", "bad.h5", "out.onnx"], "bad.h5: this is no model"),
        (["summary", "none.keras"], "none.keras: there is no such file"),
        (["summary", "none.json"], "No such file"),
        (["convert", "w.npz", "out.keras"], "weights only"),
        (["convert", "in.h5", "none/out.keras"], "none"),
    ],
)
def test_what_cannot_be_converted(words, answer, saved, monkeypatch, capsys):
    monkeypatch.chdir(saved.parent)
    (saved.parent / "bad.h5").write_text("nothing of the kind")
    np.savez(saved.parent / "w.npz", x=X)
    before = sorted(saved.parent.iterdir())
    assert cli.main(words) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"hornbeam {words[0]}: ")
    assert re.search(answer, said)
    assert "Traceback" not in said
    assert sorted(saved.parent.iterdir()) == before
