-- serves: 0001
-- The log and what is kept beside it, in the schema `annals`. Every table but `organizations` has the
-- log as the first column of its key, so that a sharded PostgreSQL can spread logs over machines.
-- Appends to one log wait for each other at its row in `logs`. Texts that are keys sort by code points.

CREATE TABLE annals.logs (
  log         uuid        PRIMARY KEY,
  size        bigint      NOT NULL DEFAULT 0 CHECK (size >= 0),
  streams     integer     NOT NULL DEFAULT 0, -- how many streams have a number
  recorded_at timestamptz
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Partitions hold a year each, of `recorded_at` in UTC: see annals.make_year. In one log `recorded_at`
-- never runs backwards, so its entries are ordered by (year, position) as they are by position.
CREATE TABLE annals.entries (
  log           uuid        NOT NULL,
  position      bigint      NOT NULL CHECK (position >= 0),
  id            uuid        NOT NULL,
  recorded_at   timestamptz NOT NULL,
  occurred_at   timestamptz NOT NULL,
  version       bigint      NOT NULL CHECK (version > 0),
  prior         bigint,               -- position of the entry that left the state before this one
  stream        integer     NOT NULL, -- of its resource
  year          smallint    NOT NULL,
  sections      smallint    NOT NULL, -- bit n: the record has section n; the seals below follow that order
  changed       boolean     NOT NULL,
  action        text        NOT NULL CHECK (action IN ('create', 'update', 'delete', 'access')),
  continuity    text        NOT NULL CHECK (continuity IN ('first', 'continuous', 'gap')),
  resource_type text        NOT NULL,
  resource_id   text        NOT NULL,
  resource_name text,
  event         text,
  ip            inet,                 -- of the context, where it is an address
  related       json,
  actor         json        NOT NULL,
  context       json,
  metadata      json,
  changes       json,                 -- kept where short, else computed from the states
  salts         bytea       NOT NULL,
  digests       bytea       NOT NULL,
  leaf_hash     bytea       NOT NULL CHECK (length(leaf_hash) = 32),
  after         jsonb,                -- 'null' is a null state; an access has none
  before        jsonb,                -- where it is not the `after` of the prior entry
  PRIMARY KEY (log, position, year)
) PARTITION BY RANGE (year);
CREATE UNIQUE INDEX entries_id ON annals.entries (log, id, year);
CREATE INDEX entries_occurred ON annals.entries (log, occurred_at, position);
CREATE INDEX entries_timeline ON annals.entries (log, stream, occurred_at, position) WHERE action <> 'access';

CREATE TABLE annals.streams (
  log    uuid    NOT NULL,
  name   text    COLLATE "C" NOT NULL,
  stream integer NOT NULL,
  size   bigint  NOT NULL,
  PRIMARY KEY (log, name)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

-- Each entry under its streams.
CREATE TABLE annals.filed (
  log      uuid     NOT NULL,
  stream   integer  NOT NULL,
  year     smallint NOT NULL,
  position bigint   NOT NULL,
  PRIMARY KEY (log, stream, year, position)
) PARTITION BY RANGE (year);

-- Entries are numbered 1, 2, 3, … in each stream. Every 64th number finds its position here; any other
-- is at most 63 steps from one that does.
CREATE TABLE annals.marks (
  log      uuid     NOT NULL,
  stream   integer  NOT NULL,
  number   bigint   NOT NULL CHECK (number % 64 = 0),
  position bigint   NOT NULL,
  year     smallint NOT NULL,
  PRIMARY KEY (log, stream, number)
);
-- For `annals verify`, which asks for the number of an entry.
CREATE INDEX marks_position ON annals.marks (log, stream, position);

-- The earliest and the latest `occurred_at` of each 1,024 positions, by year: a walk in log order
-- leaves out what lies outside its window.
CREATE TABLE annals.spans (
  log      uuid        NOT NULL,
  span     bigint      NOT NULL,
  year     smallint    NOT NULL,
  earliest timestamptz NOT NULL,
  latest   timestamptz NOT NULL,
  PRIMARY KEY (log, span, year)
) WITH (fillfactor = 90);

-- Where the latest state of every resource is: in `entries`, at `state_position`.
CREATE TABLE annals.resources (
  log            uuid    NOT NULL,
  type           text    COLLATE "C" NOT NULL,
  id             text    COLLATE "C" NOT NULL,
  name           text,
  version        bigint  NOT NULL, -- of its last entry
  state_version  bigint,           -- of the last entry that left a state
  state_position bigint,
  is_there       boolean NOT NULL, -- is the latest state other than null?
  PRIMARY KEY (log, type, id)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

-- Complete nodes of the Merkle tree above the leaves; the leaves are entries.leaf_hash.
CREATE TABLE annals.nodes (
  log   uuid     NOT NULL,
  level smallint NOT NULL CHECK (level > 0),
  node  bigint   NOT NULL,
  hash  bytea    NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (log, level, node)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_freeze_min_age = 0);

CREATE TABLE annals.answers (
  log         uuid        NOT NULL,
  key         text        COLLATE "C" NOT NULL,
  fingerprint text        NOT NULL,
  answer      text        NOT NULL,
  kept_at     timestamptz NOT NULL,
  PRIMARY KEY (log, key)
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX answers_kept_at ON annals.answers (log, kept_at);

CREATE TABLE annals.organizations (
  id         uuid        PRIMARY KEY,
  slug       text        COLLATE "C" NOT NULL UNIQUE,
  name       text        NOT NULL,
  created_at timestamptz NOT NULL
);

CREATE TABLE annals.tokens (
  log         uuid        NOT NULL, -- its organization's
  id          uuid        NOT NULL,
  name        text        NOT NULL,
  can_read    boolean     NOT NULL,
  can_write   boolean     NOT NULL,
  secret_hash bytea       NOT NULL,
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (log, id)
);
CREATE UNIQUE INDEX tokens_secret_hash ON annals.tokens (log, secret_hash);

-- What the installation keeps for itself, under the log of all zeros: keys, what was revoked, and for the
-- hash of each token's secret the organization whose token it is.
CREATE TABLE annals.secrets (
  log   uuid        NOT NULL,
  name  text        COLLATE "C" NOT NULL,
  value bytea       NOT NULL,
  until timestamptz, -- may be dropped from then on; none: never
  PRIMARY KEY (log, name)
);
CREATE INDEX secrets_until ON annals.secrets (log, until) WHERE until IS NOT NULL;

-- Makes the partitions for entries that are recorded in this year. A table is made by itself and
-- attached, which does not hold up those who read and append.
CREATE FUNCTION annals.make_year(wanted integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  parent text;
  part   text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('annals.make_year'));
  FOREACH parent IN ARRAY ARRAY['entries', 'filed'] LOOP
    part := format('%s_%s', parent, wanted);
    CONTINUE WHEN to_regclass(format('annals.%I', part)) IS NOT NULL;
    EXECUTE format('CREATE TABLE annals.%I (LIKE annals.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS) WITH (
      autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05,
      autovacuum_freeze_min_age = 0)', part, parent);
    EXECUTE format('ALTER TABLE annals.%I ATTACH PARTITION annals.%I FOR VALUES FROM (%s) TO (%s)',
      parent, part, wanted, wanted + 1);
  END LOOP;
END
$$;

-- How many entries of a log were recorded by `known_at`: `recorded_at` never runs backwards, so it is
-- found by halving.
CREATE FUNCTION annals.size_at(p_log uuid, p_known_at timestamptz) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
  low    bigint := 0;
  high   bigint;
  middle bigint;
BEGIN
  SELECT l.size INTO high FROM annals.logs l WHERE l.log = p_log;
  WHILE low < high LOOP
    middle := (low + high) / 2;
    IF (SELECT e.recorded_at FROM annals.entries e WHERE e.log = p_log AND e.position = middle) <= p_known_at
      THEN low := middle + 1;
      ELSE high := middle;
    END IF;
  END LOOP;
  RETURN low;
END
$$;
