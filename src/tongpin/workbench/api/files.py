"""Files 上传文件: a file sent, how far its loading is, what it came to and what to mend."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, UploadFile
from fastapi import Path as PathPart
from pydantic import BaseModel

from tongpin.base.errors import TongpinError
from tongpin.base.findings import RESULT_LABELS, SEVERITY_LABELS
from tongpin.records.intake.kinds import known_kinds, label_of
from tongpin.store import journal
from tongpin.workbench import uploads
from tongpin.workbench.api.asking import Bench, needs
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.sign_in.identity import Identity
from tongpin.workbench.sign_in.roles import settings_of

router = APIRouter(prefix="/files", tags=["上传"], responses=REFUSALS)
Sender = Annotated[Identity, Depends(needs("files.upload"))]
COUNTS = {
    "records": "记录",
    "new": "新增",
    "changed": "更新",
    "older": "旧版",
    "unchanged": "未变",
    "rejected": "拒收",
    "repeated": "重复",
}
_SHOWN = 20


class KindLoaded(BaseModel):
    """What became of the records of one kind; records = new + changed + older + unchanged + rejected + repeated."""

    kind: str
    label: str
    reason: str
    records: int
    new: int
    changed: int
    older: int
    unchanged: int
    rejected: int
    repeated: int


class FoundLoading(BaseModel):
    """A finding of a load."""

    rule_id: str
    severity: str
    severity_label: str
    file: str
    record: int
    path: str
    value: str
    message: str
    hint: str
    spoils: list[str]


class Refused(BaseModel):
    """Why nothing was loaded."""

    code: str
    message: str
    hint: str


class UploadShown(BaseModel):
    """An upload: how far it is, and once done what it came to."""

    id: str
    file: str
    at: str
    state: str
    state_label: str
    step: str
    done: int
    total: int
    load: int | None
    kinds: list[KindLoaded]
    completed: int
    mended: int
    finding_count: int
    findings: list[FoundLoading]
    refused: Refused | None


class KindOffered(BaseModel):
    """A kind of file that the desk may send."""

    id: str
    label: str


class Offer(BaseModel):
    """What the desk may send: kinds, the largest file, whose rows."""

    kinds: list[KindOffered]
    most_mb: int
    institutions: list[str] | None


@router.get("/offer", summary="可以上传什么")
def files_offer(asker: Sender, bench: Bench) -> Offer:
    """The kinds of files and whose rows the desk may send."""
    only = uploads.allowed(asker)
    kinds = known_kinds() if only is None else [kind for kind in known_kinds() if kind in only.kinds]
    return Offer(
        kinds=[KindOffered(id=kind, label=label_of(kind)) for kind in kinds],
        most_mb=settings_of(bench.home)["upload.most_mb"],
        institutions=None if only is None else sorted(only.institutions),
    )


@router.post("", status_code=202, summary="上传一个文件（清单、首页、明细……，可压缩）")
def send_file(
    asker: Sender,
    bench: Bench,
    file: Annotated[UploadFile, File(description="JSON、CSV、xlsx、Parquet，或它们的 zip、gz")],
    kind: Annotated[str, Form(description="种类；空着由内容判断")] = "",
) -> UploadShown:
    """Take a file and load it in its turn; a hospital brings rows of its own only, or nothing is loaded.

    Errors: `upload.size`, `upload.kind`. What the file holds is told by its state.
    """
    most = settings_of(bench.home)["upload.most_mb"]
    if (file.size or 0) > most << 20:
        raise TongpinError("upload.size", f"文件超过 {most} MB", where="file", hint="分成几个文件")
    if kind and kind not in known_kinds():
        raise TongpinError("upload.kind", f"没有文件种类 {kind}", where="kind", hint="、".join(known_kinds()))

    def put(path: Path) -> None:
        with path.open("wb") as target:
            shutil.copyfileobj(file.file, target, 1 << 20)

    upload = uploads.begin(bench.home, asker, file.filename or "upload", put, kind or None)
    with bench.engine.begin() as connection:
        journal.record(
            connection,
            actor=asker.name,
            acted_as=asker.role.id,
            act="files.upload",
            subject=f"upload/{upload.id}",
            details={"file": upload.file, "bytes": file.size or 0, "kind": kind},
        )
    return shown(upload)


@router.get("", summary="最近的上传")
def sent_files(asker: Sender, bench: Bench) -> list[UploadShown]:
    """The latest uploads of the asker and its hospital, newest first."""
    return [shown(one) for one in uploads.uploads_of(bench.home, asker, _SHOWN)]


@router.get("/{upload_id}", summary="一次上传的进度与结果")
def sent_file(upload_id: Annotated[str, PathPart(max_length=64)], asker: Sender, bench: Bench) -> UploadShown:
    """How far an upload is; once done, counts and findings."""
    return shown(uploads.upload_of(bench.home, upload_id, asker))


def shown(upload: uploads.Upload) -> UploadShown:
    """An upload as the page shows it."""
    report = upload.report
    error: dict[str, Any] = upload.error
    return UploadShown(
        **{name: getattr(upload, name) for name in ("id", "file", "at", "state", "step", "done", "total")},
        state_label=uploads.STATE_LABELS[upload.state],
        load=report.get("load"),
        kinds=[
            KindLoaded(kind=kind, label=label_of(kind), reason=one["reason"], **{name: one[name] for name in COUNTS})
            for kind, one in report.get("kinds", {}).items()
        ],
        completed=report.get("completed", 0),
        mended=report.get("mended", 0),
        finding_count=report.get("finding_count", 0),
        findings=[_found(one) for one in report.get("findings", [])],
        refused=Refused(code=error["code"], message=error["message"], hint=error["hint"]) if error else None,
    )


def _found(one: dict[str, Any]) -> FoundLoading:
    names = ("rule_id", "severity", "path", "value", "message", "hint", "file", "record")
    return FoundLoading(
        **{name: one[name] for name in names},
        severity_label=SEVERITY_LABELS[one["severity"]],
        spoils=[RESULT_LABELS.get(name, name) for name in one["spoils"]],
    )
