"""What a database or a disk complains about, in a line that names the way out."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from softfactory.errors import StorageTrouble

WAYS_OUT = {
    "full": "make room, then go on with `softfactory resume RUN`",
    "locked": "another program holds it; end that, then go on with `softfactory resume RUN`",
    "readonly": "make it writable for you, then go on with `softfactory resume RUN`",
    "read-only": "make it writable for you, then go on with `softfactory resume RUN`",
    "unable to open": "make it readable and writable for you",
    "malformed": "it is damaged: put it aside and bring the runs back with `softfactory restore`",
    "not a database": "it is damaged: put it aside, then `softfactory restore` what you archived",
    "disk i/o": "the disk fails or is full; mend that, then `softfactory resume RUN`",
}


@contextmanager
def storage(where: str) -> Iterator[None]:
    """Turn what a database raises into our own error.

    Raises:
        StorageTrouble: in one line.
    """
    try:
        yield
    except sqlite3.ProgrammingError:
        raise  # a defect of ours, or a connection closed by us
    except sqlite3.Error as error:
        raise StorageTrouble(told(where, error)) from error
    except Exception as error:
        psycopg = sys.modules.get("psycopg")
        if psycopg and isinstance(error, psycopg.OperationalError | psycopg.InternalError):
            raise StorageTrouble(told(where, error)) from error
        raise


def told(where: str, error: Exception) -> str:
    """The line about an error."""
    words = " ".join(str(error).split()) or type(error).__name__
    ways = (way for sign, way in WAYS_OUT.items() if sign in words.lower())
    way = next(ways, "when it is back, go on with `softfactory resume RUN`")
    return f"{where} refuses: {words}. Nothing that was kept is lost: {way}"
