"""A small scheme in a folder, which tests read, break and group with."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the tests may import the samples beside them

TABLES = {
    "scheme.csv": "key,value\nscheme_id,small\ntitle,小方案\nsource,测试\nadrg_without_leaf,next\n",
    "mdc.csv": (
        "seq,mdc,name,when,min_sites\n"
        "1,MDCP,新生儿,dx_main:MDCP.dx & age==0,0\n"
        "2,MDCZ,多发创伤,dx_main:MDCZ.dx,2\n"
        "3,MDCE,呼吸,dx_main:MDCE.dx,0\n"
        "4,MDCH,肝胆,dx_main:MDCH.dx,0\n"
    ),
    "adrg.csv": (
        "seq,mdc,kind,adrg,rule,name,when\n"
        "1,MDCP,adrg,PS1,PS1,早产,dx_any:PS1.dx & birth_weight>0 & birth_weight<1500 & age_days<=28\n"
        "2,MDCP,adrg,PV1,PV1,其他婴儿,always\n"
        "1,MDCZ,adrg,ZZ1,ZZ1,无手术,!px_any:valid_px\n"
        "1,MDCE,adrg,EC1,EC1,两次操作,px_main:EC1.px & px_other:EC1.px2\n"
        "2,MDCE,ambiguous,EQY,EQY,歧义,px_any:valid_px\n"
        "3,MDCE,adrg,ES3,ES3,肺炎,dx_main:ES3.dx\n"
        "1,MDCH,adrg,HC2,HC2,胆囊切除,px_main:HC2.px\n"
        "2,MDCH,adrg,HZ1,HZ1,其他,dx_main:MDCH.dx | dx_other:HZ1.dx\n"
    ),
    "drg.csv": (
        "mdc,adrg,rule,seq,drg,name,when\n"
        "MDCP,PS1,PS1,1,PS19,早产,always\n"
        "MDCP,PV1,PV1,1,PV19,其他婴儿,always\n"
        "MDCZ,ZZ1,ZZ1,1,ZZ19,多发创伤,always\n"
        "MDCE,EC1,EC1,1,EC19,两次操作,always\n"
        "MDCE,ES3,ES3,1,ES31,肺炎伴严重并发症,mcc\n"
        "MDCE,ES3,ES3,2,ES33,肺炎伴并发症,mcc | cc\n"
        "MDCE,ES3,ES3,3,ES37,儿童肺炎,age<17\n"
        "MDCE,ES3,ES3,4,ES35,肺炎,always\n"
        "MDCH,HC2,HC2,1,HC28,久住,los>30\n"
        "MDCH,HC2,HC2,2,HC29,胆囊切除,always\n"
        'MDCH,HZ1,HZ1,1,HZ19,其他肝胆,"discharge_way:2,5"\n'
    ),
    "drg_name.csv": "drg,name\nPS19,早产\nPV19,婴儿\nZZ19,多发创伤\nEC19,两次\nES31,重\nES33,中\nES37,儿\nES35,轻\n"
    "HC28,久\nHC29,胆\nHZ19,肝胆\n",
    "dx_list.csv": (
        "list,code\nMDCP.dx,P07.300\nPS1.dx,P07.300\nMDCZ.dx,S06.200\nMDCZ.dx,S32.000\nMDCE.dx,J18.900\nES3.dx,J18.900\n"
        "MDCH.dx,K80.200\nHZ1.dx,R17.x00\n"
    ),
    "px_list.csv": "list,code\nEC1.px,33.2400\nEC1.px2,96.7201\nHC2.px,51.2300\n",
    "site.csv": "code,site\nS06.200,头颈部创伤\nS32.000,脊柱创伤\n",
    "mcc.csv": "code,exclusion_table\nJ96.000,1\nA41.900,2\n",
    "cc.csv": "code,exclusion_table\nE11.900,3\n",
    "exclusion.csv": "code,exclusion_table\nJ18.900,1\n",
    "valid_px.csv": "code,name\n51.2300,腹腔镜下胆囊切除术\n47.0100,腹腔镜下阑尾切除术\n",
    "dx_map.csv": "code,target\nJ18.901,J18.900\nJ18.900,J18.900\n",
    "px_map.csv": "code,target\n51.2300,51.2300\n",
}


@pytest.fixture
def scheme_folder(tmp_path: Path) -> Path:
    return written(tmp_path / "small")


@pytest.fixture(scope="session")
def lasting_scheme_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same scheme for tests that only read it."""
    return written(tmp_path_factory.mktemp("schemes") / "small")


def written(folder: Path) -> Path:
    folder.mkdir()
    for name, text in TABLES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder
