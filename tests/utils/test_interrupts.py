"""Signals that wait: which ones, for how long, and that none is lost."""

import signal
import threading

import pytest

from hornbeam.utils import interrupts
from hornbeam.utils.interrupts import HeldBack


class Stopped(Exception):
    pass


def stop(number, frame):
    raise Stopped


@pytest.fixture(autouse=True)
def answers():
    """Ctrl-C as in a fresh Python, and SIGTERM answered; afterwards everything is as it was."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, stop)
    yield
    for number, answer in before.items():
        signal.signal(number, answer)


def press(*numbers, done=(), then=lambda: None):
    """Send signals where they are held back; `done` takes in how far it came."""
    with HeldBack():
        for number in numbers:
            signal.raise_signal(number)
            done.append("sent")
        then()
    done.append("behind")


@pytest.mark.parametrize(("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Stopped)])
def test_a_signal_waits_for_the_end(number, error):
    done = []
    with pytest.raises(error):
        press(number, done=done)
    assert done == ["sent"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) is stop


def test_without_a_signal_nothing_happens_and_an_error_goes_on():
    done = []
    press(done=done)
    assert done == ["behind"]
    with pytest.raises(ZeroDivisionError):
        press(then=lambda: 1 / 0)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_beside_an_error_is_answered_and_the_error_is_its_context():
    with pytest.raises(KeyboardInterrupt) as raised:
        press(signal.SIGINT, done=[], then=lambda: 1 / 0)
    assert isinstance(raised.value.__context__, ZeroDivisionError)


def test_each_signal_is_answered_though_the_first_raises():
    came, done = [], []
    signal.signal(signal.SIGTERM, lambda number, frame: came.append((number, len(done))))
    with pytest.raises(KeyboardInterrupt):
        press(signal.SIGINT, signal.SIGTERM, done=done)
    assert came == [(signal.SIGTERM, 2)]


def test_one_within_another_waits_for_the_outer_end():
    done = []
    with pytest.raises(KeyboardInterrupt):
        press(done=done, then=lambda: press(signal.SIGINT, done=done))
    assert done == ["sent", "behind"]


@pytest.mark.parametrize("kind", [signal.SIG_IGN, signal.SIG_DFL])
def test_what_python_does_not_answer_is_left_alone(kind):
    signal.signal(signal.SIGTERM, kind)
    with HeldBack():
        assert signal.getsignal(signal.SIGTERM) is kind
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler


def test_other_threads_are_not_held_and_change_nothing():
    seen = []

    def other():
        with HeldBack():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


@pytest.mark.parametrize("at", range(6))
def test_a_signal_at_the_beginning_or_the_end_leaves_no_answer_behind(at, monkeypatch):
    """Pressed before each change of an answer, of which there are three at either end."""
    signal.signal(signal.SIGALRM, stop)
    moments = iter(range(6))

    def set_(number, answer, set_=interrupts._set):
        if next(moments, None) == at:
            signal.raise_signal(signal.SIGALRM)
        return set_(number, answer)

    monkeypatch.setattr(interrupts, "_set", set_)
    with pytest.raises(Stopped), HeldBack():
        pass
    found = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)]
    assert found == [signal.default_int_handler, stop, stop]
