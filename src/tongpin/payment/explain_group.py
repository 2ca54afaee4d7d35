"""Explain a group 说清入组: how the case behind a posted line came into its group, and why not into another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.grouping.explain import explain, explain_lines, why_not
from tongpin.grouping.library import open_scheme
from tongpin.grouping.tables.interpreter import Case
from tongpin.payment.dip.auxiliary_told import auxiliary_lines, case_auxiliary
from tongpin.payment.dip.library import open_catalogue
from tongpin.payment.dip.trace import asked_of, trace_of
from tongpin.payment.month.statement_columns import DIP, method_of_manifest
from tongpin.payment.policy.library import policy_named
from tongpin.payment.policy.period import case_day

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tongpin.grouping.explain import Explanation, WhyNot
    from tongpin.store.home import Home


class Way(NamedTuple):
    """How cases came into their group: digest of what grouped them, the paths, as data and texts, and the why-nots."""

    digest: str
    paths: list[Explanation]
    data: list[dict[str, Any]]
    texts: list[str]
    whys: list[WhyNot]


def way_of(home: Home, closing: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], others: Sequence[str]) -> Way:
    """The way of each row by the scheme, or the catalogue, that the month was closed with (`closing`, its manifest)."""
    if method_of_manifest(closing) == DIP:
        catalogue = open_catalogue(home, closing["scheme"])
        traces = [trace_of(row, catalogue) for row in rows]
        asked = [asked_of(row, catalogue, others) for row in rows]
        paths = [explain(*pair) for pair in asked]
        data = [trace._asdict() for trace in traces]
        policy = policy_named(home, closing["policy"])
        told = [
            case_auxiliary(row, trace.disease, catalogue, policy, case_day(dict(row), policy.edition.edition_by.value))
            for row, trace in zip(rows, traces, strict=True)
        ]
        data = [{**one, "auxiliary": [aux._asdict() for aux in own]} for one, own in zip(data, told, strict=True)]
        texts = [
            "\n".join([*trace.lines(), *auxiliary_lines(own, policy)]) for trace, own in zip(traces, told, strict=True)
        ]
        whys = [why_not(*pair, other) for pair in asked for other in others]
        return Way(catalogue.digest, paths, data, texts, whys)
    scheme = open_scheme(home, closing["scheme"])
    cases = [Case.of(row) for row in rows]
    paths = [explain(scheme, case) for case in cases]
    whys = [why_not(scheme, case, other) for case in cases for other in others]
    data = [path.as_dict() for path in paths]
    return Way(scheme.digest, paths, data, ["\n".join(explain_lines(path)) for path in paths], whys)
