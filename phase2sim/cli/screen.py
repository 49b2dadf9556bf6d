"""What the commands share: a screen for people, JSON for programs, progress for the waiting."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import click
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from phase2sim.core.progress import Status

STARTED = time.monotonic()  # from here on a budget of time counts
_SECONDS_BETWEEN_LINES = 10.0
_WIDTH_WITHOUT_TERMINAL = 120


def show(renderable: RenderableType) -> None:
    """Print for people."""
    width = None if sys.stdout.isatty() else _WIDTH_WITHOUT_TERMINAL
    Console(width=width, highlight=False, soft_wrap=False).print(renderable)


def show_json(values: object) -> None:
    """Print for programs."""
    click.echo(json.dumps(values, indent=2, allow_nan=False))


def say(line: str) -> None:
    """Tell the waiting what happens, on standard error."""
    click.echo(line, err=True)


def trials_progress() -> AbstractContextManager[Callable[[int, int], None]]:
    """Show trials done and time left."""
    return counting("trials")


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show how many are done and time left: a bar on a terminal, a line now and then elsewhere."""
    if not sys.stderr.isatty():
        yield _lines(what)
        return
    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None, rate="")
        started: tuple[float, int] | None = None

        def advance(done: int, requested: int) -> None:
            nonlocal started
            now = time.monotonic()
            started = started or (now, done)
            rate = (done - started[1]) / max(now - started[0], 1e-9)
            bar.update(task, completed=done, total=requested, rate=f"{rate:,.0f} {what}/s")

        yield advance


@contextmanager
def sweep_progress() -> Iterator[Callable[[Status], None]]:
    """Show cells, trials a second, time left and failures: a bar, or a line now and then."""
    started = last = time.monotonic()
    if not sys.stderr.isatty():

        def lines(status: Status) -> None:
            nonlocal last
            if time.monotonic() - last >= _SECONDS_BETWEEN_LINES:
                last = time.monotonic()
                say(_said(status, last - started))

        yield lines
        return
    with Progress(
        TextColumn("{task.fields[said]}"), BarColumn(), console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task("", total=None, said="")

        def advance(status: Status) -> None:
            said = _said(status, time.monotonic() - started)
            bar.update(task, completed=status.trials_done, total=status.trials, said=said)

        yield advance


@contextmanager
def climbing_progress() -> Iterator[Callable[[int, int], None]]:
    """Show how many steps are still open: a line now and then, as nobody knows the end."""
    last = time.monotonic()

    def advance(left: int, trials: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            say(f"{trials:,} trials looked at, {left} sizes still open")

    yield advance


def _said(status: Status, seconds: float) -> str:
    """``12/100 cells, 25,000 trials/s, 34 s left, 0 failed``."""
    rate = status.trials_done / max(seconds, 1e-9)
    left = (status.trials - status.trials_done) / max(rate, 1e-9)
    return (
        f"{status.cells_done:,}/{status.cells:,} cells, {rate:,.0f} trials/s, {left:.0f} s left,"
        f" {status.failed:,} failed"
    )


def _lines(what: str) -> Callable[[int, int], None]:
    # Timed from the first batch on: a fit or a compilation before it says nothing of the rest.
    started: tuple[float, int] | None = None
    last = time.monotonic()

    def advance(done: int, requested: int) -> None:
        nonlocal started, last
        now = time.monotonic()
        if started is None:
            started, last = (now, done), now
        if now - last < _SECONDS_BETWEEN_LINES or done >= requested:
            return
        last = now
        left = (now - started[0]) / (done - started[1]) * (requested - done)
        say(f"{done:,} of {requested:,} {what}, about {left:.0f} s left")

    return advance
