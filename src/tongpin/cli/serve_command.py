"""`tongpin serve`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tongpin.cli.output import screen

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.store.home import Home


def run(home_path: Path | None, host: str, port: int, workers: int) -> None:
    """Start the workbench; the first start shows the first accounts once."""
    from tongpin.store.home import Home

    start(Home.open(home_path), host, port, workers)


def openapi(output: Path) -> None:
    """Write the description of the API, from which the pages' types are made."""
    from tongpin.workbench.app import openapi_document

    output.write_text(openapi_document(), encoding="utf-8")
    screen.give({"ok": True, "output": str(output)})
    screen.say(f"接口说明：{output}")


def start(home: Home, host: str, port: int, workers: int = 1) -> None:
    """Show the first accounts where some were made, then answer until stopped."""
    from tongpin.workbench.serve import prepare, serve

    accounts = prepare(home)
    if accounts:
        screen.table(
            "账户与口令：只显示这一次，请记下",
            ["登录名", "姓名", "岗位", "口令"],
            [[one.name, one.display, one.role, one.password] for one in accounts],
        )
    screen.say(f"工作台：http://{host}:{port}/　（Ctrl+C 停止）", f"workbench: http://{host}:{port}/")
    serve(home, host, port, workers)
