"""An interrupt that something swallowed is raised all the same."""

import os
import signal
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
