"""An interrupt that something swallowed is raised all the same."""

import ctypes
import os
import signal
import sys
from contextlib import suppress

import pytest

from phase2sim.core.interrupts import swallowed_interrupts_raised


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupt_is_raised_at_once() -> None:
    before = signal.getsignal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt), swallowed_interrupts_raised():
        interrupt()

    assert signal.getsignal(signal.SIGINT) is before


def test_one_that_was_swallowed_is_raised_at_the_end() -> None:
    went_on = []

    def swallow() -> None:
        with suppress(KeyboardInterrupt):
            interrupt()
        went_on.append(True)

    with pytest.raises(KeyboardInterrupt), swallowed_interrupts_raised():
        swallow()

    assert went_on


def test_nothing_is_printed_of_one_that_a_library_called_back_swallowed(
    capfd: pytest.CaptureFixture[str],
) -> None:
    hook = sys.unraisablehook
    called_back = ctypes.CFUNCTYPE(None)(interrupt)

    with pytest.raises(KeyboardInterrupt), swallowed_interrupts_raised():
        called_back()

    assert capfd.readouterr().err == ""
    assert sys.unraisablehook is hook


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_a_library_called_back_swallowed_otherwise_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: told.append(args.exc_type))

    def fail() -> None:
        msg = "no compiled object yet"
        raise RuntimeError(msg)

    with swallowed_interrupts_raised():
        ctypes.CFUNCTYPE(None)(fail)()

    assert told == [RuntimeError]


def test_without_one_nothing_is_raised() -> None:
    with swallowed_interrupts_raised():
        pass


def test_what_fails_because_one_was_swallowed_is_the_interrupt() -> None:
    def fail_later() -> None:
        with suppress(KeyboardInterrupt):
            interrupt()
        msg = "no compiled object yet"
        raise RuntimeError(msg)

    with pytest.raises(KeyboardInterrupt), swallowed_interrupts_raised():
        fail_later()


def test_a_failure_without_one_is_raised_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError), swallowed_interrupts_raised():
        1 / 0  # noqa: B018
