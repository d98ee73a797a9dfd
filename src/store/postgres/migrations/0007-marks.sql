-- serves: 0004
-- Marks are only ever added, as entries and nodes are, and are looked after as those are. This takes a lock that
-- holds up neither those who read nor those who append.

ALTER TABLE annals.marks SET (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_freeze_min_age = 0);
