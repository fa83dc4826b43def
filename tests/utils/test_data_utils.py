"""Files from the network: cache, hashes, mirrors, broken connections, and archives that want to write elsewhere."""

import hashlib
import http.server
import io
import os
import stat
import subprocess
import sys
import tarfile
import threading
import zipfile

import pytest

from hornbeam.utils import archives
from hornbeam.utils.data_utils import get_file, validate_file

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


class _Answer(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT; breaks off after `breaks` bytes as often as `times` says; knows ranges; notes what was asked."""

    def do_GET(self):
        server = self.server
        server.asked.append((self.path, self.headers.get("Range")))
        path = self.path.partition("?")[0]
        if path not in server.files:
            self.send_error(404)
            return
        content, start = server.files[path], 0
        wanted = self.headers.get("Range")
        if wanted and server.ranges and self.headers.get("If-Range") == server.tag:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("ETag", server.tag)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        stop = len(content)
        if server.breaks:
            stop = min(stop, start + server.breaks.pop(0))
        self.wfile.write(content[start:stop])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    server.files, server.asked, server.breaks, server.ranges, server.tag = {"/a/x.bin": CONTENT}, [], [], True, '"1"'
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr("hornbeam.utils.data_utils._TIMEOUT_S", 600)  # a thread that serves may be late
    monkeypatch.delenv("HORNBEAM_MIRROR", raising=False)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def test_a_file_is_fetched_once(server, tmp_path):
    path = get_file("y.bin", f"{server.url}/a/x.bin", cache_dir=tmp_path, file_hash=SHA256)
    assert path == str(tmp_path / "datasets" / "y.bin")
    assert read(path) == CONTENT
    assert get_file("y.bin", f"{server.url}/a/x.bin", cache_dir=tmp_path, md5_hash=MD5) == path
    assert len(server.asked) == 1
    assert os.listdir(tmp_path / "datasets") == ["y.bin"]


def test_force_download_fetches_again(server, tmp_path):
    for _ in range(2):
        get_file("y.bin", f"{server.url}/a/x.bin", cache_dir=tmp_path, force_download=True)
    assert len(server.asked) == 2


def test_the_cache_is_where_the_classics_cache(server, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    path = get_file("x.bin", f"{server.url}/a/x.bin", cache_subdir="models")
    assert path == str(tmp_path / "home" / "models" / "x.bin")


def test_the_name_comes_from_the_origin(server, tmp_path):
    assert os.path.basename(get_file(origin=f"{server.url}/a/x.bin?raw=1", cache_dir=tmp_path)) == "x.bin"


@pytest.mark.parametrize("end", ["", "/", "..", "%2e%2e", "a%2f..%2f..%2fx", "x%00.bin", "C%3Ax", "%5c..%5cx"])
def test_a_name_in_an_origin_leads_nowhere_else(end, tmp_path):
    with pytest.raises(ValueError, match="no plain file name"):
        get_file(origin=f"http://127.0.0.1:9/{end}", cache_dir=tmp_path)


def test_a_changed_file_in_the_cache_is_fetched_again(server, tmp_path, capsys):
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "x.bin").write_bytes(b"half")
    path = get_file("x.bin", f"{server.url}/a/x.bin", cache_dir=tmp_path, file_hash=SHA256)
    assert read(path) == CONTENT
    assert "incomplete or outdated" in capsys.readouterr().out


def test_a_wrong_hash_is_never_success(server, tmp_path):
    with pytest.raises(ValueError, match="has not the hash"):
        get_file("x.bin", f"{server.url}/a/x.bin", cache_dir=tmp_path, file_hash="0" * 64)
    assert os.listdir(tmp_path / "datasets") == []


def test_a_wrong_download_leaves_the_old_file(server, tmp_path):
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "x.bin").write_bytes(b"old")
    with pytest.raises(ValueError, match="has not the hash"):
        get_file("x.bin", f"{server.url}/a/x.bin", cache_dir=tmp_path, file_hash="0" * 32)
    assert read(tmp_path / "datasets" / "x.bin") == b"old"


def test_a_broken_download_goes_on_where_it_stopped(server, tmp_path):
    server.breaks = [1000, 2000]
    path = get_file("x.bin", f"{server.url}/a/x.bin", cache_dir=tmp_path, file_hash=SHA256)
    assert read(path) == CONTENT
    assert [wanted for _, wanted in server.asked] == [None, "bytes=1000-", "bytes=3000-"]


def test_the_next_call_goes_on_too(server, tmp_path):
    server.breaks = [100, 100, 100]
    with pytest.raises(OSError, match="300 of 10240 bytes"):
        get_file("x.bin", f"{server.url}/a/x.bin", cache_dir=tmp_path)
    assert not (tmp_path / "datasets" / "x.bin").exists()
    assert read(get_file("x.bin", f"{server.url}/a/x.bin", cache_dir=tmp_path)) == CONTENT
    assert server.asked[-1][1] == "bytes=300-"


def test_a_file_that_changed_meanwhile_is_fetched_whole(server, tmp_path):
    server.breaks = [100, 100, 100]
    with pytest.raises(OSError, match="of 10240 bytes"):
        get_file("x.bin", f"{server.url}/a/x.bin", cache_dir=tmp_path)
    server.tag, server.files["/a/x.bin"] = '"2"', b"new"
    assert read(get_file("x.bin", f"{server.url}/a/x.bin", cache_dir=tmp_path)) == b"new"


def test_a_server_without_ranges_sends_all_again(server, tmp_path):
    server.ranges, server.breaks = False, [1000]
    assert read(get_file("x.bin", f"{server.url}/a/x.bin", cache_dir=tmp_path)) == CONTENT


@pytest.mark.parametrize("origin", ["http://127.0.0.1:9/x.bin", "http://no.such.host.invalid/x.bin"])
def test_without_a_network_the_error_says_what_to_do_by_hand(origin, tmp_path):
    with pytest.raises(OSError, match="By hand") as error:
        get_file("x.bin", origin, cache_dir=tmp_path, file_hash=SHA256)
    for words in (origin, str(tmp_path / "datasets" / "x.bin"), SHA256, "HORNBEAM_MIRROR"):
        assert words in str(error.value)
    assert os.listdir(tmp_path / "datasets") == []


def test_what_is_not_there_is_an_error(server, tmp_path):
    with pytest.raises(OSError, match="404"):
        get_file("x.bin", f"{server.url}/b/x.bin", cache_dir=tmp_path)
    assert len(server.asked) == 1


def test_origins_are_urls(tmp_path):
    with pytest.raises(ValueError, match="origin must be a URL"):
        get_file("x.bin", "data:text/plain,hello", cache_dir=tmp_path)
    with pytest.raises(ValueError, match="got None"):
        get_file("x.bin")


@pytest.mark.parametrize("place", ["127.0.0.1/a/x.bin", "x.bin"])
def test_a_mirror_is_asked_first(place, tmp_path, monkeypatch):
    (tmp_path / "mirror" / place).parent.mkdir(parents=True)
    (tmp_path / "mirror" / place).write_bytes(CONTENT)
    monkeypatch.setenv("HORNBEAM_MIRROR", str(tmp_path / "mirror"))
    path = get_file("y.bin", "http://127.0.0.1:9/a/x.bin", cache_dir=tmp_path / "cache", file_hash=SHA256)
    assert read(path) == CONTENT


def test_a_mirror_by_http_and_the_origin_behind_it(server, tmp_path, monkeypatch):
    server.files["/m/no.such.host.invalid/z.bin"] = b"z"
    monkeypatch.setenv("HORNBEAM_MIRROR", f"{server.url}/m/")
    assert read(get_file("z", "https://no.such.host.invalid/z.bin", cache_dir=tmp_path)) == b"z"
    assert read(get_file("x", f"{server.url}/a/x.bin", cache_dir=tmp_path)) == CONTENT


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such locks")
def test_two_processes_fetch_one_file(server, tmp_path):
    program = (
        "import sys, types; package = types.ModuleType('hornbeam'); package.__path__ = [sys.argv[1]]; "
        "sys.modules['hornbeam'] = package; utils = types.ModuleType('hornbeam.utils'); "
        "utils.__path__ = [sys.argv[1] + '/utils']; sys.modules['hornbeam.utils'] = utils; "
        "from hornbeam.utils.data_utils import get_file; get_file('x.bin', sys.argv[2], cache_dir=sys.argv[3])"
    )
    home = os.path.dirname(os.path.dirname(archives.__file__))
    words = [sys.executable, "-c", program, home, f"{server.url}/a/x.bin", str(tmp_path)]
    runs = [subprocess.Popen(words, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [run.wait(600) for run in runs] == [0, 0, 0]
    assert os.listdir(tmp_path / "datasets") == ["x.bin"]
    assert read(tmp_path / "datasets" / "x.bin") == CONTENT


@pytest.mark.parametrize("algorithm", ["md5", "sha256", "sha512"])
def test_hashes(algorithm, tmp_path):
    (tmp_path / "x").write_bytes(CONTENT)
    right = hashlib.new(algorithm, CONTENT).hexdigest()
    assert validate_file(tmp_path / "x", right)
    assert validate_file(tmp_path / "x", right.upper(), algorithm, chunk_size=7)
    assert not validate_file(tmp_path / "x", right[::-1])


@pytest.mark.parametrize(("digits", "algorithm"), [("12", "auto"), ("0" * 32, "crc32")])
def test_a_hash_of_no_kind(digits, algorithm):
    with pytest.raises(ValueError, match="A file's hash is md5"):
        validate_file(__file__, digits, algorithm)


# --- Archives ---


def tar(path, *members, mode="w:gz"):
    """A tar file of (name, content) or TarInfo members."""
    with tarfile.open(path, mode) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member, io.BytesIO(b"x" * member.size))
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
    return path


def zipped(path, *members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def everything_below(folder):
    return sorted(os.path.relpath(os.path.join(at, n), folder) for at, fs, ns in os.walk(folder) for n in (*ns, *fs))


@pytest.mark.parametrize("kind", ["w", "w:gz", "w:bz2", "w:xz", "zip"])
def test_archives_are_unpacked(kind, tmp_path):
    members = ("top.txt", b"1"), ("a/b/./c.txt", b"2"), ("a/empty", b"")
    (zipped if kind == "zip" else lambda p, *m: tar(p, *m, mode=kind))(tmp_path / "x", *members)
    assert archives.extract_archive(tmp_path / "x", tmp_path / "out") is True
    assert everything_below(tmp_path / "out") == ["a", "a/b", "a/b/c.txt", "a/empty", "top.txt"]
    assert read(tmp_path / "out" / "a" / "b" / "c.txt") == b"2"


def test_get_file_unpacks_beside_the_archive(server, tmp_path):
    server.files["/t.tar.gz"] = read(tar(tmp_path / "t", ("data/one.txt", b"1")))
    path = get_file("t.tar.gz", f"{server.url}/t.tar.gz", extract=True, cache_dir=tmp_path)
    assert path == str(tmp_path / "datasets" / "t.tar.gz")
    assert read(tmp_path / "datasets" / "data" / "one.txt") == b"1"


def test_untar_returns_the_folder(server, tmp_path):
    server.files["/data.tar.gz"] = read(tar(tmp_path / "t", ("data/one.txt", b"1")))
    for _ in range(2):
        path = get_file("data", f"{server.url}/data.tar.gz", untar=True, cache_dir=tmp_path)
        assert path == str(tmp_path / "datasets" / "data")
    assert os.listdir(path) == ["one.txt"]


def test_what_is_no_archive_is_left_alone(tmp_path):
    (tmp_path / "x").write_bytes(CONTENT)
    assert archives.extract_archive(tmp_path / "x", tmp_path / "out") is False
    assert archives.extract_archive(tar(tmp_path / "y", ("a", b"")), tmp_path / "out", None) is False
    assert archives.extract_archive(tar(tmp_path / "y", ("a", b"")), tmp_path / "out", "zip") is False
    assert not (tmp_path / "out").exists()
    with pytest.raises(ValueError, match="archive_format must be"):
        archives.extract_archive(tmp_path / "x", tmp_path / "out", "rar")


def test_unpacking_twice_replaces_files_and_ignores_permissions(tmp_path):
    info = tarfile.TarInfo("tool")
    info.size, info.mode = 3, 0o4777
    for _ in range(2):
        archives.extract_archive(tar(tmp_path / "x", info), tmp_path / "out")
    assert not os.stat(tmp_path / "out" / "tool").st_mode & (stat.S_ISUID | stat.S_IXUSR | stat.S_IWOTH)


def link(name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def special(kind):
    info = tarfile.TarInfo("special")
    info.type = kind
    return info


def _sparse(path):
    """A GNU sparse file of 1 TB, by hand: tarfile reads such headers and does not write them."""
    info = tarfile.TarInfo("sparse")
    info.type = tarfile.GNUTYPE_SPARSE
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[483:495] = b"\x80\0\0\0\0\0\1\0\0\0\0\0"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    path.write_bytes(bytes(block) + bytes(1024))


def _zip_with(path, change, name="aaaaaaa"):
    """A zip file whose one name is changed to bytes that zipfile would not write."""
    zipped(path, (name, b"x"))
    path.write_bytes(read(path).replace(name.encode(), change))


def _zip_symlink(path):
    info = zipfile.ZipInfo("link")
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    zipped(path, (info, b"../secret"), ("link/x", b"x"))


TRAVERSALS = {
    "tar ..": lambda p: tar(p, ("../secret", b"x")),
    "tar a/../..": lambda p: tar(p, ("a/../../secret", b"x")),
    "tar .. at the end": lambda p: tar(p, ("ok", b"1"), ("a/..", b"x")),
    "tar ./..": lambda p: tar(p, ("./../secret", b"x")),
    "tar absolute": lambda p: tar(p, (str(p.parent / "secret"), b"x")),
    "tar //absolute": lambda p: tar(p, ("/" + str(p.parent / "secret"), b"x")),
    "tar symlink": lambda p: tar(p, link("link", ".."), ("link/secret", b"x")),
    "tar absolute symlink": lambda p: tar(p, link("link", str(p.parent)), ("link/secret", b"x")),
    "tar symlink to a file": lambda p: tar(p, link("link", "../secret"), ("link", b"x")),
    "tar symlink inside": lambda p: tar(p, ("a", b"1"), link("link", "a")),
    "tar link/../x": lambda p: tar(p, link("d/link", "../.."), ("d/link/../secret", b"x")),
    "tar chain of links": lambda p: tar(p, link("a", "."), link("a/b", ".."), ("b/secret", b"x")),
    "tar hard link": lambda p: tar(p, link("link", "../secret", tarfile.LNKTYPE), ("link", b"x")),
    "tar absolute hard link": lambda p: tar(p, link("link", str(p.parent / "secret"), tarfile.LNKTYPE)),
    "tar hard link to a link": lambda p: tar(p, link("s", "../secret"), link("h", "s", tarfile.LNKTYPE), ("h", b"x")),
    "tar character device": lambda p: tar(p, special(tarfile.CHRTYPE)),
    "tar block device": lambda p: tar(p, special(tarfile.BLKTYPE)),
    "tar pipe": lambda p: tar(p, special(tarfile.FIFOTYPE)),
    "tar contiguous": lambda p: tar(p, ("../secret", b"1"), special(tarfile.CONTTYPE)),
    "tar sparse": _sparse,
    "tar backslashes": lambda p: tar(p, ("..\\secret", b"x")),
    "tar drive": lambda p: tar(p, ("C:secret", b"x")),
    "tar share": lambda p: tar(p, ("\\\\host\\share\\secret", b"x")),
    "tar long part": lambda p: tar(p, ("a" * 300, b"x")),
    "tar long name": lambda p: tar(p, ("a/" * 2500 + "secret", b"x")),
    "tar NUL by pax": lambda p: tar(p, _pax("ok\0/../secret")),
    "zip ..": lambda p: zipped(p, ("../secret", b"x")),
    "zip a/../..": lambda p: zipped(p, ("a/../../secret", b"x")),
    "zip absolute": lambda p: zipped(p, (str(p.parent / "secret"), b"x")),
    "zip backslashes": lambda p: _zip_with(p, b"..\\secr"),
    "zip drive": lambda p: _zip_with(p, b"C:\\secr"),
    "zip NUL": lambda p: _zip_with(p, b"a\0/../s"),
    "zip symlink": _zip_symlink,
    "zip .. folder": lambda p: zipped(p, ("../out2/", b"")),
    "zip long part": lambda p: zipped(p, ("a" * 300, b"x")),
    "zip no name": lambda p: zipped(p, (".", b"x")),
}


def _pax(name):
    info = tarfile.TarInfo("ok")
    info.pax_headers = {"path": name}
    return info


@pytest.mark.parametrize("variant", TRAVERSALS)
def test_nothing_is_written_outside(variant, tmp_path):
    (tmp_path / "secret").write_bytes(b"mine")
    TRAVERSALS[variant](tmp_path / "archive")
    (tmp_path / "out").mkdir()
    with pytest.raises(ValueError, match="refused") as error:
        archives.extract_archive(tmp_path / "archive", tmp_path / "out")
    assert "archive" in str(error.value)
    assert read(tmp_path / "secret") == b"mine"
    assert everything_below(tmp_path) == ["archive", "out", "secret"]


def test_there_are_thirty_variants():
    assert len(TRAVERSALS) >= 30


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_links_that_lie_in_the_folder_are_not_followed(kind, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "secret").write_bytes(b"mine")
    (tmp_path / "out" / "a").symlink_to(tmp_path / ("elsewhere" if kind == "folder" else "secret"))
    archive = tar(tmp_path / "x", ("a/b" if kind == "folder" else "a", b"x"))
    if kind == "folder":
        with pytest.raises(ValueError, match="in the way"):
            archives.extract_archive(archive, tmp_path / "out")
    else:
        archives.extract_archive(archive, tmp_path / "out")
        assert not (tmp_path / "out" / "a").is_symlink()
    assert os.listdir(tmp_path / "elsewhere") == []
    assert read(tmp_path / "secret") == b"mine"


def test_bombs_and_damage_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_FREE_BYTES", 1000)
    for make in (lambda p: tar(p, ("a", bytes(1_000_000))), lambda p: _deflated(p, bytes(1_000_000))):
        make(tmp_path / "x")
        with pytest.raises(ValueError, match="unpacks to more than"):
            archives.extract_archive(tmp_path / "x", tmp_path / "out")
    whole = read(tar(tmp_path / "y", ("a", os.urandom(50_000))))
    (tmp_path / "y").write_bytes(whole[:30_000])
    with pytest.raises(ValueError, match="damaged"):
        archives.extract_archive(tmp_path / "y", tmp_path / "out")
    assert not (tmp_path / "out" / "a").exists()


def test_a_broken_member_is_not_left_half_written(tmp_path):
    zipped(tmp_path / "x", ("a", b"content"))
    (tmp_path / "x").write_bytes(read(tmp_path / "x").replace(b"content", b"CONTENT"))
    with pytest.raises(ValueError, match="damaged"):
        archives.extract_archive(tmp_path / "x", tmp_path / "out")
    assert os.listdir(tmp_path / "out") == []


def _deflated(path, content):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", content)
