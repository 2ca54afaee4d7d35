"""Cases 病例页: everything a desk may know of one case, part by part: codings, group path, price, versions, names."""

from __future__ import annotations

from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
from fastapi import APIRouter, Depends, Path, Query

from tongpin.base.errors import TongpinError
from tongpin.base.findings import SEVERITY_LABELS
from tongpin.grouping.both_sources import code_map_of, compare_grouped
from tongpin.grouping.explain import explain, explain_lines, why_not
from tongpin.grouping.library import open_scheme
from tongpin.grouping.tables.interpreter import Case, interpret
from tongpin.grouping.tables.model import STATUS_LABELS, SchemeTables
from tongpin.payment.dip.library import open_catalogue
from tongpin.payment.dip.trace import asked_of
from tongpin.payment.explain import explain_line
from tongpin.payment.explain_group import way_of
from tongpin.payment.lists.dates import TRANSFER_LABELS
from tongpin.payment.lists.editions import area_in
from tongpin.payment.lists.one import OneList, clock_words, one_list
from tongpin.payment.month.closed import RUN, every_run
from tongpin.payment.month.posting import LINE_KINDS
from tongpin.payment.month.run import line_case, posted_lines
from tongpin.payment.month.statement_columns import DIP, method_of_manifest
from tongpin.payment.policy.library import open_policy, policy_named
from tongpin.payment.policy.period import case_day
from tongpin.payment.policy.prose import ASSUMED, line_of
from tongpin.records.case.schema import GROUPING_COLUMNS, columns
from tongpin.records.intake.dossier import LIST_SOURCE, Dossier, dossiers, persons_of, same_stay
from tongpin.records.intake.finding_history import OPEN
from tongpin.records.intake.finding_history import STATUS_LABELS as FINDING_STATES
from tongpin.records.views.edition import DAY_COLUMNS, open_edition, with_code_version
from tongpin.records.views.returns import column_of_path
from tongpin.records.views.shown import (
    ASIDE,
    CODE_LISTS,
    DATES,
    LISTS,
    PERSONS,
    SECTIONS,
    is_filled,
    label_of,
    text_of,
)
from tongpin.store import journal
from tongpin.store.home import Home
from tongpin.workbench.api.asking import Bench, needs
from tongpin.workbench.api.case_shapes import (
    CaseSheet,
    CodePair,
    Coding,
    Difference,
    GroupPath,
    GroupStep,
    Names,
    NamesWanted,
    OpenFinding,
    OtherWay,
    ParameterShown,
    Price,
    PricedLine,
    PriceStep,
    Record,
    StateStep,
    VersionDifference,
    VersionPair,
    Versions,
    VersionShown,
)
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.api.sheets import SheetColumn, SheetField, SheetSection
from tongpin.workbench.listings.places import department_names, institution_names
from tongpin.workbench.sign_in.identity import Identity
from tongpin.workbench.today import today

router = APIRouter(prefix="/cases", tags=["病例"], responses=REFUSALS)
Reader = Annotated[Identity, Depends(needs("cases.read"))]
NameReader = Annotated[Identity, Depends(needs("cases.names"))]
CaseId = Annotated[str, Path(max_length=128)]
Institution = Annotated[str | None, Query(max_length=64, description="几家机构有同一个号时指明")]
SOURCE_LABELS = {"settlement_list": "结算清单", "front_page": "病案首页", "plain": "通用病例"}
SEVERITY_MEANING = {"error": "应相同", "warning": "不同须有理由", "info": "可以不同"}
MONEY_LISTS = ("fees", "payers")
_PARTS = {"counted": "计入", "listed": "未用到", "excluded": "被排除", "none": ""}
_AMOUNTS = {
    "total_fee_fen": "总费用",
    "standard_fen": "支付标准",
    "pool_payable_fen": "统筹应付",
    "result_fen": "盈亏",
}
_GROUPING = frozenset({*GROUPING_COLUMNS, *CODE_LISTS.values()}) - {"case_id", "code_map"}


@router.get("/{case_id}", summary="一份病例")
def case_sheet(case_id: CaseId, asker: Reader, bench: Bench, institution: Institution = None) -> CaseSheet:
    """Head with what was paid, states with their clock, eight dates, fields and lists, findings; the patient masked."""
    desk, money = asker.desk(bench.home), asker.role.sees_money
    on = today(bench.home)
    known = one_list(desk, case_id, on)
    found = dossiers(desk, case_id, further={code: one.further(on) for code, one in known.items()})
    one = _chosen(found, case_id, institution)
    row, places = one.case, institution_names(desk)
    records = [_record(each.case, places) for each in found]
    mine = known.get(row["institution_code"]) if row["source"] == LIST_SOURCE else None
    record = _record(row, places)
    departments = department_names(desk, row["institution_code"])
    department = departments.get(row.get("dept") or "", row.get("dept") or "")
    outcome, is_assumed = _outcome(desk, row, money=money)
    return CaseSheet(
        case_id=case_id,
        title=" · ".join(part for part in (record.institution_name, department, record.source_label) if part),
        record=record,
        others=[each for each in records if each != record],
        is_list=row["source"] == LIST_SOURCE,
        department=department,
        outcome=outcome,
        state=one.states[-1].state if one.states else None,
        states=[StateStep(state=step.state, at=step.at, why=step.why) for step in one.states],
        clock=clock_words(mine.clock, on) if mine else None,
        dates=_dates(mine),
        sections=_sections(one, dated=bool(mine and mine.dates), money=money),
        findings=[
            _finding(each, money=money)
            for each in sorted(one.findings, key=lambda each: (each["status"], each["rule_id"]))
        ],
        periods=sorted({mine.clock["period"]} - {None}) if mine else [],
        has_names=bool(one.persons),
        simulated=is_assumed,
    )


@router.post("/{case_id}/names", summary="看患者姓名（记入日志）")
def case_names(
    case_id: CaseId, body: NamesWanted, asker: NameReader, bench: Bench, institution: Institution = None
) -> Names:
    """Who the patient is, in clear; noted in the journal before it is shown."""
    desk = asker.desk(bench.home)
    row = _case(desk, case_id, institution)
    with bench.engine.begin() as connection:
        journal.record(
            connection,
            actor=asker.name,
            acted_as=asker.role.id,
            act="cases.names",
            subject=f"case/{row['institution_code']}/{case_id}",
            details={"reason": body.reason.strip(), "source": row["source"]},
        )
    shown = persons_of(desk, row["source"], row["institution_code"], case_id)
    return Names(fields=[SheetField(id=name, label=label_of(name), value=value) for name, value in shown.items()])


@router.get("/{case_id}/coding", summary="清单与首页的编码并排")
def case_coding(case_id: CaseId, asker: Reader, bench: Bench, institution: Institution = None) -> Coding:
    """Diagnoses and procedures of the list beside those of the front page, the fields that differ, both groups."""
    desk = asker.desk(bench.home)
    row = _case(desk, case_id, institution)
    scheme, area = _scheme(desk, row)
    stay = same_stay(desk, row)
    sides = {name: stay.filter(pc.equal(stay["source"], name)) for name in ("settlement_list", "front_page")}
    rows = {name: next(iter(side.to_pylist()), None) for name, side in sides.items()}
    if row["source"] in rows:
        own = [each for each in sides[row["source"]].to_pylist() if each["case_id"] == case_id]
        rows[row["source"]] = own[0] if own else rows[row["source"]]
    else:
        rows["settlement_list"] = row
    ours, theirs = rows["settlement_list"], rows["front_page"]
    code_map, label = code_map_of(desk, scheme)
    pair, differences = None, []
    if ours and theirs:
        compared = compare_grouped(
            sides["settlement_list"], sides["front_page"], open_edition(desk, area), scheme, code_map
        )
        pair = next(iter(compared.pairs.to_pylist()), None)
        differences = compared.differences.to_pylist()
    parts = _parts(scheme, _mapped(desk, area, [ours or theirs or row])[0])
    seen = [each for each in differences if asker.role.sees_money or not each["column"].endswith("_fen")]
    return Coding(
        list_case_id=ours["case_id"] if ours else None,
        page_case_id=theirs["case_id"] if theirs else None,
        list_group=_group_words(scheme, pair["list_drg"]) if pair else None,
        page_group=_group_words(scheme, pair["page_drg"]) if pair else None,
        same_group=pair["same_group"] if pair else None,
        codes=[
            pair_of
            for kind, labels in (("dx", scheme.dx_names), ("px", scheme.px_names))
            for pair_of in _beside(kind, (ours or {}).get(kind) or [], (theirs or {}).get(kind) or [], labels, parts)
        ],
        differences=[
            Difference(
                label=each["label"],
                list_value=each["list_value"],
                page_value=each["page_value"],
                severity=each["severity"],
                severity_label=SEVERITY_MEANING[each["severity"]],
                hint=each["hint"] or "",
            )
            for each in seen
        ],
        code_map=label,
        note="" if ours and theirs else f"没有同机构、同病案号、同日出院的{'首页' if ours else '清单'}，只有一份",
    )


@router.get("/{case_id}/group", summary="入组路径；为什么不是另一组")
def case_group(
    case_id: CaseId,
    asker: Reader,
    bench: Bench,
    institution: Institution = None,
    other: Annotated[str | None, Query(max_length=16, description="另一个病组、ADRG 或 MDC 的代码")] = None,
) -> GroupPath:
    """Rule by rule how the case came into its group; with `other`, what would have to be otherwise for that group."""
    desk = asker.desk(bench.home)
    row = _case(desk, case_id, institution)
    others = [other.strip().upper()] if other and other.strip() else []
    lines = _lines(desk, row)
    if lines:
        closing = every_run(desk)[lines[-1][RUN]]
        way = way_of(desk, closing, line_case(desk, lines[-1]).to_pylist(), others)
        changed = way.digest != closing["scheme_digest"]
        note = f"方案在关账之后改过，这里是现在的入组；入账时为 {lines[-1]['drg']}" if changed else ""
        told, texts, whys, scheme_id = way.paths[0], way.texts[0].split("\n"), way.whys, closing["scheme"]
    else:
        scheme, area = _scheme(desk, row)
        read = Case.of(_mapped(desk, area, [row])[0])
        told = explain(scheme, read)
        texts, scheme_id = explain_lines(told), scheme.scheme_id
        whys = [why_not(scheme, read, one) for one in others]
        note = "还没有进入已关账的月份：按现在的方案"
    return GroupPath(
        scheme=scheme_id,
        drg=told.outcome.drg,
        drg_name=told.name,
        status=STATUS_LABELS[told.outcome.status],
        steps=[GroupStep(level=(len(line) - len(line.lstrip())) // 2, text=line.strip()) for line in texts],
        why_not=_other(whys[0]) if whys else None,
        note=note,
    )


@router.get("/{case_id}/price", summary="价格一步一步")
def case_price(case_id: CaseId, asker: Reader, bench: Bench, institution: Institution = None) -> Price:
    """Every line that paid the case, each step with its parameters, values and sources; not for roles without money."""
    if not asker.role.sees_money:
        return Price(lines=[], note="这个岗位不看金额")
    desk = asker.desk(bench.home)
    row = _case(desk, case_id, institution)
    manifests = every_run(desk)
    lines = [_priced(desk, line, manifests[line[RUN]]) for line in _lines(desk, row)]
    return Price(lines=lines, note="" if lines else "还没有进入已关账的月份，没有定价")


@router.get("/{case_id}/versions", summary="版本与两版并排")
def case_versions(
    case_id: CaseId,
    asker: Reader,
    bench: Bench,
    institution: Institution = None,
    before: Annotated[int | None, Query(ge=1, le=10_000)] = None,
    after: Annotated[int | None, Query(ge=1, le=10_000)] = None,
) -> Versions:
    """Every version with the group it comes into, and two of them field by field (S901-04). Errors: `case.version`."""
    desk, money = asker.desk(bench.home), asker.role.sees_money
    one = _chosen(dossiers(desk, case_id), case_id, institution)
    scheme, area = _scheme(desk, one.case)
    outcomes = [interpret(scheme, Case.of(row)) for row in _mapped(desk, area, [each.case for each in one.versions])]
    shown = [
        VersionShown(
            number=number,
            load=version.load,
            loaded_at=version.loaded_at,
            upload_time=version.upload_time,
            file=version.file,
            record=version.record,
            in_force=version.in_force,
            changes=len([change for change in version.changes if money or not change[0].endswith("_fen")]),
            drg=outcome.drg,
            drg_name=scheme.drg_names.get(outcome.drg, ""),
            status=STATUS_LABELS[outcome.status],
        )
        for number, (version, outcome) in enumerate(zip(one.versions, outcomes, strict=True), start=1)
    ]
    pair = None
    if len(shown) > 1 or before or after:
        first, second = before or len(shown) - 1, after or len(shown)
        if not (1 <= first <= len(shown) and 1 <= second <= len(shown)) or first == second:
            raise TongpinError(
                "case.version", f"这份病例有 {len(shown)} 个版本", where="before", hint="选两个不同的版本号"
            )
        pair = _pair(one, first, second, shown, money=money)
    return Versions(versions=shown, pair=pair, scheme=scheme.scheme_id)


def _chosen(found: list[Dossier], case_id: str, institution: str | None) -> Dossier:
    """The dossier that is meant: a list before a front page; refused where none is seen or several are."""
    mine = [one for one in found if institution in {None, one.case["institution_code"]}]
    if not mine:
        raise TongpinError(
            "case.unknown", f"没有病例 {case_id}，或它不在您的范围内", where="case_id", hint="从病例列表里选"
        )
    mine.sort(key=lambda one: (one.case["source"] != LIST_SOURCE, not one.versions))
    places = {one.case["institution_code"] for one in mine}
    if len(places) > 1:
        raise TongpinError(
            "case.several", f"几家机构都有 {case_id}", where="institution", hint="、".join(sorted(map(str, places)))
        )
    return mine[0]


def _case(desk: Home, case_id: str, institution: str | None) -> dict[str, Any]:
    """The version in force of a case that was read in; `case.unread` where an error kept it out."""
    one = _chosen(dossiers(desk, case_id), case_id, institution)
    if not one.versions:
        raise TongpinError("case.unread", f"{case_id} 没有读入，只有问题", where="case_id", hint="按问题改正后重传")
    return one.case


def _lines(desk: Home, row: dict[str, Any]) -> list[dict[str, Any]]:
    if row["source"] != LIST_SOURCE:
        return []
    found = posted_lines(desk, row["case_id"])
    return list(found.filter(pc.equal(found["institution_code"], row["institution_code"])).to_pylist())


def _outcome(desk: Home, row: dict[str, Any], *, money: bool) -> tuple[list[SheetField], bool]:
    """Group and payment of the last closed month that has the case, and whether they rest on assumed values."""
    lines = _lines(desk, row)
    if not lines:
        return [], False
    line, closing = lines[-1], every_run(desk)[lines[-1][RUN]]
    tables, _ = _scheme(desk, row)
    label = tables.drg_names.get(line["drg"] or "", "")
    weight = None if line["weight_e4"] is None else line["weight_e4"] / 10_000
    fields = [
        SheetField(id="drg", label="病组", value=f"{line['drg'] or '未入组'} {label}".rstrip()),
        SheetField(id="weight", label="权重", kind="decimal", digits=4, value=weight),
    ]
    amounts = {
        "total_fee_fen": "总费用",
        "standard_fen": "支付标准",
        "pool_payable_fen": "统筹应付",
        "result_fen": "盈亏",
    }
    if money:
        fields += [
            SheetField(id=name, label=label, kind="money", unit="元", value=line[name])
            for name, label in amounts.items()
        ]
    return fields, bool(closing.get("assumed"))


def _scheme(desk: Home, row: dict[str, Any]) -> tuple[SchemeTables, str]:
    """The scheme that the month of the case was closed with, else that of the edition in force, and the area."""
    lines = _lines(desk, row)
    if lines:
        closing = every_run(desk)[lines[-1][RUN]]
        if method_of_manifest(closing) == DIP:
            return asked_of(row, open_catalogue(desk, closing["scheme"]), ())[0], closing["area"]
        return open_scheme(desk, closing["scheme"]), closing["area"]
    day = row.get("discharge_time") or row.get("settlement_date") or row.get("upload_time") or today(desk)
    area = area_in(desk, None, f"{day:%Y-%m}")
    return open_scheme(desk, open_policy(desk, area, f"{day:%Y-%m}").scheme_id), area


def _record(row: dict[str, Any], names: dict[str, str]) -> Record:
    code = row["institution_code"]
    return Record(
        source=row["source"],
        source_label=SOURCE_LABELS.get(row["source"], row["source"]),
        institution_code=code,
        institution_name=names.get(code or "", code or "机构未知"),
    )


def _dates(mine: OneList | None) -> list[SheetField]:
    """The eight dates; how a transfer is known stands beside it."""
    if mine is None or mine.dates is None:
        return []
    row = mine.dates
    labels = {
        "admission_date": "入院",
        "discharge_date": "出院",
        "settlement_date": "结算",
        "upload_date": "上传",
        "accepted_date": "接收",
        "filing_month": "申报月份",
        "transfer_date": "拨付",
        "clearing_year": "清算年度",
    }
    return [
        SheetField(
            id=name,
            label=label,
            value=None if row[name] is None else str(row[name]),
            note=TRANSFER_LABELS.get(row["transfer_known_by"] or "", "") if name == "transfer_date" else "",
        )
        for name, label in labels.items()
    ]


def _sections(one: Dossier, *, dated: bool, money: bool) -> list[SheetSection]:
    """The fields by heading and the lists as small tables; amounts only for who sees money."""
    row = one.case
    if not one.versions:
        return []
    made, shown = [], set(ASIDE | set(LISTS))
    shown |= {code for code, nested in CODE_LISTS.items() if row.get(nested)}
    for title, names_of in SECTIONS.items():
        shown |= set(names_of)
        if title == DATES and dated:
            continue
        persons = one.persons if title == PERSONS else {}
        made.append(_fields(title, row, names_of, persons, money=money))
    made.append(_fields("其他", row, [name for name in row if name not in shown], {}, money=money))
    made += [
        _list(name, row[name], money=money) for name in LISTS if row.get(name) and (money or name not in MONEY_LISTS)
    ]
    origin = [
        SheetField(id="file", label="文件", value=row["file"]),
        SheetField(id="record", label="第几条", value=row["record"], kind="integer"),
    ]
    if row.get("item_due"):
        origin += [
            SheetField(id="item_due", label="应填项", value=row["item_due"], kind="integer"),
            SheetField(id="item_filled", label="已填项", value=row["item_filled"], kind="integer"),
        ]
    further = [SheetField(id=name, label=name, value=value) for name, value in dict(row.get("extra") or []).items()]
    made.append(SheetSection(id="origin", label="来源", fields=[*origin, *further]))
    return [section for section in made if section.fields or section.rows]


def _fields(title: str, row: dict[str, Any], names_of: Any, persons: dict[str, str], *, money: bool) -> SheetSection:
    fields = [
        SheetField(id=name, label=label_of(name), value=row[name], kind="money", unit="元")
        if name.endswith("_fen")
        else SheetField(id=name, label=label_of(name), value=text_of(name, row[name]))
        for name in names_of
        if is_filled(row.get(name)) and (money or not name.endswith("_fen"))
    ]
    fields += [SheetField(id=name, label=label_of(name), value=value) for name, value in persons.items()]
    return SheetSection(id=title, label=title, fields=fields)


def _list(name: str, entries: list[dict[str, Any]], *, money: bool) -> SheetSection:
    parts = list(dict.fromkeys(part for entry in entries for part in entry if is_filled(entry[part])))
    parts = [part for part in parts if money or not part.endswith("_fen")]
    heads = [
        SheetColumn(
            id=part,
            label=label_of(f"{name}.{part}"),
            kind="money" if part.endswith("_fen") else "text",
            unit="元" if part.endswith("_fen") else "",
        )
        for part in parts
    ]
    rows = [
        {
            part: entry[part]
            if part.endswith("_fen")
            else text_of(f"{name}.{part}", entry[part])
            if is_filled(entry[part])
            else None
            for part in parts
        }
        for entry in entries
    ]
    return SheetSection(id=name, label=label_of(name), columns=heads, rows=rows)


def _open_first(row: dict[str, Any]) -> tuple[bool, str]:
    return row["status"] != OPEN, row["rule_id"]


def _finding(row: dict[str, Any], *, money: bool) -> OpenFinding:
    is_amount = (column_of_path(row["path"] or "") or "").endswith("_fen")
    return OpenFinding(
        **{name: row[name] for name in ("rule_id", "severity", "path", "message", "hint", "first_load")},
        value=row["value"] if money or not is_amount else None,
        severity_label=SEVERITY_LABELS[row["severity"]],
        status=FINDING_STATES[row["status"]],
    )


def _group_words(scheme: SchemeTables, drg: str | None) -> str:
    return f"{drg} {scheme.drg_names.get(drg, '')}".strip() if drg else "未入组"


def _mapped(desk: Home, area: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cases as grouping reads them: told which code version they are in, by the reading edition of the area."""
    names = ["source", "institution_code", *DAY_COLUMNS.values(), "code_version", "code_map"]
    schema = pa.schema([(name, columns()[name].type) for name in names])
    told = with_code_version(pa.Table.from_pylist(rows, schema=schema), open_edition(desk, area))
    return [{**row, "code_map": code} for row, code in zip(rows, told["code_map"].to_pylist(), strict=True)]


def _parts(scheme: SchemeTables, row: dict[str, Any]) -> dict[str, str]:
    """What each secondary diagnosis counts for in the group."""
    told = explain(scheme, Case.of(row))
    return {one.code: f"{one.kind.upper()} {_PARTS[one.state]}" for one in told.complications if one.kind}


def _beside(
    kind: Any, ours: list[str], theirs: list[str], labels: dict[str, str], parts: dict[str, str]
) -> list[CodePair]:
    """Codes by place: the principal beside the principal, the rest beside their like, then what one side has alone."""
    first = [(ours[0] if ours else None, theirs[0] if theirs else None)] if ours or theirs else []
    left, right = ours[1:], list(theirs[1:])
    for code in left:
        if code in right:
            right.remove(code)
            first.append((code, code))
        else:
            first.append((code, None))
    first += [(None, code) for code in right]
    return [
        CodePair(
            kind=kind,
            place=place,
            list_code=mine,
            list_name=labels.get(mine or "", ""),
            page_code=other,
            page_name=labels.get(other or "", ""),
            same=mine == other,
            part=parts.get(mine or other or "", ""),
        )
        for place, (mine, other) in enumerate(first, start=1)
    ]


def _other(why: Any) -> OtherWay:
    return OtherWay(
        group=why.group, name=why.name, verdict=why.verdict, lines=[line.strip() for line in why.lines()[1:]]
    )


def _priced(desk: Home, line: dict[str, Any], closing: dict[str, Any]) -> PricedLine:
    policy = policy_named(desk, closing["policy"])
    on = case_day(line, policy.edition.edition_by.value)
    return PricedLine(
        period=line["period"],
        line_kind=line["line_kind"],
        line_label=LINE_KINDS[line["line_kind"]],
        policy=closing["policy"],
        policy_label=closing["policy_label"],
        drg=line["drg"] or "",
        payable_fen=line["pool_payable_fen"],
        result_fen=line["result_fen"],
        steps=[
            PriceStep(
                label=step.label,
                text=step.text,
                amount_fen=step.amount_fen,
                source=step.source,
                simulated=ASSUMED in f"{step.text}{step.source}",
                parameters=[
                    ParameterShown(key=one.key, label=one.label, words=one.words, since=one.since, source=one.source)
                    for one in (line_of(policy, key, on) for key in step.keys if key in policy.edition.parameters)
                ],
            )
            for step in explain_line(desk, line, closing)
        ],
    )


def _pair(one: Dossier, first: int, second: int, shown: list[VersionShown], *, money: bool) -> VersionPair:
    before, after = (one.versions[number - 1].case for number in (first, second))
    hidden = {"file", "record"}
    names_of = [name for name in {**before, **after} if name not in hidden and (money or not _is_money(name))]
    differences = [
        VersionDifference(
            label=label_of(name),
            before=_told(name, before.get(name), after.get(name)),
            after=_told(name, after.get(name), before.get(name)),
            grouping=name in _GROUPING,
        )
        for name in names_of
        if before.get(name) != after.get(name)
    ]
    return VersionPair(
        before=first, after=second, same_group=shown[first - 1].drg == shown[second - 1].drg, differences=differences
    )


def _told(name: str, value: Any, other: Any) -> str:
    """A value as people read it; of a list of entries those that the other version has not."""
    if not (isinstance(value, list) and value and isinstance(value[0], dict)):
        return text_of(name, value)
    own = [entry for entry in value if entry not in (other or ())]
    told = [
        "，".join(text_of(f"{name}.{part}", entry[part]) for part in entry if is_filled(entry[part])) for entry in own
    ]
    return "；".join(told) or f"{len(value)} 项，次序不同"


def _is_money(name: str) -> bool:
    return name.endswith("_fen") or name in MONEY_LISTS
