"""Faults of money 金额差错: fees and payers that cannot be, or do not sum."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tongpin.base.money import FEN_PER_YUAN, parse_yuan
from tongpin.demo.faults.registry import Material, Message, fault

CLASSES = ("claa_sumfee", "clab_amt", "fulamt_ownpay_amt", "oth_amt")
SLIP = 10


def _text(fen: int) -> str:
    return f"{Decimal(fen) / FEN_PER_YUAN:.2f}"


def _raise(node: dict[str, Any], field: str, fen: int) -> None:
    node[field] = _text(parse_yuan(node[field]) + fen)


@fault("negative_fee", "费用为负", breaks="REC-F001")
def negative_fee(message: Message, material: Material) -> Message | None:
    """A fee item with a minus, as a cancelled charge."""
    item = message["iteminfo"][int(material.rng.integers(len(message["iteminfo"])))]
    amount = parse_yuan(item["amt"])
    if amount <= 0:
        return None
    item["amt"] = _text(-amount)
    return message


@fault("payers_off", "付费方合计不等于总费用", breaks="REC-S001")
def payers_off(message: Message, material: Material) -> Message | None:
    """A payer short of some yuan."""
    payer = message["payinfo"][0]
    short = int(material.rng.integers(1, 50)) * FEN_PER_YUAN
    if parse_yuan(payer["fund_payamt"]) <= short:
        return None
    _raise(payer, "fund_payamt", -short)
    return message


@fault("classes_off", "收费项目的类别合计不符", breaks="REC-S004", returned=False)
def classes_off(message: Message, material: Material) -> Message | None:
    """甲乙丙自费 of an item do not sum to it."""
    item = message["iteminfo"][int(material.rng.integers(len(message["iteminfo"])))]
    for field in CLASSES:
        if parse_yuan(item[field] or "0") > FEN_PER_YUAN:
            _raise(item, field, -FEN_PER_YUAN)
            return message
    return None


@fault("decimal_slip", "费用小数点错位", breaks="REC-S005")
def decimal_slip(message: Message, _material: Material) -> Message | None:
    """The dearest item ten times as dear, and the patient's share with it."""
    item = max(message["iteminfo"], key=lambda one: parse_yuan(one["amt"]))
    more = parse_yuan(item["amt"]) * (SLIP - 1)
    if more <= 0:
        return None
    for field in ("amt", *CLASSES):
        item[field] = _text(parse_yuan(item[field] or "0") * SLIP)
    for field in ("psn_selfpay", "psn_cashpay"):
        _raise(message["setlinfo"], field, more)
    return message
