"""How personal columns appear to readers: dropped, hashed with the home's key, or in bands. Raw text is withheld."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from ecom_assets.contracts import Column, Contract
from ecom_assets.quality.hashing import quoted
from ecom_assets.settings import Home, SettingsError

_BLOCK = 64  # bytes of a SHA-256 block
_BAND = 10  # years of birth and other numbers are shown by the start of their decade


@dataclass(frozen=True)
class HashKey:
    """The two padded keys of HMAC-SHA256 (RFC 2104), bound to SQL as parameters so that no file holds them."""

    inner: bytes
    outer: bytes

    @classmethod
    def of(cls, secret: bytes) -> "HashKey":
        """The padded keys of `secret`."""
        import hashlib

        block = (hashlib.sha256(secret).digest() if len(secret) > _BLOCK else secret).ljust(_BLOCK, b"\0")
        return cls(bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block))

    def digest(self, text: str) -> str:
        """HMAC-SHA256 of `text`, in hexadecimal."""
        import hashlib

        inner = hashlib.sha256(self.inner + text.encode()).digest()
        return hashlib.sha256(self.outer + inner).hexdigest()

    def bound(self, shown: list[str]) -> dict[str, bytes] | None:
        """The parameters that these select-list items of `published_columns` name; None where they name none."""
        return {"inner": self.inner, "outer": self.outer} if any("$inner" in item for item in shown) else None


def hash_key(home: Home) -> HashKey:
    """The key of this home: `ECOM_HASH_KEY`, else home/secret.key, which is made when it is missing.

    Raises:
        SettingsError: where the key in the environment is shorter than 16 characters.
    """
    stated = os.environ.get("ECOM_HASH_KEY")
    if stated:
        if len(stated) < 16:
            raise SettingsError(f"ECOM_HASH_KEY: needs at least 16 characters, found {len(stated)}")
        return HashKey.of(stated.encode())
    return HashKey.of(_kept_secret(home.root / "secret.key"))


def _kept_secret(path: Path) -> bytes:
    if not path.exists():
        half = path.with_suffix(".new")
        half.unlink(missing_ok=True)
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(secrets.token_hex(32))
            stream.flush()
            os.fsync(stream.fileno())
        half.replace(path)
    return path.read_bytes().strip()


def published_columns(contract: Contract, columns: list[str]) -> list[str]:
    """Select-list items that show the table's columns to readers; `$inner` and `$outer` are the padded keys."""
    shown = []
    for name in columns:
        column = contract.by_name.get(name)
        kind = column.personal if column else None
        if column is not None and column.source_of:
            kind = contract.by_name[column.source_of].personal  # an original tells what its replacement hides
        if kind == "keyed_hash":
            shown.append(f"{_keyed_hash(name)} as {quoted(name)}")
        elif kind == "band" and column is not None:
            shown.append(f"{_band(column)} as {quoted(name)}")
        elif kind != "drop":
            shown.append(quoted(name))
    return shown


def _keyed_hash(name: str) -> str:
    inner = f"unhex(sha256($inner::blob || encode({quoted(name)}::varchar)))"
    return f"sha256($outer::blob || {inner})"


def _band(column: Column) -> str:
    name = quoted(column.name)
    if column.type in ("date", "timestamp"):
        return f"date_trunc('year', {name})::{column.sql_type}"
    if column.type == "text":
        return f"left({name}, 1)"
    return f"(floor({name} / {_BAND}) * {_BAND})::{column.sql_type}"


def personal_names(contract: Contract) -> set[str]:
    """Names of the contract's personal columns."""
    return {column.name for column in contract.columns if column.personal}
