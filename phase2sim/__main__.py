"""The command `phase2sim` starts here, so that nothing it may meet shows a traceback."""

import os
import sys


def start() -> None:
    """Run the command line; an interrupt while it still loads ends it as a later one does."""
    try:
        from phase2sim.cli.streams import run_command  # noqa: PLC0415 - inside, for an interrupt

        sys.exit(run_command(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.stderr.write("\nAborted!\n")
        sys.stderr.flush()
        # Python itself would end by the signal, whose exit code is another, if the interrupt came
        # while the compiler ran code of its own.
        os._exit(1)


if __name__ == "__main__":
    start()
