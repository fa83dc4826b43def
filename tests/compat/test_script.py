"""`hornbeam run`: a script finds what Python would give it, and ends as it would end there."""

import subprocess
import sys
import textwrap
import warnings

import pytest

from compat.aside import real_keras_aside
from hornbeam import cli, legacy
from hornbeam.compat import script


@pytest.fixture(autouse=True)
def as_before(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv(script.SCRIPT_VARIABLE, "")
    monkeypatch.chdir(tmp_path)
    with real_keras_aside():
        yield


def written(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return str(path)


def test_what_a_script_finds(tmp_path, capsys):
    written(tmp_path / "old" / "beside.py", "import keras\nvalue = keras.__version__")
    name = written(
        tmp_path / "old" / "program.py",
        """
        import os, sys
        import beside
        print(sys.argv, __name__, __file__, __package__, beside.value, os.path.basename(sys.path[0]))
        print(sys.modules["__main__"].__dict__ is globals())
        """,
    )
    assert cli.main(["run", name, "--epochs", "3", "--quiet"]) == 0
    arguments = [name, "--epochs", "3", "--quiet"]
    assert capsys.readouterr().out == f"{arguments} __main__ {name} None 2.2.4 old\nTrue\n"


def test_a_module_is_run_like_a_script(tmp_path, capsys):
    written(tmp_path / "parcel" / "__main__.py", "from . import other\nprint(__name__, __package__, other.found)")
    written(tmp_path / "parcel" / "__init__.py", "")
    written(tmp_path / "parcel" / "other.py", "from keras.layers import Dense\nfound = Dense.__module__")
    try:
        assert cli.main(["run", "-m", "parcel"]) == 0
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "parcel"]:
            del sys.modules[name]
    assert capsys.readouterr().out == "__main__ parcel hornbeam.layers.core\n"


@pytest.mark.parametrize("words", [["none.py"], ["-m", "none_such"], ["-m", "none.such"]])
def test_what_is_not_there(words, capsys):
    assert cli.main(["run", *words]) == 2
    assert f"hornbeam run: there is no {'module' if words[0] == '-m' else 'file'} " in capsys.readouterr().err


@pytest.mark.parametrize(("text", "status"), [("import sys\nsys.exit(7)", 7), ("raise SystemExit", None)])
def test_the_status_a_script_ends_with(text, status, tmp_path):
    with pytest.raises(SystemExit) as done:
        cli.main(["run", written(tmp_path / "program.py", text)])
    assert done.value.code == status


def test_a_traceback_begins_in_the_script(tmp_path, capsys):
    name = written(tmp_path / "program.py", "import keras\n\nkeras.layers.Dense(-1)\n")
    assert cli.main(["run", name]) == 1
    err = capsys.readouterr().err.splitlines()
    assert err[:3] == [
        "Traceback (most recent call last):", f'  File "{name}", line 3, in <module>', "    keras.layers.Dense(-1)"
    ]
    assert err[-1].startswith("ValueError: Dense: units must be")
    assert not any("script.py" in line for line in err)


def test_a_script_that_is_no_python(tmp_path, capsys):
    name = written(tmp_path / "program.py", "print 'hello'\n")
    assert cli.main(["run", name]) == 1
    err = capsys.readouterr().err
    assert f'File "{name}", line 1' in err
    assert "SyntaxError" in err
    assert "Traceback" not in err


def test_stopped_by_hand(tmp_path, capsys):
    assert cli.main(["run", written(tmp_path / "program.py", "raise KeyboardInterrupt")]) == 130


def test_quiet_says_nothing(tmp_path, capsys):
    name = written(tmp_path / "program.py", "from keras.optimizers import rmsprop\nrmsprop(lr=0.1)\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cli.main(["run", "--quiet", name]) == 0
    assert capsys.readouterr().err == ""
    assert legacy.mode["quiet"]


def test_a_process_of_its_own_with_workers(tmp_path):
    name = written(
        tmp_path / "program.py",
        """
        import numpy as np
        from keras.layers import Dense
        from keras.models import Sequential
        from keras.utils import Sequence

        class Rows(Sequence):
            def __len__(self):
                return 2

            def __getitem__(self, index):
                return np.ones((4, 3)), np.ones((4, 1))

        if __name__ == "__main__":
            model = Sequential([Dense(1, input_dim=3, init="zero"), Dense(1, init="zero")])
            model.compile("sgd", "mse")
            history = model.fit_generator(Rows(), nb_epoch=1, workers=1, use_multiprocessing=True, verbose=0)
            print(round(history.history["loss"][0], 2) <= 1)
        """,
    )
    done = subprocess.run(
        [sys.executable, "-m", "hornbeam.cli", "run", name], capture_output=True, text=True, timeout=600
    )
    assert (done.stdout, done.returncode) == ("True\n", 0), done.stderr
    assert done.stderr.splitlines() == [
        f"{name}:15: input_dim is the spelling of Keras 2; write input_shape=(n,).",
        f"{name}:15: Dense(init) is the spelling of Keras 1; write Dense(kernel_initializer='zero').",
        f"{name}:17: fit_generator(nb_epoch) is the spelling of Keras 1; write epochs.",
    ]
