"""Command lines: options of every command left out, doubled, misspelt, with odd values."""

import click
from fuzz.case import Case, Dice
from fuzz.scenarios import FILE, PRIORS, files_of
from fuzz.sound import LOOKS, ONE
from fuzz.stores import FOLDER, sound_store
from fuzz.sweeps import SIZES, SWEEP
from fuzz.toml_text import toml

from phase2sim.cli import COMMANDS, main

OTHER = "other.toml"
EVIDENCE = ("gxipc1", "t1d-natural-history")
# What each command is given before anything is damaged: little work.
SOUND: dict[str, tuple[str, ...]] = {
    "init": ("init", "my-trial"),
    "run": ("run", FILE, "--trials", "2"),
    "size": ("size", FILE, "--power", "0.8", "--trials", "1000", "--at-most", "30"),
    "calibrate": ("calibrate", FILE, "--trials", "1000"),
    "safety": ("safety", FILE),
    "boundaries": ("boundaries", OTHER),
    "sweep": ("sweep", SWEEP, "--out", "out", "--trials", "2"),
    "results": ("results", FOLDER),
    "report": ("report", "missing.toml", "--out", "report.html"),  # a report takes seconds
    "protocol": ("protocol", "missing.toml", "--trials", "20"),
    "verify": ("verify", FILE),
    "score": ("score", FOLDER, "--decision", "{ kind = 'significance', one_sided_alpha = 0.05 }"),
    "compare": ("compare", FILE, OTHER, "--trials", "2"),
    "fit": ("fit", *EVIDENCE),
    "prior show": ("prior", "show", *EVIDENCE),
    "prior check": ("prior", "check", "missing"),  # replicas take seconds
    "prior compare": ("prior", "compare", " ".join(EVIDENCE), EVIDENCE[0]),
    "prior influence": ("prior", "influence", "missing"),
    "prior export": ("prior", "export", *EVIDENCE, "--mixture", "effect", "--endpoint", "hba1c"),
    "analyse": ("analyse", FILE, "patients.csv"),
    "replay": ("replay", FILE, "--trial", "1"),
    "evidence show": ("evidence", "show", *EVIDENCE),
    "list": ("list", "analyses"),
    "schema": ("schema", "sweep"),
    "completion": ("completion", "bash"),
}
# No value is large: what is allowed must be done in a moment.
VALUES = (
    "0", "-1", "1", "2", "3", "0.5", "1.5", "1e-9", "nan", "inf", "-inf", "100000000000000000000",
    "1e400", "", " ", "two",
    "\uff11", "1_0", "0x1", "true", "None", "--", "-", "'", '"', "a=b", "=", "design.patients",
    "design.patients=", "=1",
    "design.patients=12", "analysis.0.month=6", "analysis.9.month=6", "design.arms.1=x",
    "title.x=1", "title=[", "x.y.z=1",
    "." * 500 + "=1", "truth=3", "seed=9" + "9" * 400, "décès=1", "1:1", "1:2:3", "0:1", ":",
    "5m", "0s", "-5s", "1e9h", ".",
    "..", "/dev/null", "/dev/zero", "/nowhere/x", "missing.toml", "x" * 300, "x\ny", "a/b/c",
    "hba1c", "c_peptide", "control",
    "effect", "null", "prior", "sceptical", "{ kind = 'holm' }",
    "{ kind = 'holm', one_sided_alpha = 0.025 }", "{", "patients > 1", "patients",
    "name == 'power'", "'a' * 9", "pessimistic", FILE, SWEEP, FOLDER, "-h", "--json", "<b>",
    "[red]", "report.pdf",
)  # fmt: skip
_OF_THE_LINE = (
    "No such option",
    "Got unexpected extra argument",
    "Missing argument",
    "Invalid value for '",
)
SLOW = ("--dask", "--refit", "--explain")  # a scheduler is waited for; a fit takes minutes


def parameters(command: str) -> list[click.Parameter]:
    """Options and arguments of a command."""
    group, _, inner = command.partition(" ")
    context = click.Context(main)
    found = main.get_command(context, group)
    if inner and isinstance(found, click.Group):
        found = found.get_command(context, inner)
    assert found is not None
    return found.params


def option_case(dice: Dice) -> Case:
    """A command with one to three damaged options or arguments."""
    name = dice.choice(list(SOUND))
    words = list(SOUND[name])
    known = [option for option in parameters(name) if option.opts[0] not in SLOW]
    first = len(name.split())
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        _change(words, first, known, dice)
    table = LOOKS if dice.random() < 0.2 else ONE
    files = {**files_of(table), OTHER: toml(LOOKS).encode(), SWEEP: toml(SIZES).encode()}
    typed = (
        name,
        ".",
        *(option.opts[0] for option in known),
        *(word for word in words[first:] if word.strip()),
    )
    return Case(
        " ".join(words)[:100], tuple(words), {**files, **PRIORS, **sound_store()},
        (FILE, OTHER, SWEEP), (*typed, *_OF_THE_LINE),
    )  # fmt: skip


def _change(words: list[str], first: int, known: list[click.Parameter], dice: Dice) -> None:
    at = dice.randrange(first, len(words) + 1)
    way = dice.randrange(5)
    options = [one for one in known if isinstance(one, click.Option)]
    option = dice.choice(options) if options else None
    if way == 0 and at < len(words):
        del words[at]
    elif way == 1 and at < len(words):
        words[at] = dice.choice(VALUES)
    elif way == 2 and option is not None:
        words += [option.opts[0]] if option.is_flag else [option.opts[0], dice.choice(VALUES)]
    elif way == 3:
        words.insert(at, dice.choice((*VALUES, "--no-such-option", "--jsn", "-x", "--trial")))
    elif option is not None:
        words += [option.opts[0], _fitting(option, dice)]


def _fitting(option: click.Parameter, dice: Dice) -> str:
    """A value of the kind that an option takes, at its limits where it has any."""
    match option.type:
        case click.Choice(choices=choices):
            return str(dice.choice(list(choices)))
        case click.IntRange(min=least) | click.FloatRange(min=least):
            return str(dice.choice((least, 1, 2, 0.5)))
    return dice.choice(VALUES)


assert {name.split()[0] for name in SOUND} == set(COMMANDS)
