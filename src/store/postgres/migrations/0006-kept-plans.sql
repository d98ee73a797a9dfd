-- serves: 0004
-- The same functions, for less: their plans are kept again. What a plan is made of when the tables are empty must be right
-- when they are large, so nothing is left to choose: a row is asked for as a range of one in the order of the only index that
-- has this order, and sorting is off. Where an append brings one entry, planning took about half of it.
--
-- A column of an entry is taken out of its array by its number. `unnest` of 27 arrays makes a table of each, for one row
-- as for a thousand.

CREATE OR REPLACE FUNCTION annals.append(
  p_log uuid, p_size bigint, p_parent bytea, p_floor bigint, p_new_size bigint, p_recorded_at timestamptz,
  -- entries
  p_positions bigint[], p_ids uuid[], p_recorded timestamptz[], p_occurred timestamptz[], p_versions bigint[],
  p_priors bigint[], p_own_streams integer[], p_years smallint[], p_sections smallint[], p_changed boolean[],
  p_actions text[], p_continuities text[], p_types text[], p_resource_ids text[], p_names text[], p_events text[],
  p_ips text[], p_related json[], p_actors json[], p_contexts json[], p_metadata json[], p_changes json[],
  p_salts bytea[], p_digests bytea[], p_leaves bytea[], p_after jsonb[], p_before jsonb[],
  -- streams: their names and how many entries each gets; then each filing, with its rank in the batch
  p_streams text[], p_counts bigint[],
  p_filed_streams integer[], p_filed_ranks bigint[], p_filed_positions bigint[], p_filed_years smallint[],
  -- Merkle nodes
  p_levels smallint[], p_nodes bigint[], p_hashes bytea[],
  -- spans
  p_spans bigint[], p_span_years smallint[], p_earliest timestamptz[], p_latest timestamptz[],
  -- latest states
  p_latest_types text[], p_latest_ids text[], p_latest_names text[], p_latest_versions bigint[],
  p_state_versions bigint[], p_state_positions bigint[], p_is_there boolean[],
  -- answers
  p_keys text[], p_fingerprints text[], p_answers text[], p_kept_at timestamptz[],
  OUT outcome text, OUT head_size bigint, OUT repeated_ids uuid[], OUT repeated_keys text[]
) LANGUAGE plpgsql
  SET plan_cache_mode = force_generic_plan
  SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_sort = off
AS $$
DECLARE
  head       annals.logs;
  numbers    integer[];
  sizes      bigint[];
  parent     bytea;
  edge_level smallint := 0;
BEGIN
  -- Servers that write to one log come one after the other, in the order in which they ask: see turn.ts.
  PERFORM pg_advisory_xact_lock(hashtext('annals.turn'), hashtext(p_log::text));
  -- Whoever holds this row is alone in the log until the end of the transaction.
  SELECT * INTO head FROM annals.logs l WHERE l.log = p_log FOR UPDATE;
  IF NOT FOUND AND p_size = 0 AND p_floor = 0 THEN
    INSERT INTO annals.logs (log) VALUES (p_log) ON CONFLICT DO NOTHING;
    SELECT * INTO head FROM annals.logs l WHERE l.log = p_log FOR UPDATE;
  END IF;
  head_size := coalesce(head.size, 0);
  IF head_size < p_floor THEN outcome := 'went back'; RETURN; END IF;
  IF head_size <> p_size THEN outcome := 'stale'; RETURN; END IF;
  -- The last hash at the edge of the tree: of the largest complete subtree that ends with the last entry.
  WHILE p_size > 0 AND (p_size >> edge_level) & 1 = 0 LOOP edge_level := edge_level + 1; END LOOP;
  IF edge_level = 0 THEN
    SELECT e.leaf_hash INTO parent FROM annals.entries e
      WHERE e.log = p_log AND e.position BETWEEN p_size - 1 AND p_size - 1 ORDER BY e.position LIMIT 1;
  ELSE
    SELECT n.hash INTO parent FROM annals.nodes n
      WHERE n.log = p_log AND n.level = edge_level AND n.node = (p_size >> edge_level) - 1;
  END IF;
  IF p_size > 0 AND parent IS DISTINCT FROM p_parent THEN outcome := 'stale'; RETURN; END IF;

  SELECT array_agg(e.id ORDER BY u.at) INTO repeated_ids
    FROM unnest(p_ids) WITH ORDINALITY u (id, at)
    CROSS JOIN LATERAL (SELECT x.id FROM annals.entries x
      WHERE x.log = p_log AND x.id BETWEEN u.id AND u.id ORDER BY x.id LIMIT 1) e;
  IF cardinality(p_keys) > 0 THEN
    SELECT array_agg(a.key ORDER BY u.at) INTO repeated_keys
      FROM unnest(p_keys) WITH ORDINALITY u (key, at)
      CROSS JOIN LATERAL (SELECT x.key FROM annals.answers x
        WHERE x.log = p_log AND x.key BETWEEN u.key AND u.key ORDER BY x.key LIMIT 1) a;
  END IF;
  IF repeated_ids IS NOT NULL OR repeated_keys IS NOT NULL THEN outcome := 'repeated'; RETURN; END IF;

  -- Streams: a number for each new name, and their sizes before this batch.
  SELECT array_agg(s.stream ORDER BY u.at), array_agg(coalesce(s.size, 0) ORDER BY u.at) INTO numbers, sizes
    FROM unnest(p_streams) WITH ORDINALITY u (name, at)
    LEFT JOIN LATERAL (SELECT x.stream, x.size FROM annals.streams x WHERE x.log = p_log AND x.name = u.name OFFSET 0) s
      ON true;
  FOR i IN 1 .. coalesce(cardinality(numbers), 0) LOOP
    IF numbers[i] IS NULL THEN
      head.streams := head.streams + 1;
      numbers[i] := head.streams;
    END IF;
  END LOOP;
  INSERT INTO annals.streams (log, name, stream, size)
    SELECT p_log, u.name, numbers[u.at], sizes[u.at] + u.count
    FROM unnest(p_streams, p_counts) WITH ORDINALITY u (name, count, at)
    ON CONFLICT (log, name) DO UPDATE SET size = excluded.size;

  INSERT INTO annals.entries (log, position, id, recorded_at, occurred_at, version, prior, stream, year, sections,
      changed, action, continuity, resource_type, resource_id, resource_name, event, ip, related, actor, context,
      metadata, changes, salts, digests, leaf_hash, after, before)
    SELECT p_log, p_positions[i], p_ids[i], p_recorded[i], p_occurred[i], p_versions[i], p_priors[i],
      numbers[p_own_streams[i]], p_years[i], p_sections[i], p_changed[i], p_actions[i], p_continuities[i], p_types[i],
      p_resource_ids[i], p_names[i], p_events[i], p_ips[i]::inet, p_related[i], p_actors[i], p_contexts[i],
      p_metadata[i], p_changes[i], p_salts[i], p_digests[i], p_leaves[i], p_after[i], p_before[i]
    FROM generate_series(1, cardinality(p_positions)) i;
  INSERT INTO annals.filed (log, stream, year, position)
    SELECT p_log, numbers[u.stream], u.year, u.position
    FROM unnest(p_filed_streams, p_filed_years, p_filed_positions) u (stream, year, position);
  INSERT INTO annals.marks (log, stream, number, position, year)
    SELECT p_log, numbers[u.stream], sizes[u.stream] + u.rank, u.position, u.year
    FROM unnest(p_filed_streams, p_filed_ranks, p_filed_positions, p_filed_years) u (stream, rank, position, year)
    WHERE (sizes[u.stream] + u.rank) % 64 = 0;
  IF cardinality(p_nodes) > 0 THEN
    INSERT INTO annals.nodes (log, level, node, hash)
      SELECT p_log, u.level, u.node, u.hash FROM unnest(p_levels, p_nodes, p_hashes) u (level, node, hash);
  END IF;
  INSERT INTO annals.spans AS s (log, span, year, earliest, latest)
    SELECT p_log, u.span, u.year, u.earliest, u.latest
    FROM unnest(p_spans, p_span_years, p_earliest, p_latest) u (span, year, earliest, latest)
    ON CONFLICT (log, span, year) DO UPDATE
      SET earliest = least(s.earliest, excluded.earliest), latest = greatest(s.latest, excluded.latest);
  INSERT INTO annals.resources (log, type, id, name, version, state_version, state_position, is_there)
    SELECT p_log, u.type, u.id, u.name, u.version, u.state_version, u.state_position, u.is_there
    FROM unnest(p_latest_types, p_latest_ids, p_latest_names, p_latest_versions, p_state_versions,
      p_state_positions, p_is_there) u (type, id, name, version, state_version, state_position, is_there)
    ON CONFLICT (log, type, id) DO UPDATE SET name = excluded.name, version = excluded.version,
      state_version = excluded.state_version, state_position = excluded.state_position,
      is_there = excluded.is_there;
  IF cardinality(p_keys) > 0 THEN
    INSERT INTO annals.answers (log, key, fingerprint, answer, kept_at)
      SELECT p_log, u.key, u.fingerprint, u.answer, u.kept_at
      FROM unnest(p_keys, p_fingerprints, p_answers, p_kept_at) u (key, fingerprint, answer, kept_at);
    -- An answer is kept for a day; each new one clears away up to ten. By key and time, either index will do.
    DELETE FROM annals.answers a USING (
      SELECT o.key, o.kept_at FROM annals.answers o
      WHERE o.log = p_log AND o.kept_at < (SELECT max(k) FROM unnest(p_kept_at) k) - interval '24 hours'
      ORDER BY o.kept_at LIMIT 10 * cardinality(p_keys)) o
    WHERE a.log = p_log AND a.key = o.key AND a.kept_at = o.kept_at;
  END IF;

  UPDATE annals.logs l SET size = p_new_size, streams = head.streams, recorded_at = p_recorded_at
    WHERE l.log = p_log;
  outcome := 'appended';
  head_size := p_new_size;
END
$$;

CREATE OR REPLACE FUNCTION annals.size_at(p_log uuid, p_known_at timestamptz) RETURNS bigint LANGUAGE plpgsql STABLE
  SET plan_cache_mode = force_generic_plan
  SET enable_seqscan = off SET enable_sort = off
AS $$
DECLARE
  low    bigint := 0;
  high   bigint;
  middle bigint;
BEGIN
  SELECT l.size INTO high FROM annals.logs l WHERE l.log = p_log;
  WHILE low < high LOOP
    middle := (low + high) / 2;
    IF (SELECT e.recorded_at FROM annals.entries e
        WHERE e.log = p_log AND e.position BETWEEN middle AND middle ORDER BY e.position LIMIT 1) <= p_known_at
      THEN low := middle + 1;
      ELSE high := middle;
    END IF;
  END LOOP;
  RETURN low;
END
$$;

-- Citus makes no plan before it knows the log, and so none that could be kept: see distribute.ts.
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
    ALTER FUNCTION annals.append SET plan_cache_mode = force_custom_plan;
    ALTER FUNCTION annals.size_at SET plan_cache_mode = force_custom_plan;
  END IF;
END
$$;
