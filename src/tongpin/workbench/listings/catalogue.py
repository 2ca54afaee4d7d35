"""The catalogue of lists 列表目录: what each shows, who may see it, and which module loads it."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import Field, ValidationError

from tongpin.base.errors import TongpinError
from tongpin.base.strict_yaml import Strict, first_fault, load_strict_yaml
from tongpin.workbench.sign_in.roles import permissions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pyarrow as pa

    from tongpin.store.home import Home

Kind = Literal["text", "integer", "money", "ratio", "date", "decimal", "flag"]
NAME = r"^[a-z][a-z0-9_]*$"


class ListColumn(Strict):
    """A column: `money` in fen, `ratio` 0–1, `decimal` with `digits`; `hidden` columns serve links and filters only.

    A money column, and one with `needs_money`, is absent for roles that do not see money.
    """

    id: Annotated[str, Field(pattern=NAME)]
    label: str
    kind: Kind = "text"
    unit: Literal["", "元", "万元", "天", "分", "例", "个百分点"] = ""
    digits: Annotated[int, Field(ge=0, le=6)] = 2
    width: Annotated[int, Field(ge=40, le=600)] | None = None
    help: str = ""
    filter: bool = True
    sort: bool = True
    sum: bool = False
    hidden: bool = False
    needs_money: bool = False

    @property
    def is_money(self) -> bool:
        """Whether only those who see money see it."""
        return self.kind == "money" or self.needs_money


class Parameter(Strict):
    """What has to be chosen before a list is loaded; `month` and `area` come from the top bar."""

    id: Annotated[str, Field(pattern=NAME)]
    label: str
    kind: Literal["month", "area", "year", "text", "choice"]
    required: bool = True
    choices: dict[str, str] = Field(default_factory=dict)


class Order(Strict):
    """The order in which a list opens."""

    column: str
    descending: bool = False


class Listing(Strict):
    """A list. `module` holds its `load_<id>`; `row_link` is a page path with columns in braces; `kept`: cached."""

    id: Annotated[str, Field(pattern=NAME)]
    label: str
    note: str = ""
    permission: str
    module: str
    parameters: tuple[Parameter, ...] = ()
    columns: Annotated[tuple[ListColumn, ...], Field(min_length=1)]
    order: tuple[Order, ...] = ()
    row_link: str | None = None
    kept: bool = True

    def column(self, name: str) -> ListColumn:
        """A column by id; TongpinError `table.column` when there is none."""
        found = next((one for one in self.columns if one.id == name), None)
        if found is None:
            raise TongpinError("table.column", f"“{self.label}”没有列 {name}", where=name, hint="按列的说明改")
        return found

    def loader(self) -> Callable[[Home, Mapping[str, str]], Loaded]:
        """The function that loads its rows."""
        found: Any = getattr(import_module(f"tongpin.workbench.listings.{self.module}"), f"load_{self.id}")
        return found  # type: ignore[no-any-return]


class Loaded(NamedTuple):
    """What a loader gives: rows with the list's columns, lines below the table, whether figures are simulated."""

    table: pa.Table
    notes: tuple[str, ...] = ()
    simulated: bool = False


@cache
def listings() -> dict[str, Listing]:
    """Every list by id."""
    found: dict[str, Listing] = {}
    folder = files("tongpin") / "catalogue" / "workbench" / "listings"
    for path in sorted(folder.iterdir(), key=lambda one: one.name):
        if not path.name.endswith(".yaml"):
            continue
        for data in load_strict_yaml(path, "listing").get("lists", []):
            try:
                one = Listing.model_validate(data)
            except ValidationError as error:
                place, message, hint = first_fault(error)
                raise TongpinError("listing.file", message, where=f"{path.name}：{place}", hint=hint) from None
            if one.permission not in permissions() or one.id in found:
                raise TongpinError("listing.file", f"{one.id} 的权限没有定义，或编号重复", where=path.name)
            found[one.id] = one
    return found


def listing(name: str) -> Listing:
    """A list; TongpinError `table.missing` when there is none of that id."""
    if name not in listings():
        raise TongpinError("table.missing", f"没有列表 {name}", where=name, hint="看 /api/v1/tables")
    return listings()[name]
