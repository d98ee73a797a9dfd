-- What the installation keeps for itself: the key that signs access tokens, and the ids of revoked ones.

CREATE TABLE secrets (
  name  TEXT PRIMARY KEY,
  value BLOB NOT NULL,
  until INTEGER -- may be dropped from then on; none: never
) STRICT, WITHOUT ROWID;
