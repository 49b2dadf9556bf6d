"""The command line: parse, call one function, print. Commands load only when they are called."""

from importlib import import_module

import click

from phase2sim.core.errors import Phase2simError

# Command -> the module that holds it (as ``command``) and its line in the listing.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("phase2sim.cli.init", "A commented scenario and evidence file to start from."),
    "run": ("phase2sim.cli.run", "Power, type I error and assurance of a scenario."),
    "size": ("phase2sim.cli.size", "The fewest patients, or the smallest effect, that is enough."),
    "calibrate": ("phase2sim.cli.calibrate", "The threshold with a wanted type I error."),
    "safety": ("phase2sim.cli.safety", "The boundary of a safety rule, and what it detects."),
    "boundaries": ("phase2sim.cli.boundaries", "Bounds of the interim looks of a scenario."),
    "sweep": ("phase2sim.cli.sweep", "Many scenarios at once, into a folder of results."),
    "results": ("phase2sim.cli.results", "What a folder of results holds."),
    "report": ("phase2sim.cli.report", "The simulation report: one page, or a Word file."),
    "protocol": ("phase2sim.cli.protocol", "The sample-size section of a protocol."),
    "verify": ("phase2sim.cli.verify", "Check a report, or the installation."),
    "score": ("phase2sim.cli.score", "Another rule of decision or stopping on stored trials."),
    "compare": ("phase2sim.cli.compare", "Scenarios on the same patients, side by side."),
    "fit": ("phase2sim.cli.fit", "Fit evidence files: the prior for the next trial."),
    "prior": ("phase2sim.cli.prior", "A fitted prior: shown, or exported as a mixture."),
    "analyse": ("phase2sim.cli.analyse", "A scenario's own analysis on a real data set."),
    "replay": ("phase2sim.cli.replay", "One simulated trial: patients, estimates, decision."),
    "evidence": ("phase2sim.cli.evidence", "What evidence files report, entry by entry."),
    "list": ("phase2sim.cli.listing", "The parts a scenario can name."),
    "schema": ("phase2sim.cli.schema", "JSON schema of a scenario, sweep or evidence file."),
    "completion": ("phase2sim.cli.completion", "What makes a shell complete commands."),
}


class LazyCommands(click.Group):
    """A group whose listing needs none of its commands' modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of use."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one command."""
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
        """Run a command; an error of the user's becomes one message and its exit code."""
        try:
            return super().invoke(ctx)
        except Phase2simError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(error.exit_code)


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="phase2sim")
def main() -> None:
    """Simulation, power and assurance for the phase 2 trial that follows a phase 1.

    \b
    Examples:
      phase2sim run scenarios/gxipc1-phase2.toml
      phase2sim evidence show gxipc1
      phase2sim run --help

    Exit codes: 0 done; 1 it ran, but its numbers are not to be used (a fit failed its gate, too
    many analyses failed, interrupted); 2 an input is wrong: the message says which, and the remedy.
    """
