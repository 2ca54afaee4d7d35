"""Scheme tables written out in the layout of OpenDRG's Python groupers, so that reading them back can be compared."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING

from tongpin.grouping.tables.model import VALID_PX
from tongpin.grouping.tables.when import ALWAYS, NEVER

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.grouping.tables.model import Leaf, Mdc, SchemeTables, Step
    from tongpin.grouping.tables.when import Atom, Condition

FIELDS = {
    "age": "age",
    "age_days": "ageDay",
    "birth_weight": "weight",
    "los": "inHospitalTime",
    "icu_hours": "icuHours",
    "dept": "dept",
    "discharge_way": "leavingType",
}
SEQUENCES = {"dx": "record.zdList", "px": "record.ssList"}


class Body:
    """The lists that a function needs for its condition, and the condition as Python."""

    def __init__(self, scheme: SchemeTables, prefix: str, *, sexes: str) -> None:
        self.scheme = scheme
        self.prefix = prefix
        self.sexes = sexes
        self.lists: dict[str, list[str]] = {}
        self._variables: dict[tuple[str, str], str] = {}
        self._numbers = {"dx": count(), "px": count()}

    def test(self, condition: Condition) -> str:
        if condition == NEVER:
            return "False"
        alternatives = [" and ".join(["True", *(self._atom(atom) for atom in clause)]) for clause in condition]
        return alternatives[0] if len(alternatives) == 1 else " or ".join(f"({each})" for each in alternatives)

    def _atom(self, atom: Atom) -> str:
        text = self._positive(atom)
        return f"(not ({text}))" if atom.negated else text

    def _positive(self, atom: Atom) -> str:
        if atom.kind in {"mcc", "cc"}:
            return f"len(record.zdList)>1 and has_{atom.kind}(record.zdList[0],record.zdList[1:])"
        if atom.list_name:
            return self._listed(atom)
        if atom.kind == "sex":
            value = int(atom.number)
            return f"record.gender=={value}" if self.sexes == "int" else f"record.gender=='{value}'"
        if atom.kind == "px_count":
            return f"len(record.ssList){atom.op}{atom.number:g}"
        field = f"record.{FIELDS[atom.kind]}"
        if atom.values:
            return f"{field} in {list(atom.values)!r}" if len(atom.values) > 1 else f"{field}=={atom.values[0]!r}"
        if atom.kind == "birth_weight" and atom.op in {">", ">="}:
            return f"{field} and {self._plain(field, atom)}"
        if atom.kind == "age_days":
            return f"{field}!=None and {self._plain(field, atom)}"
        return f"int({field})=={atom.number:g}" if (atom.kind, atom.op) == ("age", "==") else self._plain(field, atom)

    def _plain(self, field: str, atom: Atom) -> str:
        return f"{field}{atom.op}{atom.number:g}"

    def _listed(self, atom: Atom) -> str:
        what, _, place = atom.kind.partition("_")
        sequence = SEQUENCES[what]
        variable = "SS_VALID" if atom.list_name == VALID_PX else self._variable(what, atom)
        guard = "record.ssList and " if what == "px" else ""
        if place == "main":
            return f"{guard}{sequence}[0] in {variable}"
        return f"{guard}intersect({sequence}{'[1:]' if place == 'other' else ''},{variable})"

    def _variable(self, what: str, atom: Atom) -> str:
        key = (what, atom.list_name)
        if key not in self._variables:
            number = next(self._numbers[what])
            self._variables[key] = f"{self.prefix}_{'zd' if what == 'dx' else 'ss'}{number or ''}"
            self.lists[self._variables[key]] = sorted(self.scheme.listed(atom))
        return self._variables[key]

    def assignments(self) -> list[str]:
        return [f"  {name}={json.dumps(codes, ensure_ascii=False)}" for name, codes in self.lists.items()]


class OpendrgWriter:
    """Writes one scheme as `<root>/drg_group/<variant>`."""

    def __init__(self, scheme: SchemeTables, root: Path, variant: str, *, sexes: str = "int") -> None:
        self.scheme = scheme
        self.variant = variant
        self.sexes = sexes
        self.folder = root / "drg_group" / variant

    def write(self) -> Path:
        for name in ("MDC", "ADRG", "DRG", "DRG_EX", "DATA", "ICD"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        names = ",".join(mdc.code for mdc in self.scheme.mdcs)
        calls = [line for mdc in self.scheme.mdcs for line in _call(mdc.code)]
        head = [f"from drg_group.{self.variant}.Base import message", self._import("MDC", names), "def group(record):"]
        self._write("Grouper.py", [*head, *calls, "  message('无法入组')", "  return '0000'"])
        for mdc in self.scheme.mdcs:
            self._mdc(mdc)
        self._around()
        self._data()
        return self.folder

    def _write(self, path: str, lines: list[str]) -> None:
        (self.folder / path).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _import(self, folder: str, names: str) -> str:
        return f"from drg_group.{self.variant}.{folder} import {names}"

    def _base(self) -> str:
        return self._import("Base", "message,intersect,has_mcc,has_cc,SS_VALID")

    def _mdc(self, mdc: Mdc) -> None:
        body = Body(self.scheme, "mdc", sexes=self.sexes)
        test = body.test(mdc.when)
        if mdc.min_sites:
            body.lists["mdc_zd"] = self._with_headings(body.lists["mdc_zd"])
        rules = [step.rule for step in mdc.steps if not step.is_gate]
        lines = [self._base(), self._import("ADRG", ",".join(rules)) if rules else "", "def group(record):"]
        lines += [*body.assignments(), "  dept_list=[]", f"  if not ({test}):", "    return ''"]
        if mdc.min_sites:
            lines += _site_lines(mdc.min_sites)
        lines.append(f"  message('符合{mdc.code}入组条件')")
        leaf_functions: list[str] = []
        for step in mdc.steps:
            if step.is_gate:
                gate = Body(self.scheme, "gate", sexes=self.sexes)
                lines += [f"  if {gate.test(step.when)}:", "    message('歧义')", f"    return '{step.rule}'"]
            else:
                lines += _call(step.rule)
                leaf_functions += self._rule(mdc, step)
        self._write(f"MDC/{mdc.code}.py", [*lines, f"  message('不符合{mdc.code}的ADRG入组条件')"])
        self._write(f"DRG/{mdc.code}_DRG.py", [self._import("Base", "has_mcc,has_cc,intersect"), *leaf_functions])

    def _with_headings(self, codes: list[str]) -> list[str]:
        by_site: dict[str, list[str]] = {}
        for code in codes:
            by_site.setdefault(self.scheme.sites[code], []).append(code)
        return [entry for site, members in by_site.items() for entry in (f"{site.removesuffix('创伤')}创伤", *members)]

    def _rule(self, mdc: Mdc, step: Step) -> list[str]:
        body = Body(self.scheme, "adrg", sexes=self.sexes)
        test = body.test(step.when)
        extra: list[str] = []
        functions: list[str] = []
        asked: list[str] = []
        for leaf in step.leaves:
            call = self._leaf(mdc, step, leaf, extra, functions)
            asked += [f"    if {call}(record):", f"      return '{leaf.drg}'", ""]
        lines = [self._base(), self._import("DRG", f"{mdc.code}_DRG")]
        lines += [self._import("DRG_EX", ",".join(extra))] * bool(extra)
        lines += ["def group(record):", *body.assignments(), "  dept_list=[]", f"  if {test}:"]
        lines += [f"    message('符合{step.rule}入组条件')", *asked]
        ending = step.adrg if self.scheme.options.adrg_without_leaf == "stop" else ""
        lines += [f"    return '{ending}'", "  else:", "    return ''"]
        self._write(f"ADRG/{step.rule}.py", lines)
        return functions

    def _leaf(self, mdc: Mdc, step: Step, leaf: Leaf, extra: list[str], functions: list[str]) -> str:
        body = Body(self.scheme, "adrg", sexes=self.sexes)
        test = body.test(leaf.when)
        mark = step.rule.removeprefix(step.adrg)  # the leaves of AH1_1 and AH1_2 may differ
        if body.lists:
            name = f"{leaf.drg}{mark}"
            extra.append(name)
            lines = [self._base(), "def group(record):", *body.assignments(), f"  if {test}:"]
            self._write(f"DRG_EX/{name}.py", [*lines, f"    message('符合{name}入组条件')", "    return True"])
            return f"{name}.group"
        test = "True" if leaf.when == ALWAYS else test
        functions += [f"def {leaf.drg}{mark}_group(record):", f"  return {test}"]
        return f"{mdc.code}_DRG.{leaf.drg}{mark}_group"

    def _around(self) -> None:
        """The record check and the results, as constants of the source."""
        options = self.scheme.options
        rejected, ungrouped = (",".join(map(repr, codes)) for codes in (options.rejected, options.ungrouped))
        days = options.newborn_days
        self._write(
            "GroupProxy.py",
            [
                "class GroupProxy:",
                "  def group(self,record):",
                f"    return GroupResult(record.Index,check_result.value,self.return_messages(),{rejected})",
                "  def check(self,record):",
                f"    if int(record.age)==0 and int(record.ageDay)<={days} and record.weight==None:",
                "      return DrgGroupStatus.CHECK_FAILED",
            ],
        )
        retry = [
            "    if result=='0000' and record.ssList and len(record.ssList)>1:",
            "      for ss in record.ssList[1:]:",
            "        record=record._replace(ssList=[ss])",
            "        result=group(record)",
            "        if result!='0000':",
            "          break",
        ]
        self._write(
            f"Grouper_{self.variant}.py",
            [
                "class Grouper:",
                "  def group(self,record):",
                "    result=group(record)",
                *(retry if options.retry_other_px else []),
                "    if result=='0000':",
                f"      return GroupResult(record.Index,DrgGroupStatus.FAIL.value,self.return_messages(),{ungrouped})",
                "    return GroupResult(record.Index,OK,self.return_messages(),'MDC'+result[0],result[:3],result)",
            ],
        )

    def _data(self) -> None:
        scheme = self.scheme
        valid = {code: scheme.px_names.get(code, "") for code in sorted(scheme.px_lists[VALID_PX])}
        for path, pairs in {
            "DATA/MCC.dat": scheme.mcc,
            "DATA/CC.dat": scheme.cc,
            "DATA/CCE.dat": scheme.exclusion,
            "DATA/SS_VALID.dat": valid,
            "DATA/DRG.dat": scheme.drg_names,
            "ICD/ZD_INFO.dat": scheme.dx_names,
            "ICD/SS_INFO.dat": scheme.px_names,
            "ICD/ZD_MAP.dat": scheme.dx_map,
            "ICD/SS_MAP.dat": scheme.px_map,
        }.items():
            self._write(path, [f"{code} {value}" for code, value in pairs.items()])


def _call(name: str) -> list[str]:
    return [f"  result={name}.group(record)", "  if result:", "    return result"]


def _site_lines(least: int) -> list[str]:
    return [
        "  zd_map={}",
        '  type=""',
        "  for x in mdc_zd:",
        '    if x.endswith("创伤"):',
        "      type=x",
        "    else:",
        "      zd_map[x]=type",
        "  zd_matched=set(record.zdList).intersection(zd_map.keys())",
        "  types=set([zd_map.get(x) for x in zd_matched])",
        "  if zd_matched:",
        "    message('部位')",
        f"    if len(types)<{least}:",
        "      return ''",
        "  else:",
        "    return ''",
    ]
