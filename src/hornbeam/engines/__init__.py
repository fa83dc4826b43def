"""The engines: each gives the primitive words of the vocabulary their meaning. One is active at a time."""

import contextlib
import importlib

from hornbeam import config


class _ActiveEngine:
    """Stands for the engine in use, so that words are bound to it when called, not when defined."""

    def __init__(self, name):
        self._use(name)

    def _use(self, name):
        self.name = name
        self.module = importlib.import_module(f"hornbeam.engines.{name}")

    def __getattr__(self, word):
        if word.startswith("__"):  # asked by tools that look into objects
            raise AttributeError(word)
        try:
            return getattr(self.module, word)
        except AttributeError:
            raise NotImplementedError(f"The {self.name} engine does not have the word {word!r}.") from None


engine = _ActiveEngine(config.backend())


@contextlib.contextmanager
def use_engine(name):
    """Within this block the words are those of the engine called `name`; tests compare engines with it."""
    before = engine.name
    engine._use(name)
    try:
        yield engine
    finally:
        engine._use(before)
