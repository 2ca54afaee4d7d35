"""The tables of the cockpit 驾驶舱的表: alerts, what each desk said to them, chosen indicators."""

from __future__ import annotations

from sqlalchemy import JSON, Column, DateTime, ForeignKey, Integer, String, Table, UniqueConstraint

from tongpin.store.control import metadata

alerts = Table(
    "alerts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("area", String(64), nullable=False),
    Column("month", String(7), nullable=False),
    Column("rule", String(64), nullable=False, comment="catalogue/workbench/alerts.yaml"),
    Column("subject", String(128), nullable=False, comment="机构，或机构/科室"),
    Column("hospital", String(64), nullable=False),
    Column("department", String(64)),
    Column("details", JSON, nullable=False, comment="当时的数：值、界限、例数、说明"),
    Column("raised_at", DateTime, nullable=False, comment="世界时"),
    UniqueConstraint("area", "month", "rule", "subject"),
)

alert_answers = Table(
    "alert_answers",
    metadata,
    Column("alert_id", ForeignKey("alerts.id"), primary_key=True),
    Column("desk", String(16), primary_key=True, comment="bureau、hospital"),
    Column("name", String(64), nullable=False, comment="登录名"),
    Column("acted_as", String(64), nullable=False),
    Column("comment", String(500), nullable=False),
    Column("at", DateTime, nullable=False, comment="世界时"),
)

cockpit_choices = Table(
    "cockpit_choices",
    metadata,
    Column("user_id", ForeignKey("users.id"), primary_key=True),
    Column("measures", JSON, nullable=False, comment="驾驶舱自选的指标"),
    Column("at", DateTime, nullable=False),
)
