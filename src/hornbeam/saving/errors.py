"""The errors that reading a model's file raises."""

import os


class ModelFileError(ValueError):
    """A file that cannot be opened as a model: it is damaged, of an unknown kind, or refused for safety.

    Args:
        path: the file; None if the fault is not in one file.
        problem: what is wrong, as a sentence or the end of one.
        cure: how to mend it, as a sentence of its own; may be left out.

    Example:
        >>> str(ModelFileError("m.h5", "the dataset 'dense/kernel:0' lies in another file", "Save the model again."))
        "m.h5: the dataset 'dense/kernel:0' lies in another file. Save the model again."
    """

    def __init__(self, path, problem, cure=""):
        where = "" if path is None else f"{os.fspath(path)}: "
        sentence = problem if problem.endswith((".", "!", "?")) else f"{problem}."
        super().__init__(f"{where}{sentence}{' ' + cure if cure else ''}")
        self.path = path
        self.problem = problem
        self.cure = cure

    def __reduce__(self):
        return type(self), (self.path, self.problem, self.cure)


class MissingModelFileError(ModelFileError, FileNotFoundError):
    """There is no such file; also a FileNotFoundError, which old programs look for.

    Example:
        >>> issubclass(MissingModelFileError, OSError)
        True
    """
