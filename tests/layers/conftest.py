"""Programs of layers' tests run once or twice each, so they are compiled quickly and not well."""

import pytest

from harness import quick_compilation


@pytest.fixture(autouse=True)
def _programs_that_run_once():
    with quick_compilation():
        yield
