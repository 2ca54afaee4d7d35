"""Only 只收本机构的: what the sender of files may bring; anything else keeps the whole load out (S003-17, S911-01)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import RecordsError
from tongpin.records.intake.keep import table_of
from tongpin.records.intake.kinds import label_of
from tongpin.records.intake.lake_tables import KEYS
from tongpin.store.digests import SEPARATOR

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from tongpin.records.intake.keep import KeptBatch
    from tongpin.records.intake.tasks import Task

INSTITUTION = "institution_code"
_SHOWN = 5


class Only(NamedTuple):
    """The institutions whose rows, and the kinds of files, that a sender may bring."""

    institutions: frozenset[str]
    kinds: frozenset[str]

    def check_kinds(self, tasks: Iterable[Task]) -> None:
        """Nothing, or RecordsError `records.foreign_kind` naming the files that the sender may not bring."""
        foreign = [task for task in tasks if task.kind != "unknown" and task.kind not in self.kinds]
        if foreign:
            named = "、".join(f"{task.source.name}（{label_of(task.kind)}）" for task in foreign[:_SHOWN])
            raise RecordsError(
                "records.foreign_kind",
                f"这里不能上传：{named}；一份也没有装载",
                where=foreign[0].source.name,
                hint="可以上传：" + "、".join(label_of(kind) for kind in sorted(self.kinds)),
            )

    def check_rows(self, batch: KeptBatch) -> None:
        """Nothing, or RecordsError `records.foreign` naming the first rows of other institutions, or of none."""
        if batch.staged is not None:
            place = KEYS[table_of(batch.kind)].index(INSTITUTION)
            keys = pc.split_pattern(batch.staged.rows.keys, SEPARATOR)
            codes = pc.list_element(keys, place)
            wrong = pc.indices_nonzero(pc.invert(pc.is_in(codes, value_set=self._known()))).to_pylist()
            if wrong:
                raise self._foreign([(*batch.place(row), codes[row].as_py()) for row in wrong[:_SHOWN]], len(wrong))
        if batch.findings is not None:
            codes = batch.findings[INSTITUTION]
            wrong_ones = batch.findings.filter(
                pc.and_(pc.is_valid(codes), pc.invert(pc.is_in(codes, value_set=self._known())))
            )
            if wrong_ones.num_rows:
                shown = wrong_ones.select(["file", "record", INSTITUTION]).slice(0, _SHOWN).to_pylist()
                raise self._foreign([tuple(row.values()) for row in shown], wrong_ones.num_rows)

    def _known(self) -> pa.Array:
        return pa.array(sorted(self.institutions), pa.string())

    def _foreign(self, places: list[tuple[Any, ...]], count: int) -> RecordsError:
        named = "；".join(
            f"{file} 第 {record} 条 {f'机构 {code}' if code else '没有写机构代码'}" for file, record, code in places
        )
        return RecordsError(
            "records.foreign",
            f"有 {count:,} 条不是本机构的，整个上传没有装载：{named}{'……' if count > len(places) else ''}",
            where=str(places[0][0]),
            hint=f"只留机构代码为 {'、'.join(sorted(self.institutions))} 的记录再上传",
        )
