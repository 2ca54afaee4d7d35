"""`tongpin report publication`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.base.errors import TongpinError
from tongpin.cli.output import screen

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from tongpin.twin.publication.directed import Directed
    from tongpin.twin.publication.run import Place, Publication


def publication(
    home_path: Path | None, month: str, quarter: str, *, to: str | None, on: date | None, area: str | None
) -> None:
    """Write the publication of a month or a quarter, for all or for one receiver, and show it."""
    from tongpin.store.home import Home
    from tongpin.twin.publication.bulletin import write_bulletin_pdf
    from tongpin.twin.publication.directed import directed
    from tongpin.twin.publication.run import publication_in_home
    from tongpin.twin.publication.sheets import heading_lines, title_of
    from tongpin.twin.publication.workbook import write_publication_xlsx

    if bool(month) == bool(quarter):
        raise TongpinError(
            "publication.period", "写一个期间", where="--month、--quarter", hint="--month 2025-06 或 --quarter 2025Q2"
        )
    home = Home.open(home_path)
    with screen.progress("统计公布"):
        found = publication_in_home(home, month=month, quarter=quarter, area=area, on=on)
    receiver = None if to is None else directed(found, to, home.patient_key())
    home.reports.mkdir(parents=True, exist_ok=True)
    kind = "季分析通报" if found.is_quarter else "月统计公布"
    name = f"{kind}-{found.manifests[0]['area']}-{found.period}{f'-{to}' if to else ''}"
    path = home.reports / f"{name}.xlsx"
    write_publication_xlsx(found, path, receiver)
    paper = path.with_suffix(".pdf") if found.is_quarter else None
    if paper is not None:
        write_bulletin_pdf(found, paper, receiver)
    places = found.places if receiver is None else (*receiver.own, *receiver.sums)
    screen.give(
        {
            "ok": True,
            "period": found.period,
            "months": list(found.months),
            "report": str(path),
            "paper": None if paper is None else str(paper),
            "for": None if receiver is None else _receiver(receiver),
            "places": [_place(one, found, with_peers=receiver is None or not receiver.is_small) for one in places],
            "notes": heading_lines(found, receiver),
        }
    )
    _shown(title_of(found, receiver), found, places)
    for line in heading_lines(found, receiver):
        screen.say(line)
    screen.say(f"{kind}：{path}", f"publication: {path}")
    if paper is not None:
        screen.say(f"{kind}（A4）：{paper}", f"bulletin (A4): {paper}")
    if receiver is None:
        screen.say(
            "接着做：--for 机构代码或区县代码 写定向发布的一份；基金收支与预算看 tongpin fund publish、fund report"
        )


def _shown(title: str, found: Publication, places: tuple[Place, ...]) -> None:
    """The statement and the first measures of every section; the rest is in the workbook."""
    from tongpin.measures.papers import heading_of, value_text
    from tongpin.report.words import MISSING, count_text, percent_text, wan_text
    from tongpin.twin.publication.sheets import named

    known = {one.id: one for one in found.figures.measures}
    chosen = [section.measures[1 if len(section.measures) > 1 else 0] for section in found.plan.sections]
    rows = []
    for one in places:
        money = [MISSING] * 4
        if one.money is not None:
            ratio = None if one.money.pay_ratio is None else float(one.money.pay_ratio)
            money = [
                count_text(one.money.cases),
                wan_text(one.money.pool_payable_fen),
                percent_text(ratio),
                wan_text(one.money.month_result_fen),
            ]
        figures = [value_text(one.entries[name].year.value, known[name].unit) for name in chosen]
        rows.append([named(one)["name"], one.level, *money, *figures])
    titles = ["", "级别", "清单数", "应付统筹（万元）", "结付率", "盈亏（万元）"]
    screen.table(title, [*titles, *(heading_of(known[name], found.figures) for name in chosen)], rows)


def _receiver(one: Directed) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "code": one.code,
        "name": one.name,
        "peers": one.peers,
        "peers_label": one.peers_label,
        "small": one.is_small,
        "lines": [line._asdict() for line in one.lines],
    }


def _place(one: Place, found: Publication, *, with_peers: bool) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "code": one.code,
        "name": one.name,
        "level": one.level,
        "county": one.county,
        "statement": None if one.money is None else one.money._asdict(),
        "measures": [_figure(one, measure.id, with_peers=with_peers) for measure in found.figures.measures],
    }


def _figure(place: Place, name: str, *, with_peers: bool) -> dict[str, Any]:
    from tongpin.twin.publication.sheets import changed

    entry = place.entries[name]
    one, compared = entry.year, entry.peers.compared if entry.peers and with_peers else None
    return {
        "measure": name,
        "value": one.value,
        "low": one.low,
        "high": one.high,
        "count": one.count,
        "year_change": changed(entry.year),
        "period_change": changed(entry.period),
        "level_value": compared.reference if compared else None,
        "rank": [compared.first, compared.last, compared.ranked] if compared and compared.first else None,
        "reading": compared.reading if compared else "",
        "limits": compared.funnel._asdict() if compared and compared.funnel else None,
    }
