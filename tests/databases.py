"""The two databases that everything kept is tested with: SQLite, and PostgreSQL if one answers."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

KINDS = ["sqlite", "postgres"]
SERVER = os.environ.get("SOFTFACTORY_TEST_DATABASE_URL", "postgresql://127.0.0.1/test")
"""A database in which the tests may make schemas of their own."""


@contextmanager
def database_of(kind: str, folder: Path) -> Iterator[Path | str]:
    """A file of SQLite, or the URL of an empty schema; without a server the test is skipped."""
    if kind == "sqlite":
        yield folder / "softfactory.db"
        return
    schema = f"softfactory_{secrets.token_hex(6)}"
    try:
        server = psycopg.connect(SERVER, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        pytest.skip(f"NO POSTGRESQL at {SERVER!r}, so half of this is not tested: {error}")
    with server:
        server.execute(f"CREATE SCHEMA {schema}".encode())
        joint = "&" if "?" in SERVER else "?"
        try:
            known = f"application_name={schema}"
            yield f"{SERVER}{joint}options=-csearch_path%3D{schema}&{known}"
        finally:
            server.execute("SET client_min_messages TO warning")
            server.execute(f"DROP SCHEMA {schema} CASCADE".encode())
