"""The same expressions on a local Spark session: 20,000 cases, the same sums to the last unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tongpin.bench.measures import GRAIN, formed_of, with_records
from tongpin.bench.pricing import draw_cases, hospitals
from tongpin.measures.benchmark import group_deaths, group_means, risk_levels
from tongpin.measures.compute import compute
from tongpin.measures.engine import sum_facts
from tongpin.payment.policy.library import shipped_policies
from tongpin.payment.policy.policy import Policy
from tongpin.payment.pricing.price import price

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

CASES = 20_000
pytestmark = [
    pytest.mark.needs("java"),
    # What the Java bridge itself warns of or leaves open is not ours.
    pytest.mark.filterwarnings("default::ResourceWarning", "default::DeprecationWarning", "default::UserWarning"),
]


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[2]")
        .appName("tongpin")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.execution.arrow.pyspark.enabled", "true")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.codegen.wholeStage", "false")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture(scope="module")
def cases() -> pa.Table:
    policy = Policy.load(shipped_policies() / "demo-east" / "2025")
    priced = price(draw_cases(policy, CASES), policy, hospitals())
    return with_records(priced).drop_columns(["settlement_date", "discharge_time"])


@pytest.fixture(scope="module")
def against(cases: pa.Table) -> dict[str, Any]:
    means = group_means(cases)
    return {"benchmark": means, "regional": means, "risk": risk_levels(group_deaths(cases))}


@pytest.mark.parametrize("by", [GRAIN, ()], ids=["finest", "whole"])
def test_spark_gives_the_sums_that_duckdb_gives(
    spark: Any, cases: pa.Table, against: dict[str, Any], by: tuple[str, ...]
) -> None:
    here = sum_facts(cases, by, **against)
    others = {name: spark.createDataFrame(table) for name, table in against.items()}
    there = sum_facts(spark.createDataFrame(cases), by, **others)
    assert there.column_names == here.column_names
    assert there.to_pylist() == here.to_pylist()
    assert sum(here["case_count"].to_pylist()) == CASES
    assert len(here.column_names) > 60


def test_the_measures_formed_of_either_are_the_same(spark: Any, cases: pa.Table, against: dict[str, Any]) -> None:
    others = {name: spark.createDataFrame(table) for name, table in against.items()}
    by = ("institution_code", "month")
    here, there = sum_facts(cases, by, **against), sum_facts(spark.createDataFrame(cases), by, **others)
    measures = formed_of(here)
    assert len(measures) > 50
    assert compute(there, measures, by).to_pylist() == compute(here, measures, by).to_pylist()
