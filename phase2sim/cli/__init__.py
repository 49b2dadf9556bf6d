"""Command line: each command parses its options, calls one function and prints the result."""

from importlib import import_module

import click

from phase2sim.core.errors import BadInput, Phase2simError
from phase2sim.core.io.plain_files import reason_of

# Command -> its module (whose ``command`` it is) and its line in the listing. `list` is in
# list_parts.py: a module named list would replace the builtin in this one.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("phase2sim.cli.init", "A commented scenario and evidence file to start from."),
    "run": ("phase2sim.cli.run", "Power, type I error and assurance of a scenario."),
    "size": ("phase2sim.cli.size", "The fewest patients, or the smallest detectable effect."),
    "calibrate": ("phase2sim.cli.calibrate", "The threshold that gives a required type I error."),
    "safety": ("phase2sim.cli.safety", "The boundary of a safety rule, and what it detects."),
    "boundaries": (
        "phase2sim.cli.boundaries",
        "Stopping boundaries of a scenario with interim looks.",
    ),
    "sweep": ("phase2sim.cli.sweep", "Run many scenarios and store the results in a folder."),
    "results": ("phase2sim.cli.results", "Print the stored results of a folder."),
    "report": ("phase2sim.cli.report", "The simulation report: one page, or a Word file."),
    "protocol": ("phase2sim.cli.protocol", "The sample-size section of a protocol."),
    "verify": ("phase2sim.cli.verify", "Check a report, or the installation."),
    "score": ("phase2sim.cli.score", "Apply another decision or stopping rule to stored trials."),
    "compare": ("phase2sim.cli.compare", "Compare scenarios on the same simulated patients."),
    "fit": ("phase2sim.cli.fit", "Fit evidence files to get the prior for the next trial."),
    "prior": ("phase2sim.cli.prior", "Show, check, compare or export a fitted prior."),
    "analyse": ("phase2sim.cli.analyse", "Run a scenario's analyses on a real data set."),
    "replay": ("phase2sim.cli.replay", "One simulated trial: patients, estimates, decision."),
    "evidence": (
        "phase2sim.cli.evidence",
        "Print every number of evidence files, with its source.",
    ),
    "list": ("phase2sim.cli.list_parts", "The parts a scenario can name."),
    "schema": ("phase2sim.cli.schema", "JSON schema of a scenario, sweep or evidence file."),
    "completion": ("phase2sim.cli.completion", "Shell completion for commands and options."),
}


_TOO_LARGE = "the memory is used up. Ask for fewer patients, visits or arms, or fewer workers."


class LazyCommands(click.Group):
    """A command group that imports a command's module only when the command runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in the order of use."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command and return the command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; print the message of an input error and exit with its code."""
        try:
            return super().invoke(ctx)
        except Phase2simError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(error.exit_code)
        except OSError as error:
            if error.filename is None:
                raise  # of a stream, see phase2sim/cli/streams.py
            click.echo(f"Error: {error.filename}: {reason_of(error)}. Choose another.", err=True)
            ctx.exit(BadInput.exit_code)
        except MemoryError:
            click.echo(f"Error: {_TOO_LARGE}", err=True)
            ctx.exit(1)


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="phase2sim")
def main() -> None:
    """Simulation, power and assurance for the phase 2 trial that follows a phase 1.

    \b
    Examples:
      phase2sim run scenarios/gxipc1-phase2.toml
      phase2sim evidence show gxipc1
      phase2sim run --help

    Exit codes: 0 success; 1 the command ran, but do not use its numbers (a fit failed its
    diagnostics, too many analyses failed, or the run was interrupted); 2 an input is wrong: the
    message says which one and how to correct it.
    """
