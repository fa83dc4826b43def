"""The example of fine-tuning does what it tells."""

import importlib.util
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "fine_tuning.py"


@pytest.mark.nightly
def test_three_steps(capsys):
    spec = importlib.util.spec_from_file_location("fine_tuning", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    table, frozen, tuned = example.main([]).values()
    assert table == pytest.approx(frozen)
    assert table > 0.8
    assert tuned > 0.8
    assert capsys.readouterr().out.count("of new pictures right") == 3
