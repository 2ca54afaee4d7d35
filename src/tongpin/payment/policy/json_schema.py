"""The JSON Schema 编辑器用的格式说明 of `policy.yaml`: generated from the vocabulary, so that it names what is read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

from tongpin.payment.policy.vocabulary import DIMENSIONS, KNOWN, UNIT_LABELS, Basis

if TYPE_CHECKING:
    from tongpin.payment.policy.vocabulary import Known

_TEXT = {"type": "string", "minLength": 1}
_FLAG = {"type": "boolean"}
_DATE = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
_REFERENCE = {
    "type": "object",
    "properties": {"title": _TEXT, "clause": {"type": "string"}},
    "required": ["title"],
    "additionalProperties": False,
}
_REFERENCED = {"$ref": "#/$defs/reference"}
_SOURCE = {"assumed": _FLAG, "reference": _REFERENCED, "note": {"type": "string"}}
_NUMBER = {"type": "number", "minimum": 0}
_WHOLE = {"type": "integer", "minimum": 0}


def schema_text() -> str:
    """The schema as the file that editors read."""
    return json.dumps(policy_schema(), ensure_ascii=False, indent=1) + "\n"


def policy_schema() -> dict[str, Any]:
    """The schema (draft 2020-12) as plain data: every key, unit, dimension and option of the vocabulary."""
    choice = _closed({"label": {"type": "string"}, "value": _TEXT, **_SOURCE}, "label", "value")
    basis = _closed(
        {"label": {"type": "string"}, "value": {"enum": list(get_args(Basis))}, **_SOURCE}, "label", "value"
    )
    weights = _closed({"label": {"type": "string"}, "file": _TEXT, **_SOURCE}, "label", "file")
    bases = ("edition_by", "period_by", "year_by")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "同频付费办法 policy.yaml",
        "$defs": {"reference": _REFERENCE, "references": _by_date(_REFERENCED)},
        **_closed(
            {
                "id": {"type": "string", "pattern": "^[^/]+/[^/]+$"},
                "label": _TEXT,
                "area": _TEXT,
                "draft": _FLAG,
                "until": _DATE,
                "scheme": choice,
                **dict.fromkeys(bases, basis),
                "weights": weights,
                "parameters": {
                    **_closed({key: _parameter(known) for key, known in KNOWN.items()}),
                    "minProperties": 1,
                },
            },
            *("id", "label", "area", "scheme", *bases, "parameters"),
        ),
    }


def _closed(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    """An object that refuses unknown keys."""
    closed: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        closed["required"] = list(required)
    return closed


def _parameter(known: Known) -> dict[str, Any]:
    by = "、".join(f"{name} {DIMENSIONS[name].label}" for name in known.by) or "不分维度"
    options = "；选项：" + "、".join(f"{key} {label}" for key, label in known.options.items()) if known.options else ""
    shape = _closed(
        {
            "label": _TEXT,
            "unit": {"const": known.unit},
            "by": {"type": "array", "items": {"enum": list(known.by)}, "uniqueItems": True}
            if known.by
            else {"type": "array", "maxItems": 0},
            "values": _by_date(_tree(_leaf(known), len(known.by))),
            "reference": {"$ref": "#/$defs/references"},
            "checked_on": _DATE,
            "assumed": _FLAG,
            "note": {"type": "string"},
        },
        *("label", "unit", "values"),
    )
    return {"description": f"{known.label}：{UNIT_LABELS[known.unit]}；{by}{options}", **shape}


def _by_date(inner: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "propertyNames": {"pattern": _DATE["pattern"]},
        "additionalProperties": inner,
        "minProperties": 1,
    }


def _tree(leaf: dict[str, Any], depth: int) -> dict[str, Any]:
    """A leaf, or leaves by up to `depth` dimensions."""
    if not depth:
        return leaf
    branch = {"type": "object", "additionalProperties": _tree(leaf, depth - 1), "minProperties": 1}
    return {"anyOf": [leaf, branch]}


def _leaf(known: Known) -> dict[str, Any]:
    if known.unit == "bands":
        value = {"enum": list(known.options)} if known.options else _NUMBER
        return {"type": "array", "minItems": 1, "items": _closed({"from": _NUMBER, "value": value}, "from", "value")}
    if known.unit == "choice":
        return {"enum": list(known.options)}
    if known.unit == "codes":
        code = {"enum": list(known.options)} if known.options else {"type": "string"}
        return {"type": "array", "items": code, "uniqueItems": True}
    if known.above_zero:
        kind = "integer" if known.unit in {"fen", "count"} else "number"
        return {"type": kind, "exclusiveMinimum": 0}
    leaves: dict[str, dict[str, Any]] = {
        "ratio": _NUMBER,
        "weight": _NUMBER,
        "fen": _WHOLE,
        "day": {"type": "integer", "minimum": 1, "maximum": 31},
        "count": _WHOLE,
        "flag": _FLAG,
        "text": {"type": ["string", "integer"]},
        "month_day": {"type": "string", "pattern": r"^\d{2}-\d{2}$"},
    }
    return leaves[known.unit]
