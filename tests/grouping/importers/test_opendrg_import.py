"""OpenDRG's Python groupers: a checkout becomes tables, the order of calls stays, nothing of it is run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from opendrg_checkout import GROUPER_VARIANT, MDCE, RETRY, VARIANT, adrg, checkout

from tongpin.base.errors import SchemeError
from tongpin.grouping.importers.draft import Draft
from tongpin.grouping.importers.opendrg import checkout as opendrg
from tongpin.grouping.importers.sources import importer_of
from tongpin.grouping.library import import_scheme
from tongpin.grouping.tables.interpreter import Case, interpret
from tongpin.grouping.tables.model import SchemeTables
from tongpin.grouping.tables.read import load_scheme
from tongpin.store.home import Home


def tables(draft: Draft, folder: Path) -> SchemeTables:
    folder.mkdir()
    draft.write(folder)
    return load_scheme(folder)


def imported(tmp_path: Path, files: dict[str, str | None] | None = None) -> SchemeTables:
    draft = opendrg.read(checkout(tmp_path, files))
    assert not draft.broken, [str(finding) for finding in draft.findings]
    return tables(draft, tmp_path / "tables")


def answer(scheme: SchemeTables, *dx: str, px: tuple[str, ...] = (), **case: object) -> tuple[str, ...]:
    outcome = interpret(scheme, Case(**{"sex": 1, "age": 50, "dx": dx, "px": px, **case}))
    return (outcome.mdc, outcome.adrg, outcome.drg)


def rules(draft: Draft) -> list[str]:
    return [finding.rule_id for finding in draft.findings]


def test_a_checkout_groups_as_its_calls_say(tmp_path: Path) -> None:
    scheme = imported(tmp_path)
    assert answer(scheme, "J18.9", "A41.9") == ("MDCE", "ES1", "ES11")
    assert answer(scheme, "J18.9", "J96.0") == ("MDCE", "ES1", "ES15")  # excluded: both have table 1
    assert answer(scheme, "J18.9", "E11.9") == ("MDCE", "ES1", "ES13")
    assert answer(scheme, "J18.9", px=("33.02",)) == ("MDCE", "EF1", "EF19")
    assert answer(scheme, "J44.0") == ("0000", "00", "0000")
    assert answer(scheme, "J44.0", px=("99.99", "33.01")) == ("MDCE", "QY", "EQY")


def test_what_is_returned_counts_and_not_the_name_of_the_function(tmp_path: Path) -> None:
    assert answer(imported(tmp_path), "Z00.0", px=("34.01",)) == ("MDCA", "AH1", "AH14")


def test_order_is_the_order_of_calls(tmp_path: Path) -> None:
    scheme = imported(tmp_path)
    assert [step.rule for step in scheme.mdcs[1].steps] == ["EF2", "EF1", "EQY", "ES1"]
    assert answer(scheme, "J18.9", px=("33.01", "34.01")) == ("MDCE", "EF2", "EF29")


def test_redundant_conditions_are_dropped(tmp_path: Path) -> None:
    scheme = imported(tmp_path)
    (ef1,) = [step for step in scheme.mdcs[1].steps if step.rule == "EF1"]
    assert [str(atom) for clause in ef1.when for atom in clause] == ["px_main:EF1.px"]


def test_names_maps_and_options_come_along(tmp_path: Path) -> None:
    scheme = imported(tmp_path)
    assert scheme.scheme_id == VARIANT
    assert scheme.drg_names["ES11"] == "肺炎，伴严重并发症"
    assert [step.name for step in scheme.mdcs[1].steps if step.rule == "ES1"] == ["肺炎"]
    assert scheme.dx_map == {"J18.901": "J18.9", "J18.9": "J18.9", "B06.8": "B06.801+J17.1*"}
    assert scheme.exclusion == {"J18.9": "1"}
    assert (scheme.options.newborn_days, scheme.options.retry_other_px) == (28, False)


def test_nothing_of_the_source_is_run(tmp_path: Path) -> None:
    trap = tmp_path / "was-run"
    text = f"open({str(trap)!r},'w')\nraise SystemExit(1)\n"
    checkout(tmp_path, {"Base.py": text, "ADRG/AH1.py": text + adrg("AH1", "True", [], ending="AH1")})
    opendrg.read(tmp_path / "OpenDRG" / "drg_group" / VARIANT)
    assert not trap.exists()
    assert not [name for name in sys.modules if name.startswith("drg_group")]


@pytest.mark.parametrize(("ending", "option", "drg"), [("", "next", "0000"), ("ES1", "stop", "ES1")])
def test_a_rule_without_leaf_stops_or_goes_on(tmp_path: Path, ending: str, option: str, drg: str) -> None:
    es1 = adrg("ES1", "True and record.zdList[0] in adrg_zd", [], ending=ending)
    scheme = imported(tmp_path, {"ADRG/ES1.py": es1})
    assert scheme.options.adrg_without_leaf == option
    assert answer(scheme, "J18.9")[2] == drg


def test_rules_that_differ_about_it_keep_their_own_way(tmp_path: Path) -> None:
    head = "from drg_group.test_2024.DRG import MDCE_DRG"
    files = {
        "ADRG/EF1.py": adrg("EF1", "True and record.zdList[0] in adrg_zd and record.age<10", [], ending="EF1"),
        "ADRG/EF2.py": adrg(
            "EF2", "True and record.zdList[0] in adrg_zd", [("MDCE_DRG.ES11_group", "EF21")], head=head
        ),
    }
    scheme = imported(tmp_path, files)
    assert answer(scheme, "J18.9", age=5) == ("MDCE", "EF1", "EF1")
    assert answer(scheme, "J18.9", "A41.9") == ("MDCE", "EF2", "EF21")
    assert answer(scheme, "J18.9") == ("MDCE", "ES1", "ES15")


def test_a_name_that_exists_only_with_numbers_means_these_in_order(tmp_path: Path) -> None:
    numbered = {
        f"ADRG/EF2_{number}.py": adrg(
            f"EF2_{number}", test, [("MDCE_DRG.EF29_group", "EF29")], head="from x.DRG import MDCE_DRG"
        )
        for number, test in ((10, "True and record.age<5"), (2, "record.age<10"), (1, "False"))
    }
    draft = opendrg.read(checkout(tmp_path, {**numbered, "ADRG/EF2.py": None}))
    assert rules(draft) == ["SCH-P011"]
    assert "EF2_1、EF2_2、EF2_10" in draft.findings[0].message
    assert [row["rule"] for row, _ in draft.rows["adrg"]][2:5] == ["EF2_1", "EF2_2", "EF2_10"]
    assert answer(tables(draft, tmp_path / "tables"), "J18.9", age=8) == ("MDCE", "EF2", "EF29")


def test_a_leaf_that_is_not_imported_is_taken_from_its_file(tmp_path: Path) -> None:
    test = "True and record.ssList and record.ssList[0] in adrg_ss"
    extra = f"def group(record):\n  adrg_ss=[]\n  if {test}:\n    return True"
    es1 = adrg("ES1", "record.zdList[0] in adrg_zd", [("ES1X.group", "ES1X"), ("MDCE_DRG.ES15_group", "ES15")])
    draft = opendrg.read(checkout(tmp_path, {"ADRG/ES1.py": es1, "DRG_EX/ES1X.py": extra}))
    assert rules(draft) == ["SCH-P010", "SCH-P010"]
    scheme = tables(draft, tmp_path / "tables")
    assert scheme.px_lists["ES1X.px"] == frozenset()
    assert answer(scheme, "J18.9", px=("33.99",)) == ("MDCE", "ES1", "ES15")


def test_sites_come_from_the_headings_and_the_last_one_wins(tmp_path: Path) -> None:
    mdcz = (
        MDCE.replace("EF2,EF1,ES1", "ZZ1")
        .partition("  result=EF2")[0]
        .replace(
            'mdc_zd=["J18.9","J44.0","J99.0"]',
            'mdc_zd=["头部创伤","S06.0","S12.9","胸部创伤","S21.0","S12.9"]',
        )
    )
    mdcz += """
  zd_map={}
  type=""
  for x in mdc_zd:
    if x.endswith("创伤"):
      type=x
    else:
      zd_map[x]=type
  zd_matched=set(record.zdList).intersection(zd_map.keys())
  types=set([zd_map.get(x) for x in zd_matched])
  if zd_matched:
    message('部位')
    if len(types)<2:
      message('不够')
      return ''
  else:
    return ''

  result=ZZ1.group(record)
  if result:
    return result
"""
    zz1 = adrg("ZZ1", "True and (not record.ssList or record.ssList[0] not in SS_VALID)", [], ending="ZZ1")
    grouper = "def group(record):\n  result=MDCZ.group(record)\n  if result:\n    return result\n  return '0000'\n"
    scheme = imported(tmp_path, {"Grouper.py": grouper, "MDC/MDCZ.py": mdcz, "ADRG/ZZ1.py": zz1})
    assert scheme.sites == {"S06.0": "头部创伤", "S12.9": "胸部创伤", "S21.0": "胸部创伤"}
    assert "头部创伤" not in scheme.dx_lists["MDCZ.dx"]
    assert answer(scheme, "S06.0", "S12.9") == ("MDCZ", "ZZ1", "ZZ1")
    assert answer(scheme, "S12.9", "S21.0")[0] == "0000"
    assert answer(scheme, "S06.0", "S12.9", px=("33.01",))[0] == "0000"


def test_the_other_procedures_are_tried_where_the_source_does(tmp_path: Path) -> None:
    gateless = MDCE.replace("  if record.ssList and intersect", "  if False and intersect")
    files = {"MDC/MDCE.py": gateless, f"Grouper_{VARIANT}.py": GROUPER_VARIANT.format(retry=RETRY)}
    assert answer(imported(tmp_path, files), "J44.0", px=("99.99", "33.02")) == ("MDCE", "EF1", "EF19")


def test_trying_again_with_a_live_gate_is_refused(tmp_path: Path) -> None:
    files = {f"Grouper_{VARIANT}.py": GROUPER_VARIANT.format(retry=RETRY)}
    assert rules(opendrg.read(checkout(tmp_path, files))) == ["SCH-P006"]


def test_what_is_written_for_ungrouped_and_rejected_cases(tmp_path: Path) -> None:
    base = """
def create_result_check(index,status,messages):
  return GroupResult(index,status.value,messages,'','','')
def create_result(index,messages,drgCode):
  if drgCode=='0000':
    return GroupResult(index,DrgGroupStatus.FAIL.value,messages,'0000','00','0000A')
  return GroupResult(index,DrgGroupStatus.FAIL.value,messages,'MDC'+drgCode[0],'00','0000B')
"""
    proxy = "class P:\n  def check(self,record):\n    return int(record.ageDay)<=30\n"
    own = "class G:\n  def group(self,record):\n    return create_result(record.Index,[],group(record))\n"
    files = {"Base.py": base, "GroupProxy.py": proxy, f"Grouper_{VARIANT}.py": own}
    options = imported(tmp_path, files).options
    assert options.ungrouped == ("0000", "00", "0000A")
    assert options.rejected == ("", "", "")
    assert options.newborn_days == 30


def test_unknown_results_are_taken_as_usual_and_said(tmp_path: Path) -> None:
    draft = opendrg.read(checkout(tmp_path, {"GroupProxy.py": None, f"Grouper_{VARIANT}.py": None}))
    assert rules(draft) == ["SCH-P013"] * 3
    assert not draft.broken


def test_files_that_nothing_calls_are_told_and_left_out(tmp_path: Path) -> None:
    draft = opendrg.read(checkout(tmp_path, {"ADRG/EF9.py": adrg("EF9", "True", [], ending="EF9")}))
    (finding,) = draft.findings
    assert (finding.rule_id, finding.severity, finding.value) == ("SCH-P020", "info", "ADRG/EF9.py")
    assert "EF9" not in [row["rule"] for row, _ in draft.rows["adrg"]]


def test_a_checkout_itself_is_refused_with_the_variants_in_it(tmp_path: Path) -> None:
    checkout(tmp_path)
    checkout(tmp_path, variant="other_2023")
    root = tmp_path / "OpenDRG"
    assert opendrg.recognises(root)
    with pytest.raises(SchemeError) as refused:
        opendrg.read(root)
    assert refused.value.code == "scheme.variant"
    assert "drg_group/other_2023、drg_group/test_2024" in refused.value.hint
    assert not opendrg.recognises(tmp_path / "nowhere")
    assert not opendrg.recognises(root / "drg_group" / VARIANT / "MDC")


def test_the_library_keeps_it_with_kind_licence_and_digest(tmp_path: Path) -> None:
    source = checkout(tmp_path)
    (tmp_path / "OpenDRG" / "LICENSE").write_text("Apache License 2.0\n", encoding="utf-8")
    assert importer_of(source) is not None
    result = import_scheme(Home.open(tmp_path / "home"), source, "test-2024")
    assert result.scheme.scheme_id == "test-2024"
    assert result.provenance["kind"] == "opendrg"
    assert result.provenance["licence"] == "Apache License 2.0"
    assert result.provenance["source"] == f"OpenDRG/DRG_Python drg_group/{VARIANT}"
