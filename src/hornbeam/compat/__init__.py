"""Old code runs unchanged: in this process `import keras` and `tensorflow.keras` are Hornbeam.

`install` puts the aliases in place; `import hornbeam.as_keras` does that, and `hornbeam run` before it runs a script.
"""

from hornbeam.compat.finder import install, uninstall

__all__ = ["install", "uninstall"]
