"""Whether a command did what a command may do, whatever it was given."""

import contextlib
import json
import math
import re
import signal
import time
import traceback
from collections.abc import Collection, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from click.testing import CliRunner, Result
from fuzz.case import Case
from fuzz.keys import keys_of_file, known_keys

from phase2sim.cli import main

PATIENCE_S = 20
SHARES = ("power", "type I error", "assurance", "coverage", "go", "stop")
TEXTS = {"title", "name", "analysis", "file"}  # which a case may call nan
# Where a refusal may say what is wrong with a file as a whole.
OF_THE_FILE = re.compile(
    r"^: (is not TOML: .+ \(at (line \d+, column \d+|end of document)\)|is not TOML: .*nested"
    r"|byte \d+ is not UTF-8|is a |is empty|cannot be read|holds effects alone|holds no rows"
    r"|\d+ patients have every visit"
    r"|holds a number|holds binary data|is UTF-16|column '|no row )|^(: |, )lines? \d+"
)
NOT_A_NUMBER = re.compile(r"(?<![\w./-])(nan|NaN|Infinity)(?![\w./-])")


class Hangs(BaseException):
    """A command that has not ended in time; no ``except Exception`` stops it."""


def run(case: Case, folder: Path, patience_s: int = PATIENCE_S) -> Result:
    """Run a case in an empty folder; raises ``Hangs``."""
    for name, content in case.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    with contextlib.chdir(folder), _patience(patience_s):
        environment = {"PHASE2SIM_CACHE": str(folder / case.cache)} if case.cache else {}
        return CliRunner(env=environment).invoke(main, case.arguments)


def complaints(case: Case, folder: Path) -> list[str]:
    """What is wrong with what a command did; nothing if all is well."""
    began = time.process_time()
    try:
        result = run(case, folder)
    except Hangs as hang:
        return [f"hangs: {''.join(traceback.format_tb(hang.__traceback__)[-3:])}"]
    seconds = time.process_time() - began
    found = [f"took {seconds:.0f} s"] if seconds > PATIENCE_S else []
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        where = traceback.extract_tb(result.exception.__traceback__)[-1]
        return [*found, f"traceback: {result.exception!r} at {where.filename}:{where.lineno}"]
    if result.exit_code not in {0, 1, 2}:
        return [*found, f"exit code {result.exit_code}"]
    if "Warning" in result.stderr:
        found.append(f"a warning of Python's: {result.stderr[:300]}")
    if result.exit_code == 0:
        return [*found, *_of_an_answer(case, result)]
    return [*found, *_of_a_refusal(case, result)]


def _of_an_answer(case: Case, result: Result) -> Iterator[str]:
    if case.answer not in {None, result.stdout} and not result.stderr:
        yield "another answer than that of the sound files, without a word"
    if result.stdout.startswith("Usage: "):
        return
    if case.arguments[0] == "schema":
        return  # which speaks of NaN
    if "--json" not in case.arguments:
        if found := NOT_A_NUMBER.search(result.stdout):
            yield f"prints {found[0]}: {_around(result.stdout, found.start())}"
        return
    try:
        values = json.loads(result.stdout, parse_constant=_refuse)
    except ValueError as error:
        yield f"is not JSON: {error}: {result.stdout[:200]}"
        return
    yield from of_values(values, "")


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def of_values(value: Any, place: str) -> Iterator[str]:  # noqa: ANN401 - JSON
    match value:
        case dict():
            if value.get("name") in SHARES and value.get("estimate") is not None:
                for key in ("estimate", "low", "high"):
                    share = value.get(key)
                    if share is not None and not 0.0 <= share <= 1.0:
                        yield f"{place}: {value['name']} has {key} {share}"
            for key in value.keys() - TEXTS:
                yield from of_values(value[key], f"{place}.{key}")
        case list():
            for inner in value:
                yield from of_values(inner, f"{place}[]")
        case float() if not math.isfinite(value):
            yield f"{place} is {value}"
        case str() if value in {"nan", "inf", "-inf"}:
            yield f"{place} is {value!r}"


def _of_a_refusal(case: Case, result: Result) -> Iterator[str]:
    if result.exit_code == 1 and "Error: " not in result.stderr:
        return  # it answered, and said with the code not to use the answer
    head, error, said = result.stderr.partition("Error: ")
    if not error:
        yield f"exit code {result.exit_code} without a reason: {result.stderr[:300]}"
        return
    if result.exit_code == 2 and result.stdout:
        yield "prints a result and refuses"
    if "Traceback" in head or not said.strip():
        yield f"no plain message: {result.stderr[:300]}"
    if result.exit_code == 2:
        yield from _of_a_message(case, head, said.strip())


def _of_a_message(case: Case, head: str, said: str) -> Iterator[str]:
    """A line that names the file and the key, line or column, or the option; one a correction."""
    for inside in ("pydantic", "numpy", "<class", "object at 0x", "Errno", "Deserializ"):
        if inside in said:
            yield f"speaks of {inside}: {said[:400]}"
    first, corrections, rest = said.partition(" corrections:\n")
    if corrections:
        file = first.rpartition(": ")[0]
        for line in rest.splitlines():
            yield from _of_a_message(case, head, f"{file}: {line.strip()}")
        return
    typed = any("\n" in argument for argument in case.arguments)
    if "\n" in said and "Usage: " not in head and not typed:
        yield f"several lines: {said[:400]!r}"
    if any(word in said for word in case.typed):
        return
    keys = known_keys().union(*map(keys_of_file, case.files.values()))
    if not any(file in said for file in case.blamed):
        yield f"names none of {case.blamed}: {said[:400]}"
    elif not any(names_a_place(said, file, keys) for file in case.blamed):
        yield f"names no key: {said[:400]}"


def names_a_place(said: str, file: str, keys: Collection[str]) -> bool:
    """Whether one of the keys follows the name of the file, or what is wrong with it all."""
    _, there, rest = said.partition(file)
    if not there:
        return False
    shown = _DETOUR.sub("", rest.lstrip(":, "))
    named = {written for key in keys if key for written in (key, f"'{key}'", json.dumps(key))}
    return OF_THE_FILE.search(rest) is not None or any(
        shown.startswith(key) and not _WORD.match(shown.removeprefix(key)) for key in {'""', *named}
    )


# Between the file and the key: where the value comes from.
_DETOUR = re.compile(r"(--set .*?: |cell with .*?: .*?: )", re.DOTALL)
_WORD = re.compile(r"[\w-]")  # goes on after a key that is but the beginning of a word


def _around(text: str, at: int) -> str:
    return " ".join(text[max(0, at - 100) : at + 60].split())


@contextlib.contextmanager
def _patience(seconds: int) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise Hangs

    before = {number: signal.signal(number, stop) for number in (signal.SIGPROF, signal.SIGALRM)}
    signal.setitimer(signal.ITIMER_PROF, seconds)  # a busy machine is no hang
    signal.alarm(10 * seconds)  # nor is sleep forgiven
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)
