-- The log and what is kept beside it. An entry's key is `log * 2^33 + position`: one integer that sorts
-- by log, then position, so that appends go to the right edge of their log. Instants are microseconds.

CREATE TABLE logs (
  log          INTEGER PRIMARY KEY CHECK (log < 1048576),
  organization TEXT    NOT NULL UNIQUE,
  size         INTEGER NOT NULL DEFAULT 0 CHECK (size >= 0),
  recorded_at  INTEGER
) STRICT;

CREATE TABLE entries (
  entry         INTEGER PRIMARY KEY,
  log           INTEGER NOT NULL REFERENCES logs,
  id            BLOB    NOT NULL CHECK (length(id) = 16),
  resource_type TEXT    NOT NULL,
  resource_id   TEXT    NOT NULL,
  resource_name TEXT,
  version       INTEGER NOT NULL CHECK (version > 0),
  action        INTEGER NOT NULL CHECK (action BETWEEN 0 AND 3), -- create, update, delete, access
  event         TEXT,
  occurred_at   INTEGER NOT NULL,
  recorded_at   INTEGER NOT NULL,
  continuity    INTEGER NOT NULL CHECK (continuity BETWEEN 0 AND 2), -- first, continuous, gap
  changed       INTEGER NOT NULL CHECK (changed IN (0, 1)),
  prior         INTEGER, -- position of the entry that left the state before this one
  related       TEXT,
  actor         TEXT    NOT NULL,
  context       TEXT,
  metadata      TEXT,
  changes       TEXT, -- kept where short, else computed from the states
  sections      INTEGER NOT NULL, -- bit n: the record has section n; the seals below follow that order
  salts         BLOB    NOT NULL,
  digests       BLOB    NOT NULL,
  leaf_hash     BLOB    NOT NULL CHECK (length(leaf_hash) = 32)
) STRICT;
CREATE UNIQUE INDEX entries_id ON entries (log, id);

-- The states that an entry left, and the one it found where that is not the `after` of its prior entry.
-- 'null' is a null state; no text is no state of its own.
CREATE TABLE states (
  entry  INTEGER PRIMARY KEY,
  after  TEXT,
  before TEXT
) STRICT;

CREATE TABLE streams (
  stream INTEGER PRIMARY KEY,
  log    INTEGER NOT NULL REFERENCES logs,
  name   TEXT    NOT NULL,
  size   INTEGER NOT NULL DEFAULT 0,
  UNIQUE (log, name)
) STRICT;

-- Each entry under its streams, numbered 1, 2, 3, … in each.
CREATE TABLE filed (
  stream   INTEGER NOT NULL REFERENCES streams,
  position INTEGER NOT NULL,
  number   INTEGER NOT NULL,
  PRIMARY KEY (stream, position)
) STRICT, WITHOUT ROWID;
-- Every 64th number finds its position here; any other is at most 63 steps from one that does.
CREATE UNIQUE INDEX filed_number ON filed (stream, number) WHERE number % 64 = 0;

-- Entries by when they occurred: in the whole log (stream `log:`) and in each resource, accesses only in the former.
CREATE TABLE timeline (
  stream      INTEGER NOT NULL REFERENCES streams,
  occurred_at INTEGER NOT NULL,
  position    INTEGER NOT NULL,
  PRIMARY KEY (stream, occurred_at, position)
) STRICT, WITHOUT ROWID;

-- The earliest and the latest `occurred_at` of each 1,024 positions: a walk in log order leaves out what lies outside its window.
CREATE TABLE spans (
  log     INTEGER NOT NULL REFERENCES logs,
  span    INTEGER NOT NULL,
  earliest INTEGER NOT NULL,
  latest  INTEGER NOT NULL,
  PRIMARY KEY (log, span)
) STRICT, WITHOUT ROWID;

-- Where the latest state of every resource is: in `states`, at `state_position`.
CREATE TABLE resources (
  log            INTEGER NOT NULL REFERENCES logs,
  type           TEXT    NOT NULL,
  id             TEXT    NOT NULL,
  name           TEXT,
  version        INTEGER NOT NULL, -- of its last entry
  state_version  INTEGER,          -- of the last entry that left a state
  state_position INTEGER,
  is_there       INTEGER NOT NULL CHECK (is_there IN (0, 1)), -- is the latest state other than null?
  PRIMARY KEY (log, type, id)
) STRICT, WITHOUT ROWID;

-- Complete nodes of the Merkle tree above the leaves; the leaves are entries.leaf_hash.
CREATE TABLE nodes (
  log   INTEGER NOT NULL REFERENCES logs,
  level INTEGER NOT NULL CHECK (level > 0),
  node  INTEGER NOT NULL,
  hash  BLOB    NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (log, level, node)
) STRICT, WITHOUT ROWID;

CREATE TABLE answers (
  log         INTEGER NOT NULL REFERENCES logs,
  key         TEXT    NOT NULL,
  fingerprint TEXT    NOT NULL,
  answer      TEXT    NOT NULL,
  kept_at     INTEGER NOT NULL,
  PRIMARY KEY (log, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX answers_kept_at ON answers (kept_at);

CREATE TABLE organizations (
  id         TEXT    PRIMARY KEY,
  slug       TEXT    NOT NULL UNIQUE,
  name       TEXT    NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
  id           TEXT    PRIMARY KEY,
  organization TEXT    NOT NULL REFERENCES organizations,
  name         TEXT    NOT NULL,
  can_read     INTEGER NOT NULL CHECK (can_read IN (0, 1)),
  can_write    INTEGER NOT NULL CHECK (can_write IN (0, 1)),
  secret_hash  BLOB    NOT NULL UNIQUE,
  created_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_organization ON tokens (organization, created_at);
