"""Saves that are interrupted: the file is the old model or the new one, whole, and nobody is told otherwise."""

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

import without_engine
from hornbeam.saving import atomic
from hornbeam.saving.atomic import replacing

posix = pytest.mark.skipif(os.name == "nt", reason="forks, signals and permissions of POSIX")
PROGRAM = Path(__file__).with_name("interrupted_saves.py")
FORMATS = ("h5", "keras", "safetensors")


def run(*words, timeout_s=1200):
    done = subprocess.run(
        [sys.executable, str(PROGRAM), *map(str, words)], capture_output=True, text=True, timeout=timeout_s
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def check_kills(seen, times):
    assert seen["old_or_new"] == seen["times"] >= times
    assert seen["statuses"] == {"-9": seen["times"]}
    assert seen["leftovers_of_others"] == 0
    assert seen["leftovers_at_the_end"] == 0
    assert seen["within"] >= times // 5, "the kills missed the saves, so this proved nothing"


@pytest.fixture(scope="module", params=[*FORMATS, "npz"])
def seen(request):
    """What one process saw that tried everything with a format: its start takes longer than its work."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # where a busy disk does not make it wait
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        os.chmod(folder, 0o755)  # every user may enter, unlike pytest's own
        return run("all", request.param, folder, 10, 5, 5)


@posix
def test_killed_saves(seen):
    check_kills(seen["kill"], 10)


@posix
def test_terminated_saves(seen):
    terminated = seen["terminate"]
    assert terminated["old_or_new"] == 5
    # SystemExit, or what the library that writes makes of one that comes while it calls back: told each time.
    assert sum(terminated["statuses"].values()) == 5
    assert set(terminated["statuses"]) <= {"4", "5"}
    assert terminated["within"] == 0, "a temporary was left, though the program had time to remove it"


@posix
def test_no_room(seen):
    assert {bound["enough"] for bound in seen["limit"]} == {True, False}
    for bound in seen["limit"]:
        outcome = bound["status"], bound["new"], bound["old"]
        assert outcome == ((0, True, False) if bound["enough"] else (3, False, True)), bound
        assert bound["temporaries"] == []


@posix
def test_no_permission(seen):
    for kind in seen["refuse"]:
        assert kind == {"status": 3, "temporaries": [], "old": True}


@posix
@pytest.mark.nightly
@pytest.mark.parametrize("suffix", [*FORMATS, "npz"])
def test_a_thousand_killed_saves(suffix):
    check_kills(run("kill", suffix, 334, int(time.time()), timeout_s=6000), 334)


@posix
@pytest.mark.nightly
@pytest.mark.parametrize("suffix", [*FORMATS, "npz"])
def test_a_full_disk(suffix, tmp_path):
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(tmp_path)], capture_output=True)
    if mounted.returncode:
        pytest.skip("only a privileged user makes a small disk; test_no_room does nearly the same")
    try:
        assert run("fill", suffix, tmp_path) == {"status": 3, "temporaries": [], "old": True}
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


# --- One fault at a time ---


def save(path, text):
    with replacing(path) as temporary:
        temporary.write_text(text)


@posix
@pytest.mark.parametrize(
    ("word", "number", "count"),
    [("open", errno.EACCES, 1), ("open", errno.ENOSPC, 1), ("open", errno.EIO, 2), ("fstat", errno.EIO, 1),
     ("fsync", errno.EIO, 1), ("fsync", errno.ENOSPC, 1), ("fsync", errno.EDQUOT, 1), ("fchmod", errno.EIO, 1),
     ("replace", errno.EACCES, 1), ("replace", errno.EXDEV, 1), ("close", errno.EIO, 2)],
)  # fmt: skip
def test_every_step_may_fail(word, number, count, tmp_path, monkeypatch):
    path = tmp_path / "m.h5"
    path.write_text("old")
    path.chmod(0o640)
    if word == "fchmod":
        path.chmod(0o600)
    real, calls = getattr(os, word), []

    def failing(*words, **more):
        calls.append(words)
        if len(calls) == count:
            if word == "close":
                real(*words)
            raise OSError(number, os.strerror(number))
        return real(*words, **more)

    monkeypatch.setattr(os, word, failing)
    with pytest.raises(OSError) as error:
        save(path, "new")
    monkeypatch.undo()
    assert error.value.errno == number
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["m.h5"]


@posix
def test_the_old_file_is_let_go(tmp_path, monkeypatch):
    """What is replaced is held open until the rename is done, and closed though no thread can be had."""
    path = tmp_path / "m.h5"
    path.write_text("old")
    for thread in threading.enumerate():
        if thread.name == "hornbeam-close":  # of the save of another test
            thread.join()
    before = set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None

    def refused(*_, **__):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    save(path, "new")
    assert path.read_text() == "new"
    if before is not None:
        assert set(os.listdir("/proc/self/fd")) == before


@posix
def test_a_folder_that_cannot_be_flushed(tmp_path, monkeypatch):
    """Some file systems have no such thing, which is no fault; a disk's own error is told, after the rename."""
    real = os.fsync
    for number, told in ((errno.EINVAL, False), (errno.EIO, True)):
        calls = []

        def failing(descriptor, calls=calls, number=number):
            calls.append(descriptor)
            if len(calls) == 2:
                raise OSError(number, os.strerror(number))
            real(descriptor)

        monkeypatch.setattr(os, "fsync", failing)
        if told:
            with pytest.raises(OSError, match="Input/output"):
                save(tmp_path / "m", f"new {number}")
        else:
            save(tmp_path / "m", f"new {number}")
        assert (tmp_path / "m").read_text() == f"new {number}"
        assert os.listdir(tmp_path) == ["m"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt(), MemoryError(), SystemExit(1)])
def test_what_ends_the_block_is_told_and_cleaned_up(error, tmp_path):
    path = tmp_path / "m.h5"
    path.write_text("old")
    with pytest.raises(type(error)), replacing(path) as temporary:  # noqa: PT012
        temporary.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["m.h5"]


def test_a_writer_that_loses_its_file(tmp_path):
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "m") as temporary:
        temporary.unlink()
    assert os.listdir(tmp_path) == []


@posix
def test_what_cannot_be_replaced(tmp_path):
    with pytest.raises(IsADirectoryError, match="this is a folder"):
        save(tmp_path, "x")
    with pytest.raises(FileNotFoundError, match="Make it first"):
        save(tmp_path / "no" / "m.h5", "x")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="a device or a pipe"):
        save(tmp_path / "pipe", "x")
    with pytest.raises(OSError, match="a device or a pipe"):
        save(os.devnull, "x")


# --- What stays as it was ---


@posix
def test_permissions_and_links_stay(tmp_path):
    (tmp_path / "real.h5").write_text("old")
    (tmp_path / "real.h5").chmod(0o604)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link.h5").symlink_to("../real.h5")
    save(tmp_path / "folder" / "link.h5", "new")
    assert (tmp_path / "folder" / "link.h5").is_symlink()
    assert (tmp_path / "real.h5").read_text() == "new"
    assert (tmp_path / "real.h5").stat().st_mode & 0o777 == 0o604
    assert os.listdir(tmp_path / "folder") == ["link.h5"]


@posix
def test_a_new_file_has_the_usual_permissions(tmp_path):
    before = os.umask(0o027)
    try:
        save(tmp_path / "m", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "m").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["m", "x.hdf5", "a b.h5", "ü" * 120, "x" * 255, ".hidden", "[a]*.h5"])
def test_names(name, tmp_path):
    for text in ("old", "new"):
        with replacing(tmp_path / name) as temporary:
            assert temporary.parent == tmp_path
            assert temporary.name.startswith(".")
            assert ".hornbeam-" in temporary.name
            assert temporary.name.endswith(".tmp")
            temporary.write_text(text)
    assert os.listdir(tmp_path) == [name]
    assert (tmp_path / name).read_text() == "new"


def test_relative_and_text_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save("m.h5", "x")
    assert os.listdir(tmp_path) == ["m.h5"]


# --- Leftovers ---


def dead_process():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_leftovers_of_this_path_vanish_and_no_others(tmp_path):
    host, dead = atomic._host(), dead_process()
    leftovers = {
        f".m.h5.hornbeam-{host}-{dead}-00000001.tmp": False,  # a dead writer's
        f".m.h5.hornbeam-{host}-{os.getpid()}-00000002.tmp": False,  # ours, and we know of no such save
        f".m.h5.hornbeam-{host}-{os.getppid()}-00000003.tmp": True,  # its writer lives
        f".m.h5.hornbeam-{'0' * 8}-{dead}-00000004.tmp": True,  # another machine's, young
        f".m.h5.hornbeam-{'1' * 8}-{dead}-00000005.tmp": False,  # another machine's, of last week
        f".m.h5.x.hornbeam-{host}-{dead}-00000006.tmp": True,  # another file's
        f".other.hornbeam-{host}-{dead}-00000007.tmp": True,
        ".m.h5.hornbeam-mine.tmp": True,  # a name that only looks alike
        "m.h5.tmp": True,
    }
    for name in leftovers:
        (tmp_path / name).write_text("half")
    week_ago = time.time() - 7 * 86_400
    os.utime(tmp_path / f".m.h5.hornbeam-{'1' * 8}-{dead}-00000005.tmp", (week_ago, week_ago))
    save(tmp_path / "m.h5", "x")
    assert set(os.listdir(tmp_path)) == {"m.h5", *(name for name, stays in leftovers.items() if stays)}


def test_two_saves_at_once_leave_each_other_alone(tmp_path):
    with replacing(tmp_path / "m") as first:
        first.write_text("first")
        save(tmp_path / "m", "second")
        assert (tmp_path / "m").read_text() == "second"
    assert (tmp_path / "m").read_text() == "first"
    assert os.listdir(tmp_path) == ["m"]


@posix
def test_a_program_that_does_not_listen_to_sigterm_leaves_a_temporary_for_the_next_save(tmp_path):
    program = (
        f"import sys; sys.path.insert(0, {str(Path(without_engine.__file__).parent)!r}); import without_engine; "
        f"without_engine.install(); from hornbeam.saving.atomic import replacing; import time\n"
        f"with replacing({str(tmp_path / 'm')!r}) as t:\n    t.write_text('half'); print('ready', flush=True)\n"
        f"    time.sleep(60)"
    )
    (tmp_path / "m").write_text("old")
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    with child.stdout:
        child.stdout.readline()
    child.send_signal(signal.SIGTERM)
    assert child.wait(300) == -signal.SIGTERM
    assert (tmp_path / "m").read_text() == "old"
    assert len(os.listdir(tmp_path)) == 2
    save(tmp_path / "m", "new")
    assert os.listdir(tmp_path) == ["m"]
