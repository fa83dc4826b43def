"""The main module of worker processes that a script under `hornbeam run` starts: the script, on the aliases."""

import os
import sys

from hornbeam import legacy
from hornbeam.compat.finder import install
from hornbeam.compat.script import SCRIPT_VARIABLE, ScriptLoader

# Anything else that imports this module is no worker.
if __name__ == "__mp_main__":
    legacy.mode["quiet"] = True  # the program itself has said it
    install()
    ScriptLoader(os.environ[SCRIPT_VARIABLE]).exec_module(sys.modules[__name__])
