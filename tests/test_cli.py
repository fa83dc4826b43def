"""The command `hornbeam`: its words, its answers, its exit statuses."""

import re
import sys
import types

import pytest

from hornbeam import cli


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


def test_the_doctor_names_what_is_missing(monkeypatch):
    monkeypatch.setattr(cli, "version_of", lambda library: None)
    found = "\n".join(cli.findings())
    assert 'pandas        not installed (optional): pip install "hornbeam[data]"' in found
    assert "h5py          MISSING: pip install h5py" in found
