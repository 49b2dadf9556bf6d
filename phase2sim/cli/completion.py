"""phase2sim completion: what makes a shell complete commands and options."""

import click
from click.shell_completion import get_completion_class

_SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print what SHELL must run to complete commands, options and files of phase2sim.

    \b
    Examples:
      eval "$(phase2sim completion bash)"
      phase2sim completion fish > ~/.config/fish/completions/phase2sim.fish
    """
    made = get_completion_class(shell)
    if made is not None:
        root = ctx.find_root()
        click.echo(made(root.command, {}, "phase2sim", "_PHASE2SIM_COMPLETE").source())
