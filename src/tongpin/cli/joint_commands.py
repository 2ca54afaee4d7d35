"""`tongpin report joint --hospital`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.cli.output import screen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tongpin.twin.joint_hospital import HospitalJoint

_SHOWN = 12


def hospital_joint(home_path: Path | None, month: str, area: str | None, hospital: str) -> None:
    """Write the joint report of one hospital and show its warnings and what its cases say of overspending."""
    from tongpin.store.home import Home
    from tongpin.twin import joint_hospital
    from tongpin.twin.joint_hospital_html import write_hospital_html
    from tongpin.twin.joint_hospital_xlsx import write_hospital_xlsx
    from tongpin.twin.joint_overspend import told
    from tongpin.twin.run import joint_in_home

    home = Home.open(home_path)
    with screen.progress("计算联合报告"):
        own = joint_hospital.hospital_joint(joint_in_home(home, month, area, hospital), hospital)
    home.reports.mkdir(parents=True, exist_ok=True)
    page = home.reports / f"联合报告-{hospital}-{month}.html"
    workbook = home.reports / f"联合报告-{hospital}-{month}.xlsx"
    write_hospital_html(own, page)
    write_hospital_xlsx(own, workbook)
    screen.give(
        {
            "ok": True,
            "month": month,
            "hospital": hospital,
            "name": own.name,
            "judged_by": "cost" if own.costed else "fee",
            "warnings": own.warnings.to_pylist(),
            "overspend": [one._asdict() for one in own.overspend],
            "groups": own.crossing_groups.to_pylist(),
            "mix": [_plain(one._asdict()) for one in own.mix],
            "notes": list(own.joint.basis.lines),
            "reports": [str(page), str(workbook)],
        }
    )
    _warnings(own)
    for one in own.overspend:
        screen.say(f"超支病例是否往往伴随药耗偏高：{told(one)}")
    for line in own.joint.basis.lines:
        screen.say(line)
    for path in (page, workbook):
        screen.say(f"联合报告：{path}", f"joint report: {path}")
    screen.say(
        f"接着做：tongpin causes --month {month} --hospital {hospital}（为什么）；tongpin portfolio what-if（试算）"
    )


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """The effect of a group as JSON has it."""
    moved = {
        name: one._asdict() | {"cmi": float(one.cmi)} for name, one in row.items() if name in {"more", "fewer", "grown"}
    }
    return {**row, "weight": float(row["weight"]), **moved}


def _warnings(own: HospitalJoint) -> None:
    from tongpin.report.words import count_text, percent_text, yuan_text

    ways = (("cost_", "成本"), ("fee_", "费用")) if own.costed else (("", "费用"),)
    heads = [
        head for _, word in ways for head in (f"{word}超标准", f"{word}超出 {own.group_line.limit_text} 的金额（元）")
    ]
    rows = own.warnings.to_pylist()
    mark = "（模拟）" if own.joint.basis.assumed else ""
    screen.table(
        f"{own.name} {own.joint.month} {own.group_line.label}{mark}：只预警，不扣款",
        ["病组", "名称", "例数", *heads],
        [
            [
                row["drg"],
                own.joint.group_label(row["drg"]),
                count_text(row["case_count"]),
                *(
                    text
                    for way, _ in ways
                    for text in (
                        percent_text(None if row[f"{way}multiple"] is None else row[f"{way}multiple"] - 1),
                        yuan_text(row[f"{way}excess_fen"]),
                    )
                ),
            ]
            for row in rows[:_SHOWN]
        ],
    )
    if len(rows) > _SHOWN:
        screen.say(f"另有 {len(rows) - _SHOWN} 组在表格里")
