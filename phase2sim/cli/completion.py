"""phase2sim completion: shell completion for commands and options."""

import click
from click.shell_completion import get_completion_class

_SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script with which SHELL completes commands, options and files of phase2sim.

    \b
    Examples:
      eval "$(phase2sim completion bash)"
      phase2sim completion fish > ~/.config/fish/completions/phase2sim.fish
    """
    completion_class = get_completion_class(shell)
    if completion_class is not None:
        root = ctx.find_root()
        click.echo(completion_class(root.command, {}, "phase2sim", "_PHASE2SIM_COMPLETE").source())
