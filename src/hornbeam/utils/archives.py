"""Unpacking of tar and zip archives from the network: plain files and folders only, and only below the destination."""

import lzma
import os
import re
import shutil
import stat
import tarfile
import zipfile
import zlib

_FREE_BYTES = 1 << 30  # an archive may unpack to this much whatever its own size
_MOST_RATIO = 200  # beyond that, to so many times its size
_MOST_MEMBERS = 2_000_000
_LONGEST_READ = 64 << 20
_CHUNK = 1 << 20
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # what Windows takes for a device

_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError,
           RuntimeError, OverflowError, UnicodeError)  # fmt: skip


def extract_archive(file_path, path=".", archive_format="auto"):
    """Unpack an archive into the folder `path`; True if it was one, False if it is none of the wanted formats.

    Every member is looked at before the first is written. Links, devices, sparse files, names that are absolute or
    climb with '..', drive letters, and archives that unpack to more than 1 GiB and 200 times their size are refused.
    Nothing is written through a symbolic link. Permissions and owners in the archive are not taken over.

    Args:
        file_path: the archive.
        path: folder to unpack into; made if missing.
        archive_format: 'auto' (either), 'tar' (also .gz, .bz2, .xz), 'zip', a list of these, or None for neither.

    Raises:
        ValueError: the archive is refused or damaged, or the format is unknown.

    Example:
        >>> extract_archive(__file__)
        False
    """
    formats = _wanted(archive_format)
    file_path = os.fspath(file_path)
    for name in formats:
        opener = _open_tar if name == "tar" else _open_zip
        archive = opener(file_path)
        if archive is None:
            continue
        try:
            with archive:
                _extract(file_path, archive, name, os.fspath(path))
        except _DAMAGE as error:
            raise ValueError(f"{file_path}: the archive is damaged ({error}). Delete it and fetch it again.") from error
        return True
    return False


def _wanted(archive_format):
    if archive_format is None:
        return []
    formats = ["tar", "zip"] if archive_format == "auto" else archive_format
    formats = [formats] if isinstance(formats, str) else list(formats)
    unknown = set(formats) - {"tar", "zip"}
    if unknown:
        raise ValueError(f"archive_format must be 'auto', 'tar', 'zip', a list or None; got {archive_format!r}.")
    return formats


def _open_tar(file_path):
    try:
        return tarfile.open(file_path, "r:*", errorlevel=2)
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OverflowError):
        return None


def _open_zip(file_path):
    return zipfile.ZipFile(file_path) if zipfile.is_zipfile(file_path) else None


def _extract(file_path, archive, kind, folder):
    """Look at all members, then write them."""
    if kind == "tar":
        archive.fileobj = _Careful(archive.fileobj, file_path)
    members = _looked_at(file_path, archive, kind)
    os.makedirs(folder, exist_ok=True)
    for parts, member, is_folder, size in members:
        if is_folder:
            _make_folder(folder, parts, file_path)
            continue
        parent = _make_folder(folder, parts[:-1], file_path)
        stream = archive.extractfile(member) if kind == "tar" else archive.open(member)
        with stream:
            _write(os.path.join(parent, parts[-1]), stream, size, file_path)


def _looked_at(file_path, archive, kind):
    """List of (path parts, member, is it a folder, size), every one allowed."""
    most = max(_FREE_BYTES, _MOST_RATIO * os.path.getsize(file_path))
    found, total = [], 0
    for member in archive if kind == "tar" else archive.infolist():
        name = member.name if kind == "tar" else member.filename
        refused = _tar_fault(member) if kind == "tar" else _zip_fault(member)
        if refused:
            raise _refusal(file_path, name, refused)
        is_folder = member.isdir() if kind == "tar" else member.is_dir()
        size = 0 if is_folder else member.size if kind == "tar" else member.file_size
        parts = _parts(file_path, member.orig_filename if kind == "zip" else name)
        total += size
        if total > most or len(found) >= _MOST_MEMBERS:
            raise _refusal(file_path, name, f"it unpacks to more than {most} bytes or {_MOST_MEMBERS} members")
        if parts:
            found.append((parts, member, is_folder, size))
        elif not is_folder:
            raise _refusal(file_path, name, "it is a file without a name")
    return found


def _tar_fault(member):
    if member.issparse():
        return "it is a sparse file"
    if member.size < 0:
        return "its size is negative"
    if not (member.isreg() or member.isdir()):
        return "it is a link, a device or a pipe"
    return None


def _zip_fault(member):
    kind = stat.S_IFMT(member.external_attr >> 16) if member.create_system == 3 else 0
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "it is a link, a device or a pipe"
    if member.flag_bits & 0x1:
        return "it is encrypted"
    return None


def _parts(file_path, name):
    """Components of a member's path below the destination."""
    if "\0" in name or "\\" in name or name.startswith("/") or re.match(r"[A-Za-z]:", name):
        raise _refusal(file_path, name, "its name is absolute or holds characters that lead elsewhere")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    for part in parts:
        if part == "..":
            raise _refusal(file_path, name, "its name climbs out of the folder")
        if len(os.fsencode(part)) > 255 or len(os.fsencode(name)) > 4000:
            raise _refusal(file_path, name[:60], "its name is too long")
        if os.name == "nt" and (_DEVICES.fullmatch(part) or part.rstrip(". ") != part or ":" in part):
            raise _refusal(file_path, name, "Windows takes its name for something else")
    return parts


def _refusal(file_path, name, why):
    return ValueError(f"{file_path} is not unpacked: its member {name!r} is refused, {why}. Nothing was written.")


def _make_folder(folder, parts, file_path):
    for part in parts:
        folder = os.path.join(folder, part)
        try:
            os.mkdir(folder)
        except FileExistsError:
            if not stat.S_ISDIR(os.lstat(folder).st_mode):  # a link to a folder is none
                raise ValueError(
                    f"{file_path} is not unpacked: {folder!r} is in the way (a file or a link). Move it elsewhere."
                ) from None
    return folder


def _write(path, stream, size, file_path):
    """Write `size` bytes of `stream` to a new plain file at `path`, in place of what was there."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags, 0o666)
    except FileExistsError:
        if stat.S_ISDIR(os.lstat(path).st_mode):
            raise ValueError(f"{file_path} is not unpacked: the folder {path!r} is in the way.") from None
        os.unlink(path)
        descriptor = os.open(path, flags, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            shutil.copyfileobj(_Careful(stream, file_path), file, _CHUNK)
            if file.tell() != size:
                raise ValueError(f"{file_path}: the archive is damaged, {path!r} has {file.tell()} bytes, not {size}.")
    except BaseException:
        os.unlink(path)
        raise


class _Careful:
    """A stream that refuses to be read in one enormous piece, which only a forged header asks for."""

    def __init__(self, stream, file_path):
        self._stream, self._file_path = stream, file_path

    def read(self, size=-1):
        if size is None or not 0 <= size <= _LONGEST_READ:
            raise ValueError(f"{self._file_path}: the archive declares a part of {size} bytes, which is refused.")
        return self._stream.read(size)

    def __getattr__(self, name):
        return getattr(self._stream, name)
