"""What a database or a disk complains about, in a line that names the way out."""

import asyncio
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from softfactory.errors import ConnectionLost, StorageTrouble

T = TypeVar("T")

TRIES = 8
"""More than there are connections, all of which may be broken at once."""
FIRST_WAIT_SECONDS = 0.01
GONE = ("08", "57P")
"""How the codes begin by which a server says that it goes away; none: it has said nothing more."""

DAMAGED = (
    "It is damaged: put it aside. If it is checkpoints.db, `softfactory fork RUN --at 0` makes the "
    "steps of a run again and pays no answer again; else `softfactory restore` what was archived"
)
WAYS_OUT = {
    "full": "make room, then go on with `softfactory resume RUN`",
    "locked": "another program holds it; end that, then go on with `softfactory resume RUN`",
    "readonly": "make it writable for you, then go on with `softfactory resume RUN`",
    "read-only": "make it writable for you, then go on with `softfactory resume RUN`",
    "unable to open": "make it readable and writable for you",
    "malformed": DAMAGED,
    "not a database": DAMAGED,
    "disk i/o": "the disk fails or is full; mend that, then `softfactory resume RUN`",
}


@contextmanager
def storage(where: str) -> Iterator[None]:
    """Turn what a database raises into our own error.

    Raises:
        StorageTrouble: in one line; ConnectionLost if it may be otherwise over a new connection.
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
            gone = not error.sqlstate or error.sqlstate.startswith(GONE)
            kind = ConnectionLost if gone else StorageTrouble
            raise kind(told(where, error)) from error
        raise


async def persistently(work: Callable[[], Awaitable[T]]) -> T:
    """Do what may be repeated, again where the connection is lost in the middle of it.

    Raises:
        ConnectionLost: again and again.
    """
    for number in range(1, TRIES):
        with suppress(ConnectionLost):
            return await work()
        await asyncio.sleep(FIRST_WAIT_SECONDS * 2**number)
    return await work()


def told(where: str, error: Exception) -> str:
    """The line about an error."""
    words = " ".join(str(error).split()) or type(error).__name__
    ways = (way for sign, way in WAYS_OUT.items() if sign in words.lower())
    way = next(ways, "when it is back, go on with `softfactory resume RUN`")
    kept = "" if way == DAMAGED else "Nothing that was kept is lost: "
    return f"{where} refuses: {words}. {kept}{way}"
