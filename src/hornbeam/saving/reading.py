"""From a file to plain data: looks at the first bytes, which cannot lie as a name can, and calls the reader for them.

A child process runs this on files that nobody trusts, so nothing here, nor in the readers, imports the backend.
"""

import os
import stat

from hornbeam.saving.errors import MissingModelFileError, ModelFileError

_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP = b"PK\x03\x04"
_HEAD_BYTES = 8192 + 8  # HDF5 files may begin after a block of the user's own; these are refused


def kind_of(path):
    """'h5', 'keras', 'npz' or 'safetensors', by what the file begins with.

    Raises:
        ModelFileError: there is no such file, or it is none of these.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # opening a pipe would wait for a writer
            raise ModelFileError(path, "this is a folder, a device or a pipe", "Name a file.")
        with open(path, "rb") as file:
            head = file.read(_HEAD_BYTES)
    except FileNotFoundError:
        raise MissingModelFileError(path, "there is no such file") from None
    except ModelFileError:
        raise
    except (OSError, ValueError, TypeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ModelFileError(path, f"the file cannot be opened ({reason})") from error
    if head.startswith(_HDF5):
        return "h5"
    if head.startswith(_ZIP):
        first_name = head[30 : 30 + int.from_bytes(head[26:28], "little")]
        return "npz" if first_name.endswith(b".npy") else "keras"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 40:
        return "safetensors"
    if not head:
        raise ModelFileError(path, "the file is empty")
    if _HDF5 in head:
        from hornbeam.saving.hdf5_guard import refuse_user_block

        refuse_user_block(path, lambda offset, count: head[offset : offset + count])
    raise ModelFileError(
        path, f"this is no model: it begins with {head[:8]!r}", "Models are HDF5 (.h5), .keras, .npz or .safetensors."
    )


def read_model(path, digests=None):
    """A whole model as a StoredModel.

    Args:
        path: the file.
        digests: a Digests for the caller to verify before the arrays are trusted; None verifies at once.

    Raises:
        ModelFileError: the file is damaged, refused, or holds weights only.
    """
    kind = kind_of(path)
    if kind == "h5":
        from hornbeam.saving import hdf5

        return hdf5.read_model(path, digests)
    if kind == "keras":
        from hornbeam.saving import archive

        return archive.read_model(path, digests)
    raise ModelFileError(
        path, f"a .{kind} file holds weights only", "Build the model in code, then call model.load_weights(path)."
    )


def read_weights(path):
    """The weights in a file of any kind, as a StoredModel.

    Raises:
        ModelFileError: the file is damaged or refused.
    """
    kind = kind_of(path)
    if kind == "h5":
        from hornbeam.saving import hdf5

        return hdf5.read_weights(path)
    if kind == "keras":
        from hornbeam.saving import archive

        return archive.read_model(path)
    from hornbeam.saving import tensors

    return tensors.read_npz(path) if kind == "npz" else tensors.read_safetensors(path)


def size_of(path):
    """Bytes of the file, 0 if that cannot be known."""
    try:
        return os.path.getsize(path)
    except OSError:
        return 0
