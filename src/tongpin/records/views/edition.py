"""The reading edition 采集口径: which code version, grouping source, dictionary codes and data items count on a day.

One strict YAML an area (`catalogue/records/<area>.yaml`, a home's own in `HOME/policies/<area>/records.yaml`): a date
at which reading switches is data (S004-02).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, ValidationError

from tongpin.base.digest import folder_digest
from tongpin.base.errors import RecordsError
from tongpin.base.strict_yaml import Strict, first_fault, load_strict_yaml
from tongpin.records.case.schema import column_of
from tongpin.records.formats.tables import rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.store.home import Home

EDITION_FILE = "records.yaml"
DEMONSTRATION = "demo-east"
Unit = Literal["choice", "codes", "count"]
Basis = Literal["admission", "discharge", "settlement"]

DAY_COLUMNS: dict[Basis, str] = {
    "admission": "admission_time",
    "discharge": "discharge_time",
    "settlement": "settlement_date",
}
SOURCES = ("settlement_list", "front_page")
VERSIONS = ("insurance", "clinical")
ANY = "*"
_CASE_KEY = ["source", "institution_code", "case_id"]


class Known(NamedTuple):
    """A parameter that the stages read: unit, dimensions it may vary by, options of a choice."""

    unit: Unit
    by: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


KNOWN: dict[str, Known] = {
    "code.version": Known("choice", ("source",), VERSIONS),
    "code.grouping": Known("choice", (), VERSIONS),
    "grouping.source": Known("choice", ("institution_code", "pay_mode"), SOURCES),
    "dictionary.codes": Known("codes", ("dictionary",)),
    "list.item_total": Known("count"),
}


class Parameter(Strict):
    """One parameter: the date of a case that decides (`dated_by`), values by date, each a leaf or a tree by `by`."""

    label: str = Field(min_length=1)
    unit: Unit
    dated_by: Basis
    by: tuple[str, ...] = ()
    values: dict[date, Any] = Field(min_length=1)
    reference: dict[date, str] = Field(default_factory=dict)
    checked_on: date | None = None
    assumed: bool = False
    note: str = ""


class EditionData(Strict):
    """The file of a reading edition."""

    id: str
    label: str
    area: str
    parameters: dict[str, Parameter]


@dataclass(frozen=True)
class Edition:
    """A reading edition with its digest; `value` looks a parameter up on a day (S004-02)."""

    data: EditionData
    digest: str
    file: str

    @classmethod
    def load(cls, path: Path) -> Edition:
        """The edition in a file; RecordsError `edition.*` names file, key path, reason and mend."""
        raw = load_strict_yaml(path, "edition", RecordsError)
        try:
            data = EditionData.model_validate(raw)
        except ValidationError as error:
            place, message, hint = first_fault(error)
            raise _refused(f"{path} {place}", message, hint) from None
        for key in KNOWN:
            if key not in data.parameters:
                raise _refused(f"{path} parameters", f"缺少参数 {key}", "补上它；没有文件时写 assumed: true")
        checked = {key: _checked(f"{path} parameters.{key}", key, one) for key, one in data.parameters.items()}
        return cls(data.model_copy(update={"parameters": checked}), folder_digest(path.parent, [path.name]), str(path))

    @property
    def id(self) -> str:
        """The area the edition is for."""
        return self.data.id

    @cached_property
    def assumed(self) -> tuple[str, ...]:
        """The labels of what no document confirms."""
        return tuple(one.label for one in self.data.parameters.values() if one.assumed)

    def value(self, key: str, on: date, **dimensions: str) -> Any:
        """The leaf in force on a day (None: before the first day, or not named and no `*`)."""
        one = self.data.parameters[key]
        begun = [day for day in one.values if day <= on]
        node = one.values[max(begun)] if begun else None
        for name in one.by:
            if node is None:
                return None
            node = node.get(dimensions.get(name, ""), node.get(ANY))
        return node

    def column(self, key: str, cases: pa.Table, dimensions: Mapping[str, Any] | None = None) -> Any:
        """The leaf for each case as an object array: looked up once a distinct date span and combination.

        The date is the one the parameter names, else discharge, else admission; a case without any gets None.
        """
        one = self.data.parameters[key]
        days = case_days(cases, one.dated_by)
        starts = np.array(sorted(one.values), dtype="datetime64[D]")
        known = ~np.isnat(days)
        spans = np.where(known, np.searchsorted(starts, days, side="right"), 0)
        given = {name: _coded((dimensions or {}).get(name, cases), name, cases) for name in one.by}
        cell = spans.astype(np.int64)
        for codes, words in given.values():
            cell = cell * max(len(words), 1) + codes
        _, first, inverse = np.unique(cell, return_index=True, return_inverse=True)
        found = np.empty(len(first), dtype=object)
        for place, row in enumerate(first):
            chosen = {name: words[codes[row]] for name, (codes, words) in given.items()}
            found[place] = self.value(key, starts[spans[row] - 1].item(), **chosen) if spans[row] else None
        return found[inverse] if len(found) else np.empty(0, dtype=object)


def _coded(source: Any, name: str, cases: pa.Table) -> tuple[Any, list[str]]:
    """A text dimension as codes and words; missing is the empty text."""
    column = column_of(cases, name) if source is cases else source
    encoded = pc.fill_null(pc.cast(column, pa.string()), "").dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), encoded.dictionary.to_pylist()


def case_days(cases: pa.Table, basis: Basis) -> Any:
    """The date of each case that decides (`datetime64[D]`, NaT where the case has none of the three)."""
    wanted = [pc.cast(column_of(cases, DAY_COLUMNS[basis]), pa.date32(), safe=False)]
    wanted += [
        pc.cast(column_of(cases, DAY_COLUMNS[name]), pa.date32(), safe=False) for name in ("discharge", "admission")
    ]
    numbers = pc.coalesce(*wanted).cast(pa.int32()).cast(pa.int64())
    days = pc.fill_null(numbers, np.iinfo(np.int64).min).to_numpy(zero_copy_only=False)
    return days.astype("datetime64[D]")


def _refused(where: str, message: str, hint: str) -> RecordsError:
    return RecordsError("edition.invalid", message, where=where, hint=hint)


def _checked(where: str, key: str, one: Parameter) -> Parameter:
    """The parameter with its leaves checked against its unit and its dimension keys as text."""
    known = KNOWN.get(key)
    if known is None:
        raise _refused(where, "没有这个参数", f"可用的参数：{'、'.join(KNOWN)}")
    if one.unit != known.unit:
        raise _refused(f"{where}.unit", f"单位应为 {known.unit}，写成了 {one.unit}", "改正 unit")
    if stray := [name for name in one.by if name not in known.by]:
        raise _refused(
            f"{where}.by", f"不能按 {'、'.join(stray)} 区分", f"可用的维度：{'、'.join(known.by) or '（无）'}"
        )
    if known.unit == "codes" and one.by != known.by:
        raise _refused(f"{where}.by", "没有按字典分开", "写上 by: [dictionary]")
    if stray_days := [day for day in one.reference if day not in one.values]:
        raise _refused(f"{where}.reference", f"{stray_days[0]} 没有对应的值", "依据的日期须与 values 的日期一致")
    if not one.assumed:
        if bare := [day for day in one.values if day not in one.reference]:
            raise _refused(f"{where}.reference", f"{bare[0]} 的值没有依据", "补上需求编号；没有依据时写 assumed: true")
        if one.checked_on is None:
            raise _refused(f"{where}.checked_on", "没有核对日期", "补上核对依据的日期")
    values = {day: _tree(f"{where}.values.{day}", known, one.by, tree) for day, tree in one.values.items()}
    return one.model_copy(update={"values": values})


def _tree(where: str, known: Known, by: tuple[str, ...], tree: Any) -> Any:
    if not by:
        return _leaf(where, known, tree)
    if not isinstance(tree, dict) or not tree:
        raise _refused(where, f"应按 {by[0]} 分开写", f"写成 {{{by[0]}的取值: 值}}")
    return {str(name): _tree(f"{where}.{name}", known, by[1:], branch) for name, branch in tree.items()}


def _leaf(where: str, known: Known, leaf: Any) -> Any:
    if known.unit == "choice":
        if leaf not in known.options:
            raise _refused(where, f"没有选项“{leaf}”", f"可用的选项：{'、'.join(known.options)}")
        return leaf
    if known.unit == "codes":
        if not isinstance(leaf, list) or not all(isinstance(code, str) for code in leaf):
            raise _refused(where, f"“{leaf}”不是编码列表", '写成 ["1", "2"]，每个编码加引号')
        return frozenset(leaf)
    totals = item_totals()
    if leaf not in totals:
        raise _refused(where, f"没有 {leaf} 项的版次", f"可用的总数：{'、'.join(str(one) for one in totals)}")
    return leaf


def item_totals() -> tuple[int, ...]:
    """The totals of data items for which `fields/list_items.csv` has an edition."""
    named = {int(total) for row in rows("fields/list_items.csv") for total in row["edition"].split("|")}
    return tuple(sorted(named))


def open_edition(home: Home, area: str | None = None) -> Edition:
    """The reading edition of an area: the home's own, else a shipped one, else the demonstration's.

    Without an area the only one of the home, else the demonstration. Compare `edition.id` with the area to tell
    whether the area had one of its own.
    """
    own = {path.parent.name: path for path in sorted(home.policies.glob(f"*/{EDITION_FILE}"))}
    if area is None and len(own) == 1:
        return Edition.load(next(iter(own.values())))
    return Edition.load(own[area]) if area in own else shipped_edition(area or DEMONSTRATION)


def shipped_edition(area: str = DEMONSTRATION) -> Edition:
    """The edition of an area that comes with Tongpin, the demonstration's where it has none."""
    folder = Path(str(files("tongpin"))) / "catalogue" / "records"
    path = folder / f"{area}.yaml"
    return Edition.load(path if path.exists() else folder / f"{DEMONSTRATION}.yaml")


def dictionary_on(name: str, on: date, edition: Edition | None = None) -> dict[str, str | None]:
    """Code -> normalised value of the dictionary entries in force on a day (None: known, without a usable value).

    An entry counts within its own `valid_from`/`valid_until`; an edition that lists the codes of the dictionary
    narrows them further (S004-02).
    """
    allowed = edition.value("dictionary.codes", on, dictionary=name) if edition else None
    day = on.isoformat()
    return {
        row["code"]: row["value"] or None
        for row in rows("fields/dictionaries.csv")
        if row["dictionary"] == name
        and (row["valid_from"] or day) <= day <= (row["valid_until"] or day)
        and (allowed is None or row["code"] in allowed)
    }


def out_of_date_codes(cases: pa.Table, edition: Edition) -> pa.Table:
    """Known codes that were not in force on the day of their list: `source, institution_code, case_id, column, code`.

    Looks at the text columns of settlement lists that name a dictionary.
    """
    lists = cases.filter(pc.equal(cases["source"], "settlement_list"))
    days = case_days(lists, edition.data.parameters["dictionary.codes"].dated_by)
    empty = pa.schema([(name, pa.string()) for name in (*_CASE_KEY, "column", "code")]).empty_table()
    parts = [empty]
    for row in rows("fields/settlement_list.csv"):
        name, words = row["column"], row["dictionary"]
        breaks = _switch_days(words, edition)
        if breaks and name in lists.column_names and pa.types.is_string(lists.schema.field(name).type):
            hit = lists.filter(pa.array(_stale(column_of(lists, name), days, words, breaks, edition)))
            part = hit.select(_CASE_KEY).append_column("column", pa.array([name] * hit.num_rows, pa.string()))
            parts.append(part.append_column("code", hit[name]).cast(empty.schema))
    return pa.concat_tables(parts)


def _switch_days(words: str, edition: Edition) -> list[date]:
    """The days on which the codes in force of a dictionary may change; none where it never switches."""
    entries = [row for row in rows("fields/dictionaries.csv") if row["dictionary"] == words]
    days = {date.fromisoformat(row["valid_from"]) for row in entries if row["valid_from"]}
    days |= {date.fromisoformat(row["valid_until"]) + timedelta(days=1) for row in entries if row["valid_until"]}
    values = edition.data.parameters["dictionary.codes"].values
    return sorted(days | {day for day, tree in values.items() if words in tree})


def _stale(texts: Any, days: Any, words: str, breaks: list[date], edition: Edition) -> Any:
    """Which texts are codes of the dictionary, only not on their day; every span between two switches at once."""
    known = list(dict.fromkeys(row["code"] for row in rows("fields/dictionaries.csv") if row["dictionary"] == words))
    place = pc.fill_null(pc.index_in(texts, value_set=pa.array(known, pa.string())), -1)
    place = place.to_numpy(zero_copy_only=False).astype(np.int64)
    spans = np.searchsorted(np.array(breaks, dtype="datetime64[D]"), days, side="right")
    in_force = np.ones((len(breaks) + 1, len(known) + 1), dtype=bool)
    for span, day in enumerate([breaks[0] - timedelta(days=1), *breaks]):
        codes = dictionary_on(words, day, edition)
        in_force[span, :-1] = [code in codes for code in known]
    return ~in_force[spans, place] & ~np.isnat(days)


def with_code_version(cases: pa.Table, edition: Edition) -> pa.Table:
    """Cases with `code_version` and `code_map` set by the edition: 1 where the scheme wants the other version.

    A version that the record itself declares stands; a source the edition does not name stays undeclared and unmapped.
    Pure; S004-02.
    """
    named = pa.array(edition.column("code.version", cases).tolist(), pa.string())
    version = pc.coalesce(column_of(cases, "code_version"), named)
    wanted = pa.array(edition.column("code.grouping", cases).tolist(), pa.string())
    told = pc.coalesce(pc.not_equal(version, wanted), pc.equal(column_of(cases, "code_map"), 1))
    made = {"code_version": version, "code_map": pc.fill_null(told, False).cast(pa.int8())}
    for name, column in made.items():
        place = cases.schema.get_field_index(name)
        cases = cases.append_column(name, column) if place < 0 else cases.set_column(place, name, column)
    return cases


def choose_source(cases: pa.Table, edition: Edition, pay_mode: Any | None = None) -> pa.Table:
    """Of the stays that have both a list and a front page the one that groups them on their date; others stay.

    `pay_mode` (drg | observed) row by row where known, else drg. A stay is told by institution, 病案号 and discharge
    day; rows without them, plain cases and pages of a stay without a list pass. Pure; S004-02.
    """
    mode = pa.array(["drg"] * cases.num_rows, pa.string()) if pay_mode is None else pc.fill_null(pay_mode, "drg")
    wanted = pa.array(edition.column("grouping.source", cases, {"pay_mode": mode}).tolist(), pa.string())
    day = pc.cast(pc.cast(column_of(cases, "discharge_time"), pa.date32(), safe=False), pa.string())
    key = pc.binary_join_element_wise(column_of(cases, "institution_code"), column_of(cases, "record_no"), day, "\x1f")
    source = column_of(cases, "source")
    on_list, on_page = (key.filter(pc.equal(source, one)).drop_null() for one in SOURCES)
    both = pc.and_(pc.is_in(key, value_set=on_list), pc.is_in(key, value_set=on_page))
    # The list's dates decide for its page too: a page knows no settlement.
    lists = pc.equal(source, SOURCES[0])
    of_list = pc.index_in(key, value_set=key.filter(lists))
    decided = pc.coalesce(pc.take(wanted.filter(lists), of_list), wanted)
    passed = pc.or_(pc.invert(both), pc.fill_null(pc.equal(source, decided), True))
    return cases.filter(pc.or_(passed, pc.invert(pc.is_in(source, value_set=pa.array(SOURCES)))))
