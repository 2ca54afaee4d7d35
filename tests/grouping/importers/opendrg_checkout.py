"""A small checkout in OpenDRG's layout, with invented codes: what a test names replaces or adds a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

VARIANT = "test_2024"

GROUPER = """
def group(record):
  result=MDCA.group(record)
  if result:
    return result

  result=MDCE.group(record)
  if result:
    return result

  message('无法入组')
  return '0000'
"""

MDCA = """
from drg_group.test_2024.Base import message,intersect,SS_VALID
from drg_group.test_2024.ADRG import AH1

def group(record):
  mdc_zd=[]
  dept_list=[]
  if not (True and record.ssList and (record.ssList[0] in SS_VALID or record.ssList[0] in ["96.01"])):
    return ''

  message('符合MDCA入组条件')

  result=AH1.group(record)
  if result:
    return result

  if False and record.ssList and intersect(SS_VALID,record.ssList):
    message('歧义'+','.join(set(record.ssList).intersection(SS_VALID)))
    return 'AQY'

  message('不符合')
"""

MDCE = """
from drg_group.test_2024.Base import message,intersect,SS_VALID
from drg_group.test_2024.ADRG import EF2,EF1,ES1

def group(record):
  mdc_zd=["J18.9","J44.0","J99.0"]
  if not (True and record.zdList[0] in mdc_zd):
    return ''
  result=EF2.group(record)
  if result:
    return result
  result=EF1.group(record)
  if result:
    return result
  if record.ssList and intersect(SS_VALID,record.ssList):
    return 'EQY'
  result=ES1.group(record)
  if result:
    return result
"""

MDCE_DRG = """
def EF29_group(record):
  return True
def EF19_group(record):
  return True
def ES11_group(record):
  return len(record.zdList)>1 and has_mcc(record.zdList[0],record.zdList[1:])
def ES13_group(record):
  return has_mcc(record.zdList[0],record.zdList[1:]) or has_cc(record.zdList[0],record.zdList[1:])
def ES15_group(record):
  return True
"""

GROUP_PROXY = """
class GroupProxy:
  def group(self,record):
    record=record._replace(zdList=re.split(',|\\|',record.zdList))
    return GroupResult(record.Index,check_result.value,self.return_messages(),'0000','00','0000')
  def check(self,record):
    if int(record.age)==0 and int(record.ageDay)<=28 and record.weight==None:
      return DrgGroupStatus.CHECK_FAILED
"""

GROUPER_VARIANT = """
class Grouper:
  def group(self,record):
    result=group(record)
{retry}
    if result=='0000':
      return GroupResult(record.Index,DrgGroupStatus.FAIL.value,self.return_messages(),'0000','00','0000')
    return GroupResult(record.Index,OK,self.return_messages(),'MDC'+result[0],result[:3],result)
  def return_messages(self):
    for mdc in ['MDCA']:
      print(mdc)
"""

RETRY = """
    if result=='0000' and record.ssList and len(record.ssList)>1:
      for ss in record.ssList[1:]:
        record=record._replace(ssList=[ss])
        result=group(record)
        if result!='0000':
          break
"""


def adrg(name: str, test: str, leaves: list[tuple[str, str]], *, ending: str = "", head: str = "") -> str:
    """The text of an ADRG file: its test, its leaves as (what is asked, what is returned) and its last answer."""
    asked = "\n".join(f"    if {call}(record):\n      return '{group}'\n" for call, group in leaves)
    return (
        f"from drg_group.test_2024.Base import message,intersect,SS_VALID\n{head}\n"
        f"def group(record):\n  adrg_zd=['J18.9']\n  adrg_zd1=[]\n  adrg_ss=['33.01','33.02']\n  adrg_ss1=['34.01']\n"
        f"  dept_list=[]\n  if {test}:\n    message('符合{name}')\n\n{asked}\n    return '{ending}'\n"
        "  else:\n    return ''\n"
    )


FILES = {
    "Grouper.py": GROUPER,
    "GroupProxy.py": GROUP_PROXY,
    f"Grouper_{VARIANT}.py": GROUPER_VARIANT.format(retry=""),
    "MDC/MDCA.py": MDCA,
    "MDC/MDCE.py": MDCE,
    "ADRG/AH1.py": adrg(
        "AH1",
        "True and record.ssList and record.ssList[0] in adrg_ss1",
        [("MDCA_DRG.AH1B_group", "AH14")],
        head="from drg_group.test_2024.DRG import MDCA_DRG",
    ),
    "ADRG/EF1.py": adrg(
        "EF1",
        "True and record.ssList and record.ssList[0] in adrg_ss and record.ssList and intersect(record.ssList,adrg_ss)",
        [("MDCE_DRG.EF19_group", "EF19")],
        head="from drg_group.test_2024.DRG import MDCE_DRG",
    ),
    "ADRG/EF2.py": adrg(
        "EF2",
        "True and record.ssList and record.ssList[0] in adrg_ss and intersect(record.ssList,adrg_ss1)",
        [("MDCE_DRG.EF29_group", "EF29")],
        head="from drg_group.test_2024.DRG import MDCE_DRG",
    ),
    "ADRG/ES1.py": adrg(
        "ES1",
        "True and record.zdList[0] in adrg_zd",
        [("MDCE_DRG.ES11_group", "ES11"), ("MDCE_DRG.ES13_group", "ES13"), ("MDCE_DRG.ES15_group", "ES15")],
        head="from drg_group.test_2024.DRG import MDCE_DRG",
    ),
    "DRG/MDCA_DRG.py": "def AH1B_group(record):\n  return True\n",
    "DRG/MDCE_DRG.py": MDCE_DRG,
    "DATA/MCC.dat": "J96.0 1\nA41.9 2\n",
    "DATA/CC.dat": "E11.9 3\n",
    "DATA/CCE.dat": "J18.9 1\nK80.2 \n",
    "DATA/SS_VALID.dat": "33.01 肺叶切除\n34.01 移植\n",
    "DATA/DRG.dat": "ES11 肺炎，伴严重并发症\nES13 肺炎，伴并发症\nES15 肺炎，不伴\nAH14 移植\nEF19 手术\n",
    "ICD/ZD_INFO.dat": "J18.9 肺炎\n",
    "ICD/SS_INFO.dat": "33.01 肺叶切除\n",
    "ICD/ZD_MAP.dat": "J18.901 J18.9\nJ18.9 J18.9\nB06.8  B06.801+J17.1*\n",
    "ICD/SS_MAP.dat": "33.01 33.01\n",
}


def checkout(root: Path, files: dict[str, str | None] | None = None, variant: str = VARIANT) -> Path:
    """The folder of a variant below `root`; a file given as None is left out."""
    folder = root / "OpenDRG" / "drg_group" / variant
    for name in ("MDC", "ADRG", "DRG", "DRG_EX"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for path, text in {**FILES, **(files or {})}.items():
        if text is not None:
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    return folder
