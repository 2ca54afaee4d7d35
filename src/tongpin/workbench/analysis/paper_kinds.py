"""Paper kinds 纸面的种类: what a paper is asked for, what it is made with, what each kind has to say of itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from tongpin.base.errors import TongpinError
from tongpin.payment.month.statement_columns import synthetic_notice
from tongpin.twin.causes.run import Wanted
from tongpin.workbench.analysis.forecast import ScenarioAsked
from tongpin.workbench.analysis.measure_shapes import span_of
from tongpin.workbench.analysis.negotiation import Share
from tongpin.workbench.analysis.portfolio import Method
from tongpin.workbench.today import today

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tongpin.store.home import Home
    from tongpin.workbench.analysis.computing import Job
    from tongpin.workbench.analysis.whose import Whose


class PaperAsked(BaseModel):
    """What a paper is asked for; each needs some of it. `kinds`: only files of these endings, all where empty."""

    model_config = ConfigDict(extra="forbid")
    kinds: list[str] = Field(default=[], max_length=4)
    month: str = Field(default="", max_length=20)
    quarter: str = Field(default="", max_length=6)
    on: date | None = None
    year: int | None = Field(default=None, ge=2000, le=2100)
    hospital: str | None = Field(default=None, max_length=64)
    dept: str | None = Field(default=None, max_length=64)
    area: str | None = Field(default=None, max_length=64)
    group: str | None = Field(default=None, max_length=64)
    base: str | None = Field(default=None, pattern="^(year|level|region)?$")
    groups: list[str] = Field(default=[], max_length=12)
    raises: list[Share] = Field(default=[], max_length=4)
    stops: dict[str, int | None] = Field(default={}, max_length=60)
    grows: dict[str, int] = Field(default={}, max_length=60)
    point: int | None = Field(default=None, ge=1, le=200)
    method: Method = "percentile"
    scenario: ScenarioAsked = ScenarioAsked()
    draft: str = Field(default="", max_length=64)

    @property
    def span(self) -> tuple[str, ...]:
        """The months that are asked for. Errors: `measures.month`."""
        return span_of(self.month)


class Context:
    """What a paper is made with: the whole home, whose it is, what is asked, the mark of who takes it."""

    def __init__(self, home: Home, whose: Whose, asked: PaperAsked, mark: str) -> None:
        self.home, self.whose, self.asked, self.mark = home, whose, asked, mark

    @property
    def area(self) -> str | None:
        """The area, None where it is not named."""
        return self.asked.area or None

    @property
    def hospital(self) -> str:
        """The hospital; TongpinError `analysis.hospital` where none is named."""
        if self.whose.hospital is None:
            raise TongpinError("analysis.hospital", "请选择一家机构", where="hospital", hint="在页面上选择医疗机构")
        return self.whose.hospital

    @property
    def on(self) -> date:
        """The day on which lists and deadlines are seen."""
        return self.asked.on or today(self.home)

    @property
    def notices(self) -> tuple[str, ...]:
        """What every paper of the home says first, the mark before all."""
        return (self.mark, *synthetic_notice(self.home))

    @property
    def wanted(self) -> Wanted:
        """What causes are asked for."""
        asked = self.asked
        return Wanted(
            asked.month, self.area, self.whose.hospital, self.whose.dept, asked.group or None, asked.base or None
        )


@dataclass(frozen=True)
class PaperKind:
    """A paper: its label, who may have it, what it asks for, the endings of its files, its job and its writer.

    `desk`: `bureau` papers name every hospital; `whole`: it is of a whole hospital or of all. `fields`: names of
    `PaperAsked` that a form shows, with `!` where they are needed.
    """

    id: str
    label: str
    note: str
    permission: str
    fields: tuple[str, ...]
    endings: tuple[str, ...]
    job: Callable[[Context], Job[Any]]
    write: Callable[[Context, Any, Path], Sequence[Path]]
    desk: str = "both"
    whole: bool = True
    listed: bool = False


def kept(context: Context, folder: Path, name: str, writers: dict[str, Callable[[Path], None]]) -> list[Path]:
    """The files of the endings that are asked for; all where none is named. TongpinError `reports.kind`."""
    wanted = [ending for ending in writers if not context.asked.kinds or ending[1:] in context.asked.kinds]
    if not wanted:
        raise TongpinError(
            "reports.kind", "没有这种文件", where="kinds", hint="、".join(ending[1:] for ending in writers)
        )
    paths = []
    for ending in wanted:
        path = folder / f"{name}{ending}"
        writers[ending](path)
        paths.append(path)
    return paths
