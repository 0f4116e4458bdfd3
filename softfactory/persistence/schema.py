"""The tables, as the list of steps that lead to them.

A database knows how many of the steps it has taken and takes the others when it is opened. A step
that was released is never changed; what is new is a new step. Both kinds of database are given the
same text.
"""

MIGRATIONS = (
    """
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    parent TEXT,
    idea TEXT NOT NULL,
    settings TEXT NOT NULL,
    graph TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    title TEXT NOT NULL DEFAULT '',
    out TEXT NOT NULL DEFAULT '',
    created REAL NOT NULL,
    worked_s REAL NOT NULL DEFAULT 0,
    owner TEXT,
    lease_until REAL,
    stop_requested INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE events (
    run TEXT NOT NULL,
    seq INTEGER NOT NULL,
    time REAL NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (run, seq)
);
CREATE TABLE calls (
    id INTEGER PRIMARY KEY,
    run TEXT NOT NULL,
    key TEXT NOT NULL,
    fit TEXT NOT NULL,
    skill TEXT NOT NULL,
    role TEXT NOT NULL,
    subject TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    messages TEXT NOT NULL,
    reply TEXT NOT NULL,
    price REAL,
    seconds REAL NOT NULL,
    created REAL NOT NULL
);
CREATE INDEX calls_by_key ON calls (key, run);
CREATE TABLE outcomes (
    call INTEGER NOT NULL REFERENCES calls (id),
    outcome TEXT NOT NULL,
    created REAL NOT NULL
);
CREATE INDEX outcomes_by_call ON outcomes (call);
CREATE TABLE endpoints (
    endpoint TEXT NOT NULL,
    model TEXT NOT NULL,
    capabilities TEXT NOT NULL,
    PRIMARY KEY (endpoint, model)
);
""",
    """
CREATE TABLE heard (
    run TEXT NOT NULL,
    step TEXT NOT NULL,
    upto INTEGER NOT NULL,
    PRIMARY KEY (run, step)
);
""",
    """
CREATE TABLE requests (
    holder TEXT NOT NULL,
    key TEXT NOT NULL,
    digest TEXT NOT NULL,
    run TEXT NOT NULL,
    PRIMARY KEY (holder, key)
);
""",
)


def statements(migration: str) -> list[str]:
    """The single statements of a step."""
    return [statement.strip() for statement in migration.split(";") if statement.strip()]
