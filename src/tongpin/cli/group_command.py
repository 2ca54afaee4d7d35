"""`tongpin group`: the cases of a file into groups, with counts by status and reason and both grouping rates."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.errors import TongpinError
from tongpin.base.findings import Finding
from tongpin.cli.output import screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from tongpin.grouping.scheme import Scheme
    from tongpin.records.intake.read import Loaded

OUTPUT_COLUMNS = ("case_id", "status", "mdc", "adrg", "drg")
MOST_FINDINGS = 10_000
"""How many findings the answer for machines carries; all are counted on the screen."""


class Part(NamedTuple):
    """What one piece of the file gave."""

    answers: pa.Table
    keys: pa.Table
    counts: Counter[tuple[str, str]]
    facts: dict[str, int]
    findings: list[Finding]
    kind: str


class Grouped(NamedTuple):
    """What the whole file gave: cases by (status, reason), the sums that the rates rest on, and the findings."""

    counts: Counter[tuple[str, str]]
    facts: dict[str, int]
    findings: list[Finding]


def run(
    home_path: Path | None,
    source: Path,
    kind: str | None,
    scheme_id: str,
    output: Path,
    *,
    explain: bool,
    by_interpreter: bool,
) -> bool:
    """Group the cases of a file; true when some could not be read."""
    from tongpin.grouping.scheme import Scheme

    if output.suffix not in {".csv", ".parquet"}:
        raise TongpinError("group.output", f"不知道怎么写 {output.name}", hint="结果文件用 .csv 或 .parquet 结尾")
    scheme = Scheme.load(scheme_id, home=home_path)
    group = _Group(scheme, explain=explain, by_interpreter=by_interpreter)
    done = _write(group, source, kind, output)
    failed = any(finding.severity == "error" for finding in done.findings)
    _show(done, output, failed=failed)
    return failed


class _Group:
    """The work on one piece: findings of its fields, groups, reasons and counts."""

    def __init__(self, scheme: Scheme, *, explain: bool, by_interpreter: bool) -> None:
        from tongpin.records.case.assemble import CodeBook
        from tongpin.records.case.schema import GROUPING_COLUMNS

        self.scheme = scheme
        self.explain = explain
        self.by_interpreter = by_interpreter
        self.fields = scheme.ready.fields
        self.codes = CodeBook(scheme.ready.dx_codes, scheme.ready.px_codes)
        self.looked_at = frozenset({*GROUPING_COLUMNS, *(field.name for field in self.fields)} - {"case_id"})
        self.known_reasons: dict[tuple[Any, ...], str] = {}
        self.columns = frozenset(
            {*_read_columns(), *(field.name for field in self.fields)},
        )

    @property
    def output_columns(self) -> tuple[str, ...]:
        return (*OUTPUT_COLUMNS, *(["explain"] if self.explain else []))

    def part(self, loaded: Loaded) -> Part:
        """One piece of the file, grouped."""
        from tongpin.grouping.tables.model import Status
        from tongpin.measures.grouping_rate import grouping_sums
        from tongpin.records.intake.kinds import CASE_KINDS
        from tongpin.records.intake.read import CASE_KEY

        if loaded.kind not in CASE_KINDS:
            return Part(
                _no_answers(self.output_columns),
                loaded.cases.select(list(CASE_KEY)),
                Counter(),
                {},
                loaded.findings,
                loaded.kind,
            )
        cases, findings = with_fields(loaded.cases, self.fields)
        read = [name for name in cases.column_names if name in self.columns]
        grouped = self._grouped(cases.select(read))
        counts: Counter[tuple[str, str]] = Counter()
        reasons = self._reasons(grouped)
        counts.update(reasons)
        left = grouped.num_rows - sum(reasons.values())
        if left:
            counts[Status.GROUPED, "grouped"] += left
        return Part(
            grouped.select(list(self.output_columns)),
            loaded.cases.select(list(CASE_KEY)),
            counts,
            grouping_sums(grouped),
            [*loaded.findings, *findings],
            loaded.kind,
        )

    def _grouped(self, cases: pa.Table) -> pa.Table:
        if not (self.explain or self.by_interpreter):
            return self.scheme.group(cases)
        return _one_by_one(cases, self.scheme, explain=self.explain)

    def _reasons(self, grouped: pa.Table) -> Counter[tuple[str, str]]:
        """How many cases that have no group have which reason."""
        import pyarrow.compute as pc

        from tongpin.grouping.explain import reason_of
        from tongpin.grouping.tables.interpreter import Case
        from tongpin.grouping.tables.model import Status

        without = grouped.filter(pc.not_equal(grouped["status"].cast("string"), str(Status.GROUPED)))
        if not without.num_rows:
            return Counter()
        tables = self.scheme.tables
        looked_at = [name for name in without.column_names if name in self.looked_at]
        found: Counter[tuple[str, str]] = Counter()
        for row in without.select([*looked_at, "status"]).to_pylist():
            # Cases that say the same have the same reason; a walk through the tables takes long.
            key = tuple(tuple(value) if isinstance(value, list) else value for value in row.values())
            if key not in self.known_reasons:
                self.known_reasons[key] = reason_of(tables, Case.of(row)).code
            found[row["status"], self.known_reasons[key]] += 1
        return found


def _read_columns() -> tuple[str, ...]:
    """The columns of the plain layout that grouping, the key of a case and the rates need."""
    from tongpin.records.case.schema import GROUPING_COLUMNS
    from tongpin.records.intake.read import CASE_KEY

    return (*GROUPING_COLUMNS, *CASE_KEY, "upload_time", "total_fee_fen")


def with_fields(cases: pa.Table, fields: Any) -> tuple[pa.Table, list[Finding]]:
    """The cases with the fields that a scheme declares as typed columns, and a finding for each text that is no number.

    A field is the case column of its name where there is one, else what the file's column of that name left in
    `extra`; a field that is in neither stays absent and counts as missing.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    findings: list[Finding] = []
    for field in fields:
        if field.name in cases.column_names:
            column = cases[field.name]
        elif "extra" in cases.column_names:
            column = pc.map_lookup(cases["extra"], field.name, "first")
            if column.null_count == len(column):
                continue
        else:
            continue
        if field.kind == "number" and not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
            texts = pc.utf8_trim_whitespace(column.cast(pa.string()))
            good = pc.match_substring_regex(texts, r"^[+-]?\d+(\.\d*)?$")
            wrong = pc.indices_nonzero(pc.fill_null(pc.invert(good), False)).to_pylist()
            findings.extend(_no_number(cases, row, field, texts[row].as_py()) for row in wrong)
            numbers = pc.replace_substring_regex(
                pc.if_else(good, texts, pa.scalar(None, pa.string())), pattern=r"^\+", replacement=""
            )
            column = numbers.cast(pa.float64())
        elif field.kind == "text" and not pa.types.is_string(column.type):
            column = column.cast(pa.string())
        place = cases.schema.get_field_index(field.name)
        cases = cases.append_column(field.name, column) if place < 0 else cases.set_column(place, field.name, column)
    return cases, findings


def _no_number(cases: pa.Table, row: int, field: Any, value: str) -> Finding:
    return Finding(
        "GRP-F001",
        "warning",
        cases["file"][row].as_py() or "",
        cases["record"][row].as_py() or 0,
        field.name,
        value[:80],
        f"{field.label or field.name}不是数字，按缺失分组",
        "改成数字，缺失时留空",
        ("group",),
    )


def _no_answers(columns: tuple[str, ...]) -> pa.Table:
    import pyarrow as pa

    return pa.table({name: pa.array([], pa.string()) for name in columns})


def _one_by_one(cases: pa.Table, scheme: Scheme, *, explain: bool) -> pa.Table:
    """The cases grouped by the interpreter, with the path of each where `explain` asks for it."""
    import pyarrow as pa

    from tongpin.grouping.explain import explain as explain_case
    from tongpin.grouping.tables.interpreter import Case

    told = [explain_case(scheme.tables, Case.of(row)).as_dict() for row in cases.to_pylist()]
    for name in OUTPUT_COLUMNS[1:]:
        cases = cases.append_column(name, pa.array([one[name] for one in told], pa.string()))
    if explain:
        texts = [json.dumps(one, ensure_ascii=False) for one in told]
        cases = cases.append_column("explain", pa.array(texts, pa.string()))
    return cases


def _write(group: _Group, source: Path, kind: str | None, output: Path) -> Grouped:
    """The answers of a file, written beside their place and moved there whole."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".group-") as folder:
        temporary = Path(folder) / output.name
        done = _streamed(group, source, kind, temporary)
        if done is None:
            # A record stands twice: which one counts only the whole file shows.
            done = _whole(group, source, kind, temporary)
        temporary.replace(output)
    return done


def _streamed(group: _Group, source: Path, kind: str | None, path: Path) -> Grouped | None:
    """The file in pieces; None where its records stand twice, or it is an archive."""
    from tongpin.records.files.archives import is_archive
    from tongpin.records.intake.read import once
    from tongpin.records.intake.stream import kind_of, repeats_among, streamed

    if is_archive(source):
        return None
    found = kind_of(source, kind)
    keys: list[pa.Table] = []
    findings: list[Finding] = []
    counts: Counter[tuple[str, str]] = Counter()
    facts: Counter[str] = Counter()
    with answers_written(path, group.output_columns) as write, screen.progress("分组") as progress:
        # The answer holds nothing of a patient, so any key does and no home is made.
        for part in streamed(source, found, group.part, key=b"group", columns=group.columns, codes=group.codes):
            _refuse_other_kinds(source, part)
            write(part.answers)
            keys.append(part.keys)
            findings += part.findings
            counts += part.counts
            facts.update(part.facts)
            progress("分组", sum(counts.values()), 0)
    return None if repeats_among(keys) else Grouped(counts, dict(facts), once(findings))


def _whole(group: _Group, source: Path, kind: str | None, path: Path) -> Grouped:
    from tongpin.records.intake.read import read

    part = group.part(read(source, kind, key=b"group", codes=group.codes))
    _refuse_other_kinds(source, part)
    with answers_written(path, group.output_columns) as write:
        write(part.answers)
    return Grouped(part.counts, part.facts, part.findings)


def _refuse_other_kinds(source: Path, part: Part) -> None:
    from tongpin.records.intake.kinds import CASE_KINDS, label_of

    if part.kind not in CASE_KINDS:
        raise TongpinError(
            "group.kind",
            f"{source.name} 不是病例文件（{label_of(part.kind)}）",
            hint="给出通用格式、4101 JSON 或 HQMS 首页（CSV、xlsx）；看不出种类时用 --kind 指明",
            findings=part.findings,
        )


@contextlib.contextmanager
def answers_written(path: Path, columns: tuple[str, ...]) -> Iterator[Callable[[pa.Table], None]]:
    """A writer of answers, table by table, as CSV or Parquet; they read back as plain text columns."""
    import pyarrow as pa

    texts = pa.schema([(name, pa.string()) for name in columns])
    if path.suffix == ".csv":
        import pyarrow.csv

        with pyarrow.csv.CSVWriter(path, texts, write_options=pyarrow.csv.WriteOptions(quoting_style="needed")) as csv:
            yield lambda table: csv.write_table(table.cast(texts))
        return
    import pyarrow.parquet

    # Words that repeat go to the file as the dictionaries they are; without Arrow's own schema they come back as text.
    repeating = [name for name in columns if name not in {"case_id", "explain"}]
    encoded = pa.schema(
        [(name, pa.dictionary(pa.int32(), pa.string()) if name in repeating else pa.string()) for name in columns]
    )
    with pyarrow.parquet.ParquetWriter(path, encoded, store_schema=False, use_dictionary=repeating) as file:
        yield lambda table: file.write_table(_encoded(table, encoded))


def _encoded(table: pa.Table, schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    columns = [
        column.dictionary_encode() if pa.types.is_dictionary(field.type) and pa.types.is_string(column.type) else column
        for field, column in zip(schema, table.columns, strict=True)
    ]
    return pa.table(columns, names=schema.names).cast(schema)


def _show(done: Grouped, output: Path, *, failed: bool) -> None:
    """The counts by status and reason, both rates and the findings, for people and machines."""
    from tongpin.grouping.tables.model import STATUS_LABELS, Status
    from tongpin.measures.grouping_rate import grouping_rates

    total = sum(done.counts.values())
    by_status: Counter[str] = Counter()
    for (status, _), count in done.counts.items():
        by_status[status] += count
    rates = grouping_rates(by_status, done.facts)
    ranked = sorted(done.counts.items(), key=lambda pair: (list(Status).index(Status(pair[0][0])), -pair[1], pair[0]))
    refusals = [_refusal(status, code, count) for (status, code), count in ranked if status != Status.GROUPED]
    screen.give(
        {
            "ok": not failed,
            "cases": total,
            "status": dict(by_status),
            "reasons": refusals,
            "rates": rates,
            "output": str(output),
            "findings": [finding.as_dict() for finding in done.findings[:MOST_FINDINGS]],
            "findings_count": len(done.findings),
        },
    )
    rows = [
        [STATUS_LABELS[s], f"{by_status[s]:,}", f"{by_status[s] / max(total, 1):.2%}"] for s in Status if by_status[s]
    ]
    screen.table(f"分组结果（{total:,} 例）", ["状态", "例数", "占比"], rows)
    if refusals:
        screen.table(
            "没有入组的原因",
            ["状态", "原因", "例数", "怎么办"],
            [[STATUS_LABELS[str(r["status"])], str(r["label"]), f"{r['cases']:,}", str(r["hint"])] for r in refusals],
        )
    for rate in rates:
        value = rate["value"]
        shown = "没有可算的病例" if value is None else f"{value * 100:.2f} %"
        screen.say(f"{rate['label']}：{shown}（{rate['form']}）")
    screen.say(f"已写出 {output}", f"wrote {output}")
    screen.findings(done.findings)


def _refusal(status: str, code: str, count: int) -> dict[str, Any]:
    from tongpin.grouping.explain.reasons import reasons

    reason = reasons()[code]
    return {"status": status, "reason": code, "label": reason.label, "hint": reason.hint, "cases": count}
