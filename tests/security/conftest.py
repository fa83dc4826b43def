"""What the tests of hostile files share: one watched place for each process."""

import pytest


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    pytest.importorskip("yaml")
    from security.place import Place

    place = Place(tmp_path_factory.mktemp("hostile"))
    place.warm()
    yield place
    place.watch.close()


@pytest.fixture(scope="module")
def reader():
    """A process that reads hostile files."""
    from security.readers import Reader

    reader = Reader()
    yield reader
    reader.stop()
