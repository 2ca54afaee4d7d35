"""OpenDRG's body sites 多发创伤部位: the headings in the list of MDCZ and the count a case needs."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from tongpin.grouping.importers.opendrg.source import Codes, Refused, Variables, assigned, returns_nothing, statements

_SITE_MARK = "创伤"
"""The ending by which the source tells a heading (body site) from a code."""
SITE_STATEMENTS = 6
"""The statements that count body sites."""


@dataclass(frozen=True, slots=True)
class Sites:
    """The site of each code, the last of its headings, and how many different ones a case needs."""

    of_code: dict[str, str]
    least: int
    line: int


def starts_site_block(block: list[ast.stmt]) -> bool:
    """Whether the statements begin the counting of sites."""
    first = block[0] if len(block) >= SITE_STATEMENTS else None
    return isinstance(first, ast.Assign) and ast.unparse(first.value) == "{}"


def read_sites(block: list[ast.stmt], variables: Variables) -> Sites:
    """The sites of a list, whose headings are taken out of it; raises `Refused`."""
    name, least = _site_block(block)
    if name not in variables.lists:
        raise Refused(block[2], f"没有定义的名称 {name}", "在这个函数的开头写出这个清单")
    codes = variables.lists[name]
    of_code: dict[str, str] = {}
    heading = ""
    for code in codes.codes:
        if code.endswith(_SITE_MARK):
            heading = code
        else:
            of_code[code] = heading
    variables.lists[name] = Codes(tuple(of_code), codes.suffix, codes.line)
    return Sites(of_code, least, codes.line)


def _site_block(block: list[ast.stmt]) -> tuple[str, int]:
    """The list whose headings are body sites, and how many sites a case needs; raises `Refused`."""
    refused = Refused(block[0], "不认识的部位判断", "应按清单里的部位标题归类，再数诊断涉及几个部位")
    first, second, loop, matched, counted, check = block
    loop_text = re.fullmatch(
        rf"for (\w+) in (\w+):\n    if \1\.endswith\('{_SITE_MARK}'\):\n        (\w+) = \1\n"
        r"    else:\n        (\w+)\[\1\] = \3",
        ast.unparse(loop),
    )
    if not loop_text or not isinstance(check, ast.If) or not isinstance(matched, ast.Assign):
        raise refused
    _, codes, heading, sites = loop_text.groups()
    if not isinstance(counted, ast.Assign):
        raise refused
    found, kinds = assigned(matched)[0], assigned(counted)[0]
    inner = statements(check.body)
    least = re.fullmatch(rf"if len\({kinds}\) < (\d+):\n    return ''", "\n".join(_quiet(each) for each in inner))
    expected = {
        ast.unparse(first): f"{sites} = {{}}",
        ast.unparse(second): f"{heading} = ''",
        ast.unparse(matched.value): f"set(record.zdList).intersection({sites}.keys())",
        ast.unparse(check.test): found,
    }
    each_site = re.fullmatch(rf"set\(\[{sites}\.get\((\w+)\) for \1 in {found}\]\)", ast.unparse(counted.value))
    if not least or not each_site or any(said != meant for said, meant in expected.items()):
        raise refused
    if not check.orelse or not returns_nothing(check.orelse):
        raise refused
    return codes, int(least[1])


def _quiet(statement: ast.stmt) -> str:
    """A statement as text, without the messages of its body."""
    if not isinstance(statement, ast.If):
        return ast.unparse(statement)
    return ast.unparse(ast.If(statement.test, statements(statement.body), statements(statement.orelse)))
