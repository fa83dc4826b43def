"""Files from the network: `get_file` with a cache, checked hashes, resumed downloads and safe unpacking."""

import contextlib
import hashlib
import http.client
import json
import os
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

from hornbeam import config
from hornbeam.utils.archives import extract_archive

_SCHEMES = ("http", "https", "ftp", "file")
_TIMEOUT_S = 30
_ATTEMPTS = 3
_CHUNK = 1 << 18
_LENGTHS = {32: "md5", 64: "sha256", 128: "sha512"}


def get_file(
    fname=None,
    origin=None,
    untar=False,
    md5_hash=None,
    file_hash=None,
    cache_subdir="datasets",
    hash_algorithm="auto",
    extract=False,
    archive_format="auto",
    cache_dir=None,
    force_download=False,
):
    """Path of a file in the cache, fetched from `origin` if it is not there yet.

    The cache is `cache_dir/cache_subdir`, by default the folder `datasets` of `~/.keras` (or `$KERAS_HOME`). A download
    that breaks off goes on where it stopped, at the next attempt or the next call. The file appears under its name
    only when it is complete and its hash, if one is given, is right; a cached file with another hash is fetched again.
    `$HORNBEAM_MIRROR`, a URL or a folder, is asked first: for `host/path` of the origin below it, then for the file's
    name alone.

    Args:
        fname: name in the cache; None takes the last part of the origin's path.
        origin: URL (http, https, ftp or file).
        untar: take `fname` as the name of a folder that the archive `fname.tar.gz` holds, unpack it, return the folder.
        md5_hash: older name of `file_hash`, for MD5.
        file_hash: hexadecimal MD5, SHA-256 or SHA-512 that the file must have.
        cache_subdir: folder below `cache_dir`, 'datasets'.
        hash_algorithm: 'md5', 'sha256', 'sha512', or 'auto', which goes by the length of the hash.
        extract: unpack the archive into the folder it lies in? Plain files and folders only (see `extract_archive`).
        archive_format: 'auto', 'tar', 'zip', a list of these, or None.
        cache_dir: folder of caches; None is Keras' own.
        force_download: fetch even what is there.

    Raises:
        OSError: the file cannot be fetched; the message says how to put it there by hand.
        ValueError: the hash is wrong, the archive is refused, or the origin is no URL.

    Example::

        path = get_file("mnist.npz", "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz")
    """
    if origin is None:
        raise ValueError("get_file: origin must be the URL of the file; got None.")
    fname = _name_in(origin) if fname is None else os.fspath(fname)
    fname = fname.removesuffix(".tar.gz") if untar else fname
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    folder = os.path.join(_cache(cache_dir), cache_subdir)
    path = os.path.join(folder, f"{fname}.tar.gz" if untar else fname)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if force_download or not _is_good(path, file_hash, hash_algorithm):
        _fetch(origin, path, file_hash, hash_algorithm)
    if untar:
        unpacked = os.path.join(folder, fname)
        if not os.path.exists(unpacked):
            extract_archive(path, folder, "tar")
        return unpacked
    if extract:
        extract_archive(path, folder, archive_format)
    return path


def validate_file(fpath, file_hash, algorithm="auto", chunk_size=65535):
    """Has the file this hash?

    Args:
        fpath: the file.
        file_hash: what it should be, in hexadecimal digits.
        algorithm: 'md5', 'sha256', 'sha512', or 'auto', which goes by the length of `file_hash`.
        chunk_size: bytes read at a time, 65535.

    Raises:
        ValueError: no such algorithm, or none has hashes of that length.

    Example:
        >>> validate_file(__file__, "0" * 64)
        False
    """
    file_hash = str(file_hash).strip().lower()
    digest = _hasher(file_hash, algorithm)
    with open(fpath, "rb") as file:
        while chunk := file.read(chunk_size):
            digest.update(chunk)
    return digest.hexdigest() == file_hash


def _hasher(file_hash, algorithm):
    name = _LENGTHS.get(len(file_hash)) if algorithm == "auto" else algorithm
    if name is None or name not in _LENGTHS.values():
        raise ValueError(
            f"A file's hash is md5 (32 digits), sha256 (64) or sha512 (128); got {file_hash!r} with algorithm "
            f"{algorithm!r}."
        )
    return hashlib.new(name, usedforsecurity=False)


# --- Places ---


def _name_in(origin):
    """A plain file name out of a URL's last part; a URL is the network's, and never names a folder here."""
    name = urllib.parse.unquote(urllib.parse.urlsplit(origin).path.rsplit("/", 1)[-1])
    if name in ("", ".", "..") or set(name) & set('/\\:\0*?"<>|'):
        raise ValueError(f"get_file: the origin {origin!r} ends in no plain file name. Say one: fname='data.npz'.")
    return name


def _cache(cache_dir):
    folder = os.path.expanduser(os.fspath(config.keras_home() if cache_dir is None else cache_dir))
    with contextlib.suppress(OSError):
        os.makedirs(folder, exist_ok=True)
    if os.access(folder, os.W_OK):
        return folder
    own = getattr(os, "getuid", lambda: "user")()
    folder = os.path.join(tempfile.gettempdir(), f".keras-{own}")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    found = os.lstat(folder)
    if hasattr(os, "getuid") and (found.st_uid != own or found.st_mode & 0o022 or os.path.islink(folder)):
        raise OSError(f"Neither the cache nor {folder!r} is a folder of your own to write in. Set KERAS_HOME.")
    return folder


def _is_good(path, file_hash, algorithm):
    if not os.path.isfile(path):
        return False
    if file_hash is None or validate_file(path, file_hash, algorithm):
        return True
    print(f"{path} has not the hash {file_hash}: it is incomplete or outdated, and is fetched again.")
    return False


def _addresses(origin):
    """Where to look: the mirror, if there is one, then the origin."""
    mirror = os.environ.get("HORNBEAM_MIRROR")
    if not mirror:
        return [origin]
    if "://" not in mirror:
        mirror = "file://" + urllib.request.pathname2url(os.path.abspath(os.path.expanduser(mirror)))
    parts = urllib.parse.urlsplit(origin)
    whole = "/".join(p for p in (parts.hostname or "", *parts.path.split("/")) if p not in ("", ".", ".."))
    base = mirror.rstrip("/")
    return [f"{base}/{whole}", f"{base}/{whole.rsplit('/', 1)[-1]}", origin]


# --- Fetching ---


def _fetch(origin, path, file_hash, algorithm):
    """Put the file at `origin` to `path`, by way of a partial file that later calls can go on with."""
    if urllib.parse.urlsplit(origin).scheme not in _SCHEMES:
        raise ValueError(f"get_file: origin must be a URL with one of {', '.join(_SCHEMES)}; got {origin!r}.")
    part = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.part")
    missing = not os.path.exists(path)
    with _locked(part) as waited:
        if (waited or missing) and _is_good(path, file_hash, algorithm):  # another process has fetched it meanwhile
            _remove_empty(part)
            return
        print(f"Downloading data from {origin}")
        faults = []
        for address in _addresses(origin):
            try:
                _download(address, part, os.path.basename(path))
                break
            except (OSError, http.client.HTTPException, ValueError) as error:
                faults.append(f"{address}: {error}")
        else:
            _remove_empty(part)
            raise OSError(_by_hand(origin, path, file_hash, faults))
        if file_hash is not None and not validate_file(part, file_hash, algorithm):
            size = os.path.getsize(part)
            _remove(part)
            raise ValueError(
                f"What came from {address} ({size} bytes) has not the hash {file_hash} and was thrown away. Look at "
                f"the address and the hash: the file may have changed, or something on the way answers in its place."
            )
        os.replace(part, path)
    _remove(part)


def _by_hand(origin, path, file_hash, faults):
    check = f" (its hash must be {file_hash})" if file_hash else ""
    return (
        f"Cannot download {origin}:\n  " + "\n  ".join(faults) + "\n"
        f"By hand: fetch that address on a machine that has the network and lay the file at {path}{check}. "
        f"Or set HORNBEAM_MIRROR to a URL or folder that has it, as host/path or under its own name."
    )


@contextlib.contextmanager
def _locked(part):
    """Let one process at a time write the partial file; gives whether there was another one to wait for."""
    try:
        import fcntl
    except ImportError:  # Windows: two processes at once are on their own
        yield False
        return
    with open(part, "ab") as file:
        waited = False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited = True
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:  # a file system without locks
            pass
        yield waited


def _download(address, part, name):
    """Fetch into `part`, going on after breaks as long as they bring something new."""
    for attempt in range(_ATTEMPTS):
        try:
            return _download_once(address, part, name)
        except urllib.error.HTTPError as error:
            if error.code < 500 or attempt == _ATTEMPTS - 1:
                raise
        except (OSError, http.client.HTTPException) as error:
            refused = isinstance(getattr(error, "reason", error), (ConnectionRefusedError, FileNotFoundError))
            if attempt == _ATTEMPTS - 1 or refused or _is_unknown_host(error):
                raise
        time.sleep(0.5 * attempt)
    return None


def _is_unknown_host(error):
    import socket

    return isinstance(getattr(error, "reason", None), socket.gaierror)


def _download_once(address, part, name):
    request = urllib.request.Request(address, headers={"User-Agent": "hornbeam", "Accept-Encoding": "identity"})
    have = _resume_point(address, part)
    if have:
        with open(f"{part}.json", encoding="utf-8") as file:
            request.add_header("If-Range", json.load(file)["validator"])
        request.add_header("Range", f"bytes={have}-")
    try:
        answer = urllib.request.urlopen(request, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code != 416 or not have:
            raise
        _forget(part)  # what is there is no beginning of the file
        return _download_once(address, part, name)
    with answer:
        goes_on = have and answer.status == 206 and (answer.headers["Content-Range"] or "").startswith(f"bytes {have}-")
        if not goes_on:
            _forget(part)
            have = 0
            _note_validator(address, part, answer)
        length = answer.headers["Content-Length"]
        total = have + int(length) if length and length.isdigit() else None
        _copy(answer, part, have, total, name)
    return None


def _copy(answer, part, have, total, name):
    show = sys.stdout.isatty()
    shown_s = 0.0
    with open(part, "ab") as file:
        while chunk := answer.read(_CHUNK):
            file.write(chunk)
            have += len(chunk)
            if show and time.monotonic() - shown_s > 0.2:
                shown_s = time.monotonic()
                of = f" of {total / 1e6:.1f}" if total else ""
                print(f"\r{name}: {have / 1e6:.1f}{of} MB", end="", flush=True)
        file.flush()
        os.fsync(file.fileno())
    if show:
        print(f"\r{name}: {have / 1e6:.1f} MB          ")
    if total is not None and have != total:
        raise OSError(f"the connection ended after {have} of {total} bytes")


def _resume_point(address, part):
    """How many bytes of this very address are there, and go with a mark that tells whether the file has changed."""
    try:
        with open(f"{part}.json", encoding="utf-8") as file:
            note = json.load(file)
        return os.path.getsize(part) if note["address"] == address and isinstance(note["validator"], str) else 0
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _note_validator(address, part, answer):
    tag = answer.headers["ETag"]
    mark = tag if tag and not tag.startswith("W/") else answer.headers["Last-Modified"]
    if mark and urllib.parse.urlsplit(address).scheme in ("http", "https"):
        with open(f"{part}.json", "w", encoding="utf-8") as file:
            json.dump({"address": address, "validator": mark}, file)


def _forget(part):
    with contextlib.suppress(OSError):
        os.unlink(f"{part}.json")
    with contextlib.suppress(FileNotFoundError):
        os.truncate(part, 0)


def _remove_empty(part):
    if os.path.exists(part) and not os.path.getsize(part):
        _remove(part)


def _remove(part):
    for name in (part, f"{part}.json"):
        with contextlib.suppress(OSError):
            os.unlink(name)
