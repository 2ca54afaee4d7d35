"""`tongpin why`: one case of a file, why it is in its group and why not in another; words, JSON or one page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.base.errors import TongpinError
from tongpin.cli.output import screen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa

    from tongpin.grouping.explain import Explanation, WhyNot
    from tongpin.grouping.tables.model import SchemeTables

_SHOWN_IDS = 5


def run(
    home_path: Path | None,
    source: Path,
    kind: str | None,
    scheme_id: str,
    case_id: str | None,
    others: Sequence[str],
    page: Path | None,
    *,
    full: bool,
) -> None:
    """Explain one case of a file; `others` are the groups that it is asked about."""
    from tongpin.grouping.explain import explain, explain_lines, why_not
    from tongpin.grouping.library import open_scheme
    from tongpin.grouping.tables.interpreter import Case
    from tongpin.store.home import Home

    scheme = open_scheme(Home.open(home_path), scheme_id)
    row = _row(source, kind, scheme, case_id)
    case = Case.of(row)
    told = explain(scheme, case)
    whys = [why_not(scheme, case, group) for group in others]
    data = {
        "ok": True,
        "case_id": row["case_id"],
        **told.as_dict(full=full),
        "why_not": [why.as_dict() for why in whys],
    }
    if page is not None:
        write_page(page, told, whys, row["case_id"], full=full)
        data["page"] = str(page)
    screen.give(data)
    for line in [*explain_lines(told, full=full), *(line for why in whys for line in why.lines())]:
        screen.say(line)
    if page is not None:
        screen.say(f"说明页：{page}", f"page: {page}")


def write_page(page: Path, told: Explanation, whys: Sequence[WhyNot], case_id: str, *, full: bool = False) -> None:
    """Write the page of one case; raises `why.page` for a name that is no page."""
    from tongpin.grouping.explain import explain_page

    if page.suffix not in {".html", ".htm"}:
        raise TongpinError("why.page", f"说明页不能写成 {page.name}", hint="文件名用 .html 结尾")
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(explain_page(told, whys, case_id=case_id, full=full), encoding="utf-8")


def _row(source: Path, kind: str | None, scheme: SchemeTables, case_id: str | None) -> dict[str, Any]:
    """The one case asked for; raises `why.kind`, `why.case` when the file holds no such case, or several."""
    import pyarrow.compute as pc

    from tongpin.cli.group_command import with_fields
    from tongpin.cli.record_commands import code_book
    from tongpin.records.intake.kinds import CASE_KINDS, label_of
    from tongpin.records.intake.read import read

    # The answer holds nothing of a patient, so any key does and no home is made.
    loaded = read(source, kind, key=b"why", codes=code_book(scheme))
    if loaded.kind not in CASE_KINDS:
        raise TongpinError(
            "why.kind",
            f"{source.name} 不是病例文件（{label_of(loaded.kind)}）",
            hint="给出通用格式、4101 JSON 或 HQMS 首页（CSV、xlsx）；看不出种类时用 --kind 指明",
            findings=loaded.findings,
        )
    cases: pa.Table = loaded.cases
    if case_id is not None:
        cases = cases.filter(pc.equal(cases["case_id"], case_id))
    if cases.num_rows != 1:
        raise _not_one(source, loaded.cases, cases.num_rows, case_id, loaded.findings)
    cases, findings = with_fields(cases, scheme.fields)
    screen.findings(findings)
    return dict(cases.to_pylist()[0])


def _not_one(source: Path, cases: pa.Table, found: int, case_id: str | None, findings: Sequence[Any]) -> TongpinError:
    ids = [str(one) for one in cases["case_id"].slice(0, _SHOWN_IDS).to_pylist()]
    some = f"例如 {'、'.join(ids)}" if ids else "没有读到病例"
    if case_id is None:
        return TongpinError("why.case", f"{source.name} 有 {found:,} 例", hint=f"用 --case 指明一例，{some}")
    if found:
        hint = "病例号重复，先在文件里分开"
        return TongpinError("why.case", f"{source.name} 里 {case_id} 有 {found} 例", hint=hint)
    message = f"{source.name} 里没有可读的病例 {case_id}"
    return TongpinError("why.case", message, hint=f"核对病例号，{some}", findings=findings)
