"""What is installed: the metadata, the wheel's contents, the command, and the documents that speak of them."""

import importlib
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def names(requirements: list[str]) -> set[str]:
    """The bare project names of a list of requirements."""
    return {re.match(r"[\w.-]+", requirement)[0].lower() for requirement in requirements}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        yield archive


def test_core_dependencies_stay_five():
    assert names(PROJECT["dependencies"]) == {"jax", "numpy", "h5py", "rich", "safetensors"}


def test_extras():
    extras = PROJECT["optional-dependencies"]
    assert {"plot", "data", "test", "dev", "all"} <= set(extras)
    assert names(extras["plot"]) == {"matplotlib"}
    assert names(extras["data"]) == {"pandas", "scikit-learn"}
    assert names(extras["onnx"]) == {"onnx"}
    assert names(extras["yaml"]) == {"pyyaml"}
    assert names(extras["tensorboard"]) == {"tensorboard", "tensorboardx"}


def test_installed_metadata_is_the_projects():
    import hornbeam

    assert hornbeam.__version__ == PROJECT["version"] == importlib.metadata.version("hornbeam")
    assert importlib.metadata.metadata("hornbeam")["License-Expression"] == "Apache-2.0"


def test_wheel_is_pure_small_and_complete(wheel):
    assert Path(wheel.filename).name == f"hornbeam-{PROJECT['version']}-py3-none-any.whl"
    assert Path(wheel.filename).stat().st_size < 2 * 2**20

    inside = set(wheel.namelist())
    source = ROOT / "src"
    expected = {file.relative_to(source).as_posix() for file in source.rglob("*.py")}
    assert expected <= inside
    assert "hornbeam/py.typed" in inside
    assert {name.split("/")[0] for name in inside} == {"hornbeam", f"hornbeam-{PROJECT['version']}.dist-info"}
    assert any(name.endswith("licenses/LICENSE") for name in inside)


def test_the_command_is_there():
    (entry,) = importlib.metadata.entry_points(group="console_scripts", name="hornbeam")
    assert entry.value == "hornbeam.cli:main"
    assert callable(entry.load())


@pytest.mark.parametrize("arguments", [["--help"], ["demo", "--help"]])
def test_the_command_answers(arguments):
    command = [sys.executable, "-c", "from hornbeam.cli import main; raise SystemExit(main())", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "demo" in done.stdout


def test_continuous_integration_can_be_run():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


@pytest.mark.parametrize("document", ["README.md", "README.zh.md", "CONTRIBUTING.md"])
def test_documents_name_only_make_targets_there_are(document):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = (ROOT / document).read_text(encoding="utf-8")
    named = set(re.findall(r"\bmake ([a-z]+)\b(?=`|$|\s*#)", text, re.MULTILINE))
    assert {"demo", "test"} & named
    assert named <= targets


@pytest.mark.parametrize("document", ["README.md", "README.zh.md"])
def test_the_readmes_program_runs(document, run_python):
    (program, *_) = re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(encoding="utf-8"), re.DOTALL)
    assert re.search(r"0\.\d+", run_python(program)), "it prints the accuracy"


@pytest.mark.parametrize("document", ["README.md", "README.zh.md", "CONTRIBUTING.md", "benchmarks/README.md"])
def test_links_lead_somewhere(document):
    file = ROOT / document
    links = re.findall(r"\]\((?!https?:)([^)#]+)", file.read_text(encoding="utf-8"))
    missing = [link for link in links if not (file.parent / link).exists()]
    assert not missing


def test_contributing_stays_short():
    assert len((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()) < 60


def test_both_readmes_say_the_same():
    def outline(document: str) -> tuple:
        text = (ROOT / document).read_text(encoding="utf-8")
        return len(re.findall(r"^## ", text, re.MULTILINE)), re.findall(r"```(?:python|sh)\n.*?```", text, re.DOTALL)

    english_sections, english_code = outline("README.md")
    chinese_sections, chinese_code = outline("README.zh.md")
    assert english_sections == chinese_sections
    # Comments are translated, code is not.
    strip = [re.sub(r"\s*#.*", "", code) for code in english_code]
    assert strip == [re.sub(r"\s*#.*", "", code) for code in chinese_code]
