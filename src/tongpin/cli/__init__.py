"""The command line 命令行: what a person types and what they get back.

What lives here: the commands of the published contract, progress, `--json`, exit codes and the words shown to people.
Comes in: arguments. Goes out: a call into the rooms below, their answer in Chinese or as JSON. Rooms are imported
inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import sys

EXIT_OK = 0
EXIT_FINDINGS = 1
EXIT_USAGE = 2


def main() -> None:
    """Run the command line; refusals end with exit code 1 and one clear message."""
    from tongpin.base.errors import TongpinError
    from tongpin.cli.app import app

    try:
        app()
    except TongpinError as error:
        from tongpin.cli.output import refuse

        refuse(error)
        sys.exit(EXIT_FINDINGS)
