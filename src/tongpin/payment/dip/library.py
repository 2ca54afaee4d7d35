"""The catalogue library 病种目录库: the DIP catalogues of a home, one folder each under the id that editions name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tongpin.base.errors import PolicyError
from tongpin.grouping.library import scheme_folders
from tongpin.payment.dip.catalogue import Catalogue, load_catalogue

if TYPE_CHECKING:
    from tongpin.store.home import Home

CATALOGUES = "catalogues"
"""The folder of a home that holds them."""


def catalogue_folders(home: Home) -> dict[str, Path]:
    """Every catalogue of a home by id, sorted."""
    return {path.parent.name: path.parent for path in sorted((home.root / CATALOGUES).glob("*/catalogue.csv"))}


def open_catalogue(home: Home, catalogue_id: str) -> Catalogue:
    """The catalogue of an id; PolicyError `dip.absent` names those at hand, `dip.id` one that calls itself otherwise.

    Its tables are read and checked as `load_catalogue` does.
    """
    folders = catalogue_folders(home)
    if catalogue_id not in folders:
        raise PolicyError(
            "dip.absent",
            f"工作目录里没有病种目录 {catalogue_id}",
            where=str(home.root / CATALOGUES),
            hint=f"已有：{'、'.join(folders) or '无'}；用 tongpin dip build --id {catalogue_id} 编制",
        )
    found = load_catalogue(folders[catalogue_id])
    if found.id != catalogue_id:
        raise PolicyError(
            "dip.id",
            f"文件夹是 {catalogue_id}，目录里写的 id 是 {found.id}",
            where=str(folders[catalogue_id] / "catalogue.csv"),
            hint="两处写成一样",
        )
    return found


def own_folder(home: Home, catalogue_id: str) -> Path:
    """Where a home keeps the catalogue of an id; `dip.id` for an id that is no folder name or that a scheme has."""
    if not catalogue_id.replace("-", "").replace("_", "").replace(".", "").isalnum() or catalogue_id.startswith("."):
        hint = "只用字母、数字、点、横线和下划线，例如 my-city-dip-2025"
        raise PolicyError("dip.id", f"目录代号不能是“{catalogue_id}”", where="--id", hint=hint)
    if catalogue_id in scheme_folders(home):
        raise PolicyError(
            "dip.id",
            f"{catalogue_id} 已是一套分组方案的代号",
            where="--id",
            hint="换一个代号：付费办法按它选方案或目录",
        )
    return home.root / CATALOGUES / catalogue_id


def named_catalogue(home: Home, name: str) -> Catalogue:
    """The catalogue that a name means: a folder that holds one, else the id of one of the home (`dip.absent`)."""
    folder = Path(name)
    return load_catalogue(folder) if (folder / "catalogue.csv").is_file() else open_catalogue(home, name)
