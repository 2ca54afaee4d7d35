"""Seal 封存: what names a patient, encrypted row by row; only the home's patient key opens it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tongpin.base.errors import StoreError

if TYPE_CHECKING:
    from tongpin.store.home import Home

_PURPOSE = b"tongpin person"
_KEY_BYTES = 64


def _cipher(key: bytes) -> AESSIV:
    return AESSIV(HKDF(SHA256(), _KEY_BYTES, None, _PURPOSE).derive(key))


def seal(rows: pa.Table, key: bytes) -> pa.Array:
    """Each row as one sealed value (binary), null where the row says nothing; equal rows give equal values.

    AES-SIV under a key derived from `key`: deterministic, so that an unchanged row stays an unchanged row.
    """
    cipher = _cipher(key)
    sealed = []
    for row in rows.to_pylist():
        said = {name: value for name, value in row.items() if value is not None}
        plain = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
        sealed.append(cipher.encrypt(plain, [_PURPOSE]) if said else None)
    return pa.array(sealed, pa.binary())


def unseal(home: Home, sealed: pa.Array | pa.ChunkedArray) -> pa.Table:
    """The rows behind sealed values as texts, one column for every field that any of them names.

    Raises StoreError `store.seal` when a value was not sealed with this home's key.
    """
    cipher = _cipher(home.patient_key())
    rows = []
    for one in sealed.to_pylist():
        try:
            rows.append({} if one is None else orjson.loads(cipher.decrypt(one, [_PURPOSE])))
        except InvalidTag:
            raise StoreError(
                "store.seal", "封存的个人信息打不开：不是用这个工作目录的密钥封存的", hint="从备份恢复 patient.key"
            ) from None
    names = sorted({name for row in rows for name in row})
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, pa.string()) for name in names]))
