"""Words 措辞: amounts, rates and months as Chinese readers expect them on paper."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from tongpin.base.money import FEN_PER_YUAN, round_half_up, wan, yuan

MINUS = "\u2212"
MISSING = "—"
"""What stands where a figure cannot be formed: a dash, never a zero."""

_FEN_PER_YI_HUNDREDTH = 100 * 1_000_000
_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_SECTIONS = ("", "万", "亿")
_SECTION = 10_000


def _minus(text: str) -> str:
    return text.replace("-", MINUS)


def _fixed(value: float, digits: int) -> str:
    exact = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return f"{exact + 0:,.{digits}f}"


def yuan_text(fen: int | None) -> str:
    """Fen as yuan: `−1,234.56`."""
    return MISSING if fen is None else _minus(yuan(fen))


def wan_text(fen: int | None) -> str:
    """Fen as 万元 with two decimals: `12.35`."""
    return MISSING if fen is None else _minus(wan(fen))


def yi_text(fen: int | None) -> str:
    """Fen as 亿元 with two decimals: `4.17`."""
    if fen is None:
        return MISSING
    return _minus(f"{Decimal(round_half_up(fen, _FEN_PER_YI_HUNDREDTH)) / 100:,.2f}")


def count_text(count: int | None) -> str:
    """A count with thousands separators."""
    return MISSING if count is None else _minus(f"{count:,}")


def number_text(value: float | None, digits: int = 2) -> str:
    """A plain number, halves rounded up, with so many decimals."""
    return MISSING if value is None else _minus(_fixed(value, digits))


def percent_text(value: float | None) -> str:
    """A rate 0–1 as `97.56%`."""
    return MISSING if value is None else f"{_minus(_fixed(value * 100, 2))}%"


def points_text(value: float | None) -> str:
    """A difference of rates in 百分点, always with its sign: `+1.20`."""
    if value is None:
        return MISSING
    text = _fixed(value * 100, 2)
    return _minus(text) if text.startswith("-") or not float(text) else f"+{text}"


def month_text(month: str) -> str:
    """`2025-06` as `2025年6月`."""
    year, number = month.split("-")
    return f"{year}年{int(number)}月"


def capital_amount(fen: int) -> str:
    """大写金额: fen as written on a voucher, `壹万贰仟叁佰肆拾伍元陆角柒分`; below one 万亿 yuan, else ValueError."""
    if abs(fen) >= FEN_PER_YUAN * 10**12:
        raise ValueError("an amount for a voucher is below 10**12 yuan")
    if fen == 0:
        return "零元整"
    sign, size = ("负", -fen) if fen < 0 else ("", fen)
    whole, rest = divmod(size, FEN_PER_YUAN)
    jiao, hundredth = divmod(rest, 10)
    text = f"{_capital_whole(whole)}元" if whole else ""
    if not rest:
        return f"{sign}{text}整"
    text += f"{_DIGITS[jiao]}角" if jiao else ("零" if whole else "")
    text += f"{_DIGITS[hundredth]}分" if hundredth else "整"
    return sign + text


def _capital_whole(number: int) -> str:
    text, section, gap = "", 0, False
    while number:
        number, part = divmod(number, _SECTION)
        if part:
            piece = _capital_section(part) + _SECTIONS[section]
            text = piece + ("零" if gap and text else "") + text
            gap = part < _SECTION // 10
        else:
            gap = bool(text)
        section += 1
    return text


def _capital_section(part: int) -> str:
    text = ""
    for place in range(3, -1, -1):
        digit = part // 10**place % 10
        if digit:
            text += _DIGITS[digit] + _PLACES[place]
        elif text and part % 10**place and not text.endswith("零"):
            text += "零"
    return text
