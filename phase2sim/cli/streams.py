"""Standard output that is closed, full, or knows fewer characters than a command prints."""

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import NoReturn, TextIO

import click

from phase2sim.cli import main
from phase2sim.core.errors import BadInput
from phase2sim.core.io.plain_files import reason_of


def run_command(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code; an interrupt is raised."""
    with _writable_streams():
        _check_arguments(arguments)
        try:
            return main.main(arguments, prog_name="phase2sim", standalone_mode=False) or 0
        except click.ClickException as error:
            error.show()
            return error.exit_code
        except click.Abort:
            raise KeyboardInterrupt from None


@contextmanager
def _writable_streams() -> Iterator[None]:
    """Let a block print any text; what cannot be written is said, and ends with exit code 1.

    A reader that has read enough, as `head` does, is no mistake: nothing is said of it.
    """
    sys.stdout, sys.stderr = _opened(sys.stdout), _opened(sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # where the code page has no such character: ?
    try:
        yield
    except OSError as error:
        _end(error)
    finally:
        try:
            sys.stdout.flush()
        except OSError as error:
            _end(error)


def _check_arguments(arguments: Sequence[str]) -> None:
    """End with exit code 2 if an argument is not text: no file could say it again."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            shown = argument.encode(errors="replace").decode()
            sys.stderr.write(
                f"Error: the argument {shown!r} is not UTF-8 text. Type it as UTF-8.\n"
            )
            sys.exit(BadInput.exit_code)


def _opened(stream: TextIO | None) -> TextIO:
    """Return the stream; Python has none for one that was closed before it started."""
    if stream is not None:
        return stream
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - until the process ends


def _end(error: OSError) -> NoReturn:
    """End with exit code 1; nothing more is written when Python itself ends."""
    gone = error.errno == errno.EPIPE
    reason = reason_of(error)
    target = error.filename or "standard output"
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - as above
    if not gone:
        with suppress(OSError):
            sys.stderr.write(f"Error: {target}: cannot be used: {reason}.\n")
    sys.exit(1)
