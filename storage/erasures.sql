-- name: lock_erasures
select pg_advisory_xact_lock(723002)

-- name: doomed_tables
create temporary table doomed_decisions (learner text, id uuid) on commit drop;
create temporary table doomed_events (
    learner text, key text, seq bigint, decision_id uuid, primary key (learner, key)
) on commit drop

-- name: doom_decisions
insert into doomed_decisions
select learner, id from decisions
where ($1::text is null or learner = $1)
  and ($2::text is null or $2 in (project, query ->> 'project'))
  and ($3::text is null or user_id = $3)
  and asked_at >= coalesce($4::timestamptz, '-infinity')
  and asked_at < coalesce($5::timestamptz, 'infinity')

-- name: doom_events
insert into doomed_events
select learner, key, seq, decision_id from events
where (($1::text is null or learner = $1
        or (learner = '*' and outcome ->> 'learner' in ('', $1)))
  and ($2::text is null or $2 in (project, query ->> 'project', outcome -> 'facts' ->> 'project'))
  and ($3::text is null or user_id = $3)
  and ((known_at >= coalesce($4::timestamptz, '-infinity')
        and known_at < coalesce($5::timestamptz, 'infinity'))
    or (asked_at >= coalesce($4::timestamptz, '-infinity')
        and asked_at < coalesce($5::timestamptz, 'infinity'))))
  or exists (select from doomed_decisions d
             where d.id = events.decision_id and events.learner in (d.learner, '*'))

-- name: doom_corrections
with recursive below as (
    select learner, key, seq, decision_id from doomed_events
    union
    select b.learner, e.key, e.seq, e.decision_id
    from below b
    cross join lateral (
        select key, seq, decision_id from events
        where learner = b.learner and corrects = b.key and corrects <> ''
        union all
        select key, seq, decision_id from events
        where replaces = b.seq and corrects = ''
          and (decision_id is null or decision_id is distinct from b.decision_id)
    ) as e
)
insert into doomed_events
select learner, key, seq, decision_id from below
on conflict do nothing

-- name: doomed_counts
select l.learner, l.incumbent,
       (select count(*) from doomed_decisions d where d.learner = l.learner) as decisions,
       (select count(*) from doomed_events e where e.learner = l.learner) as outcomes,
       (select min(seq) from doomed_events e where e.learner = l.learner) as first_seq
from learners l where $1::text is null or l.learner = $1 order by l.learner

-- name: doomed_waiting
select count(*) from doomed_events where learner = '*'

-- name: knowing_versions
select number from versions
where learner = $1 and params is not null
  and coalesce((lineage ->> 'memory_seq')::bigint, $2) >= $2
order by number

-- name: lock_learners
select learner from learners where $1::text is null or learner = $1 order by learner for update

-- name: insert_erasure
insert into erasures (key, by, learner, salt, project, user_id, from_at, to_at)
values ($1, $2, $3, $4, sha256($4 || convert_to($5, 'UTF8')), sha256($4 || convert_to($6, 'UTF8')),
        $7, $8)
on conflict (key) do nothing
returning id

-- name: erasure
select counts from erasures where key = $1

-- name: count_erased
update erasures set counts = $2 where id = $1

-- name: scrub_answers
with said as (
    select e.learner, coalesce(nullif(e.query ->> 'project', ''), e.project) as project,
           array_agg(distinct substr(text.quoted, 2, length(text.quoted) - 2)) as texts
    from doomed_events x
    join events e using (learner, key)
    cross join lateral (
        select value::text as quoted from jsonb_each(e.outcome)
        where jsonb_typeof(value) = 'string' and value <> '""'
    ) as text
    where e.seq is not null
    group by 1, 2
)
update decisions d set answer = (
    select jsonb_object_agg(part.key, case
        when not exists (select from unnest(s.texts) t where strpos(part.value::text, t) > 0)
            then part.value
        when jsonb_typeof(part.value) = 'array' then (
            select coalesce(jsonb_agg(item), '[]') from jsonb_array_elements(part.value) item
            where not exists (select from unnest(s.texts) t where strpos(item::text, t) > 0))
        else 'null' end)
    from jsonb_each(d.answer) part)
from said s
where d.learner = s.learner
  and coalesce(nullif(d.query ->> 'project', ''), d.project) = s.project
  and exists (select from unnest(s.texts) t where strpos(d.answer::text, t) > 0)

-- name: give_up_first_words
-- Of each decision one outcome is the first: what is left takes that place before they are gone.
update events e set kind = 'weaker' from doomed_events x
where (e.learner, e.key) = (x.learner, x.key) and e.kind in ('fact', 'join')

-- name: pass_over_doomed
with recursive up as (
    select e.seq, d.replaces as ancestor
    from events e
    join events d on d.seq = e.replaces
    join doomed_events x on x.seq = d.seq
    where not exists (select from doomed_events y where (y.learner, y.key) = (e.learner, e.key))
    union all
    select u.seq, d.replaces
    from up u
    join doomed_events x on x.seq = u.ancestor
    join events d on d.seq = u.ancestor
)
update events e
set replaces = u.ancestor,
    kind = case when u.ancestor is not null then e.kind
                when e.memory_seq is null then 'fact' else 'join' end
from up u
where e.seq = u.seq
  and (u.ancestor is null or not exists (select from doomed_events x where x.seq = u.ancestor))

-- name: delete_doomed_events
delete from events e using doomed_events x where (e.learner, e.key) = (x.learner, x.key)

-- name: delete_doomed_decisions
delete from decisions d using doomed_decisions x where (d.id, d.learner) = (x.id, x.learner)

-- name: mend_replaced
update events e set replaced_by = (select c.seq from events c where c.replaces = e.seq)
where e.replaced_by in (select seq from doomed_events)

-- name: raise_weaker
with recursive up as (
    select learner, key, corrects, decision_id from events where kind = 'weaker'
    union
    select e.learner, e.key, e.corrects, e.decision_id
    from up u join events e on (e.learner, e.key) = (u.learner, u.corrects)
    where u.corrects <> ''
), chains as (
    select distinct on (learner, coalesce(decision_id::text, key))
           learner, key as chain, decision_id
    from up where corrects = ''
), members as (
    select c.learner, c.chain, e.key
    from chains c join events e on (e.learner, e.decision_id) = (c.learner, c.decision_id)
    where e.corrects = ''
    union
    select learner, chain, chain from chains
    union
    select m.learner, m.chain, e.key
    from members m join events e on (e.learner, e.corrects) = (m.learner, m.key)
), last_words as (
    select distinct on (m.learner, m.chain) m.learner, m.chain, m.key, e.seq
    from members m join events e using (learner, key)
    order by m.learner, m.chain, e.strength desc, e.recorded_at desc, e.key
), raised as (
    select w.learner, w.key, nextval('event_seq') as seq,
           (select max(e.seq) from members m join events e using (learner, key)
            where (m.learner, m.chain) = (w.learner, w.chain) and e.replaced_by is null) as replaces
    from last_words w
    where w.seq is null
), corrected as (
    update events e set replaced_by = r.seq from raised r where e.seq = r.replaces
)
update events e
set seq = r.seq, replaces = r.replaces,
    kind = case when r.replaces is not null then 'correction'
                when e.memory_seq is null then 'fact' else 'join' end
from raised r where (e.learner, e.key) = (r.learner, r.key)

-- name: mend_steps
-- What words on a decision come to without those that are gone.
with said as (
    select e.learner, e.key, e.seq, e.replaces, e.decision_id, e.recorded_at
    from events e
    where e.adds and e.seq is not null
      and e.decision_id in (select decision_id from doomed_events where decision_id is not null)
), whole as (
    select s.learner, s.key, jsonb_object_agg(part.key, part.value order by chain.back desc) as whole
    from said s
    cross join lateral (
        with recursive chain as (
            select s.seq, s.replaces, 0 as back
            union all
            select e.seq, e.replaces, c.back + 1 from chain c join events e on e.seq = c.replaces
        )
        select seq, back from chain
    ) as chain
    join events e on e.seq = chain.seq
    cross join lateral jsonb_each(e.outcome) as part
    where s.replaces is not null
    group by s.learner, s.key
)
update events e
set whole = w.whole,
    query = coalesce(d.query || coalesce((
        select jsonb_object_agg(part.key, part.value order by u.recorded_at, u.seq nulls first)
        from events u cross join lateral jsonb_each(u.used) as part
        where u.decision_id = s.decision_id
          and (u.recorded_at < s.recorded_at or u.recorded_at = s.recorded_at and u.seq <= s.seq)
    ), '{}'), e.query)
from said s
left join whole w using (learner, key)
left join decisions d on (d.id, d.learner) = (s.decision_id, s.learner)
where (e.learner, e.key) = (s.learner, s.key)

-- name: erase_params
update versions set params = null, erasure = $3
where learner = $1 and erasure is null and coalesce((lineage ->> 'memory_seq')::bigint, $2) >= $2

-- name: delete_snapshots
delete from snapshots where learner = $1

-- name: begin_epoch
update learners
set epoch = epoch + 1, token = null, owner = null, lease_until = null, attempt = 0,
    incumbent = case when incumbent = any($2::integer[]) then null else incumbent end,
    share = case when candidate = any($2::integer[]) then 0 else share end,
    candidate = case when candidate = any($2::integer[]) then null else candidate end
where learner = $1

-- name: stop_runs
update runs set result = 'failed', reason = $2, finished_at = now()
where learner = $1 and result = 'running'

-- name: unname_promoters
update promotions set by = $2
where by = $1 and ($3::text is null or learner = $3)
  and promoted_at >= coalesce($4::timestamptz, '-infinity')
  and promoted_at < coalesce($5::timestamptz, 'infinity')

-- name: unname_erasers
update erasures set by = $2
where by = $1 and erased_at >= coalesce($3::timestamptz, '-infinity')
  and erased_at < coalesce($4::timestamptz, 'infinity')

-- name: named_projects
select project from (
    select project from decisions union select project from events
    union select query ->> 'project' from events
) as named
where project <> '' order by project limit $1
