"""The first Ctrl-C asks to stop at the next good place; the second stops at once."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)  # a cluster's queue sends the second before it kills


@dataclass(slots=True)
class Interrupts:
    """Whether somebody asked to stop."""

    asked: bool = False

    def note(self, number: int, frame: FrameType | None) -> None:
        """Note the first request, and obey the second."""
        del number, frame
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def noted_interrupts() -> Iterator[Interrupts]:
    """Note interrupts instead of raising them; only the main thread gets any."""
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    before = {number: signal.signal(number, interrupts.note) for number in _SIGNALS}
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def swallowed_interrupts_raised() -> Iterator[None]:
    """Raise an interrupt at once, and again at the end of the block if it was swallowed.

    What a library calls back, as a compiler does, cannot pass an exception on: Python prints or
    drops it there, and the library may fail later because its work was not finished. Nothing is
    printed of what follows an interrupt.
    """
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def obey(number: int, frame: FrameType | None) -> None:
        del number, frame
        interrupts.asked = True
        raise KeyboardInterrupt

    def print_unless_asked(unraisable: "sys.UnraisableHookArgs") -> None:
        if not interrupts.asked:
            print_unraisable(unraisable)

    before, print_unraisable = signal.signal(signal.SIGINT, obey), sys.unraisablehook
    sys.unraisablehook = print_unless_asked
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        sys.unraisablehook = print_unraisable
        if interrupts.asked:
            raise KeyboardInterrupt
