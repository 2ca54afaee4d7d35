"""The tables of sign-in 登录的表: users, grants, sessions, tokens; in the control database."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, DateTime, ForeignKey, Integer, String, Table

from tongpin.store.control import metadata

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False, unique=True, comment="登录名"),
    Column("display", String(64), nullable=False, comment="姓名或岗位名"),
    Column("password_hash", String(256), comment="argon2；只用单点登录的人没有"),
    Column("must_change", Boolean, nullable=False, default=False),
    Column("single_sign_on", String(256), unique=True, comment="单点登录的主体（发行方|sub）"),
    Column("failures", Integer, nullable=False, default=0),
    Column("locked_until", DateTime),
    Column("disabled_at", DateTime),
    Column("created_at", DateTime, nullable=False),
)

grants = Table(
    "grants",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("user_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("role", String(64), nullable=False),
    Column("area", String(64), comment="统筹区，空为全部"),
    Column("hospital", String(64), comment="机构代码"),
    Column("department", String(64), comment="科室"),
    Column("doctor", String(64), comment="医师"),
    Column("cases", JSON, comment="指定的病例：结算号"),
    Column("until", DateTime, comment="到哪一天为止"),
    Column("granted_by", String(64), nullable=False),
    Column("granted_at", DateTime, nullable=False),
    Column("revoked_at", DateTime),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", String(64), primary_key=True, comment="令牌的摘要；令牌本身只在浏览器里"),
    Column("user_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("grant_id", ForeignKey("grants.id"), comment="此刻以哪个岗位行事"),
    Column("csrf", String(64), nullable=False),
    Column("created_at", DateTime, nullable=False),
    Column("seen_at", DateTime, nullable=False),
    Column("revoked_at", DateTime),
)

tokens = Table(
    "tokens",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("label", String(128), nullable=False),
    Column("user_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("grant_id", ForeignKey("grants.id"), nullable=False),
    Column("scopes", JSON, nullable=False, comment="允许的接口范围"),
    Column("per_minute", Integer, nullable=False),
    Column("created_at", DateTime, nullable=False),
    Column("expires_at", DateTime, nullable=False),
    Column("revoked_at", DateTime),
)

repeats = Table(
    "repeats",
    metadata,
    Column("key", String(128), primary_key=True, comment="Idempotency-Key"),
    Column("token", String(64), primary_key=True),
    Column("path", String(256), nullable=False),
    Column("body_digest", String(64), nullable=False),
    Column("status", Integer, comment="空为还在处理"),
    Column("answer", JSON),
    Column("at", DateTime, nullable=False),
)
