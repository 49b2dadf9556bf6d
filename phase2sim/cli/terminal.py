"""Output of the commands: tables, JSON and progress."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import click
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from phase2sim.core.io.json_text import json_text
from phase2sim.core.progress import Status

STARTED = time.monotonic()  # start of the time budget of a sweep
_SECONDS_BETWEEN_LINES = 10.0
_WIDTH_WITHOUT_TERMINAL = 120


def show(renderable: RenderableType) -> None:
    """Print a table or text; what stands in brackets, as in a name, is text."""
    width = None if sys.stdout.isatty() else _WIDTH_WITHOUT_TERMINAL
    console = Console(width=width, highlight=False, soft_wrap=False, markup=False, emoji=False)
    console.print(renderable)


def show_json(values: object) -> None:
    """Print a value as JSON."""
    click.echo(json_text(values, indent=2))


def say(line: str) -> None:
    """Print a message to standard error."""
    click.echo(line, err=True)


def trials_progress() -> AbstractContextManager[Callable[[int, int], None]]:
    """Show the number of simulated trials and the remaining time."""
    return counting_progress("trials")


@contextmanager
def counting_progress(unit: str) -> Iterator[Callable[[int, int], None]]:
    """Show the number done and the remaining time: a bar on a terminal, else occasional lines."""
    if not sys.stderr.isatty():
        yield _report_lines(unit)
        return
    columns = (
        TextColumn(unit),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(unit, total=None, rate="")
        started: tuple[float, int] | None = None

        def advance(done: int, requested: int) -> None:
            nonlocal started
            now = time.monotonic()
            started = started or (now, done)
            rate = (done - started[1]) / max(now - started[0], 1e-9)
            bar.update(task, completed=done, total=requested, rate=f"{rate:,.0f} {unit}/s")

        yield advance


@contextmanager
def sweep_progress() -> Iterator[Callable[[Status], None]]:
    """Show cells, trials per second, remaining time and failures: a bar, or occasional lines."""
    started = last = time.monotonic()
    if not sys.stderr.isatty():

        def lines(status: Status) -> None:
            nonlocal last
            if time.monotonic() - last >= _SECONDS_BETWEEN_LINES:
                last = time.monotonic()
                say(_status_line(status, last - started))

        yield lines
        return
    with Progress(
        TextColumn("{task.fields[said]}", markup=False),
        BarColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task("", total=None, said="")

        def advance(status: Status) -> None:
            line = _status_line(status, time.monotonic() - started)
            bar.update(task, completed=status.trials_done, total=status.trials, said=line)

        yield advance


@contextmanager
def climbing_progress() -> Iterator[Callable[[int, int], None]]:
    """Show the number of undecided sizes in occasional lines; the total time is unknown."""
    last = time.monotonic()

    def advance(sizes_open: int, trials: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            say(f"{trials:,} trials looked at, {sizes_open} sizes still open")

    yield advance


def _status_line(status: Status, seconds: float) -> str:
    """``12/100 cells, 25,000 trials/s, 34 s left, 0 failed``."""
    rate = status.trials_done / max(seconds, 1e-9)
    seconds_left = (status.trials - status.trials_done) / max(rate, 1e-9)
    return (
        f"{status.cells_done:,}/{status.cells:,} cells, {rate:,.0f} trials/s, {seconds_left:.0f}"
        f" s left, {status.failed:,} failed"
    )


def _report_lines(unit: str) -> Callable[[int, int], None]:
    # Time is measured from the first batch on, without the fit or compilation before it.
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
        seconds_left = (now - started[0]) / (done - started[1]) * (requested - done)
        say(f"{done:,} of {requested:,} {unit}, about {seconds_left:.0f} s left")

    return advance
