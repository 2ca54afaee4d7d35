"""The tables of documents 公文的表: the document, its versions, what was done to it, what is attached."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, ForeignKey, Integer, String, Table, Text, UniqueConstraint

from tongpin.store.control import metadata

documents = Table(
    "documents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(64), nullable=False, index=True),
    Column("subject", String(256), nullable=False, index=True, comment="所办的事，例如 demo-east/2025-06"),
    Column("title", String(256), nullable=False),
    Column("institution_code", String(64), index=True, comment="哪家机构的公文；经办机构的为空"),
    Column("state", String(16), nullable=False, index=True),
    Column("step", String(32), nullable=False, comment="等谁办：步骤；办结后为空文本"),
    Column("version", Integer, nullable=False),
    Column("matrix", Text, comment="送审时定下的职责矩阵，JSON"),
    Column("digest", String(64), comment="送审时定下的内容摘要"),
    Column("created_at", DateTime, nullable=False),
    Column("changed_at", DateTime, nullable=False),
)

versions = Table(
    "document_versions",
    metadata,
    Column("document_id", ForeignKey("documents.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("title", String(256), nullable=False),
    Column("payload", Text, nullable=False, comment="JSON，键按序"),
    Column("made_by", String(64), nullable=False),
    Column("made_at", DateTime, nullable=False),
)

acts = Table(
    "document_acts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("document_id", ForeignKey("documents.id"), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("act", String(16), nullable=False),
    Column("step", String(32), nullable=False, comment="在哪一步办的"),
    Column("actor", String(64), nullable=False),
    Column("acted_as", String(64), comment="以哪个岗位"),
    Column("at", DateTime, nullable=False),
    Column("text", Text, nullable=False, comment="意见"),
    Column("digest", String(64), comment="所办内容的摘要"),
    Column("journal_number", Integer, nullable=False, comment="日志中的序号"),
)

attachments = Table(
    "document_attachments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("document_id", ForeignKey("documents.id"), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("name", String(256), nullable=False),
    Column("type", String(16), nullable=False),
    Column("size", Integer, nullable=False, comment="字节"),
    Column("digest", String(64), nullable=False),
    Column("added_by", String(64), nullable=False),
    Column("added_at", DateTime, nullable=False),
    UniqueConstraint("document_id", "digest"),
)
