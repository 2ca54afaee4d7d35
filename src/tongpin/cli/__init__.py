"""The command line 命令行: what a person types and what they get back.

What lives here: the commands of the published contract, progress, `--json`, exit codes and the words shown to people.
Comes in: arguments. Goes out: a call into the rooms below, their answer in Chinese or as JSON. Rooms are imported
inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import sys

from tongpin.base.errors import TongpinError, os_words
from tongpin.cli.output import refuse, screen

EXIT_FINDINGS = 1
"""Findings or a refusal."""
EXIT_USAGE = 2
"""What Typer answers to wrong usage."""


def main() -> None:
    """Run the command line; refusals end with exit code 1 and one clear message."""
    from tongpin.cli.app import app

    try:
        app()
    except TongpinError as error:
        _refuse(error)
    except BrokenPipeError:
        # The reader of a pipe (`| head`) has gone: nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_FINDINGS)
    except OSError as error:
        place = str(error.filename or "")
        _refuse(
            TongpinError("os.error", f"文件操作失败：{os_words(error)}", where=place, hint="检查路径、权限与剩余空间")
        )
    except SystemExit as ended:
        if ended.code == EXIT_USAGE and "--json" in sys.argv:
            screen.as_json = True
            screen.give(TongpinError("usage", "命令用法不对，详见标准错误", hint="tongpin 命令 --help").as_dict())
        raise


def _refuse(error: TongpinError) -> None:
    refuse(error)
    sys.exit(EXIT_FINDINGS)
