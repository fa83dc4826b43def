"""What tests of the aliases stand on: real Keras set aside, the aliases put in, everything as before afterwards."""

import contextlib
import sys

from hornbeam import legacy
from hornbeam.compat import finder, uninstall


@contextlib.contextmanager
def real_keras_aside():
    """Within this, no Keras is loaded, nothing has been told of old spellings; afterwards all is as it was."""
    others = {name: m for name, m in sys.modules.items() if name.partition(".")[0] in ("keras", "tensorflow")}
    for name in others:
        del sys.modules[name]
    told = set(legacy._told)
    legacy._told.clear()
    finder.installed.cache_clear()
    try:
        yield
    finally:
        uninstall()
        legacy.mode["quiet"] = False
        legacy._told.clear()
        legacy._told.update(told)
        for name in [name for name in sys.modules if name.partition(".")[0] in ("keras", "tensorflow")]:
            del sys.modules[name]
        sys.modules.update(others)
