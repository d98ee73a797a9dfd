-- serves: 0004
-- A plan that is kept may come from a time when a table, or the partition of a new year, had next to no rows, and any of
-- its indexes seemed as good as the right one: until it was analyzed, each append then read the whole log. So the
-- statements of an append are planned each time, which knows how large the tables are.

ALTER FUNCTION annals.append SET plan_cache_mode = force_custom_plan;
ALTER FUNCTION annals.size_at SET plan_cache_mode = force_custom_plan;
