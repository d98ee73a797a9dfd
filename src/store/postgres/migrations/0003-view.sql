-- serves: 0002
-- For people with psql: each entry with its states and the names that go with it.

CREATE VIEW public.annals_entries AS
  SELECT
    o.slug AS organization,
    e.position,
    e.recorded_at,
    e.occurred_at,
    e.resource_type,
    e.resource_id,
    e.resource_name,
    e.version,
    e.action,
    e.event,
    e.actor ->> 'type' AS actor_type,
    e.actor ->> 'id' AS actor_id,
    e.actor ->> 'name' AS actor_name,
    e.ip,
    e.changed,
    e.changes,
    CASE WHEN e.action = 'access' THEN NULL ELSE nullif(coalesce(e.before, p.after), 'null') END AS before,
    nullif(e.after, 'null') AS after,
    e.continuity,
    e.related,
    e.context,
    e.metadata,
    e.id,
    e.log,
    e.leaf_hash
  FROM annals.entries e
  LEFT JOIN annals.entries p ON p.log = e.log AND p.position = e.prior
  LEFT JOIN annals.organizations o ON o.id = e.log;
COMMENT ON VIEW public.annals_entries IS
  'Entries of all logs; name the organization, or better its log, in the condition';
