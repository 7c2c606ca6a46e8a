-- name: insert_decisions
-- $2: the commit need not wait for the disk: advice can be given again.
insert into decisions (id, learner, project, user_id, session, tool_use_id, query, answer, predicted,
                       version, source, mode, arm, option, propensity, degraded, memory_seq, asked_at)
select id, learner, project, user_id, session, tool_use_id, nullif(query, 'null'), answer, predicted,
       version, source, mode, arm, option, propensity, degraded, memory_seq, to_timestamp(asked)
from (select case when $2 then set_config('synchronous_commit', 'off', true) end) as behind,
     jsonb_to_recordset($1::jsonb) as t(
    id uuid, learner text, project text, user_id text, session text, tool_use_id text, query jsonb,
    answer jsonb, predicted jsonb, version integer, source text, mode text, arm text, option text,
    propensity double precision, degraded boolean, memory_seq bigint, asked double precision,
    erasure bigint)
where not forgotten(erasure, learner, project, query ->> 'project', user_id, to_timestamp(asked), null,
                    to_timestamp(asked))
on conflict (id, learner) do nothing

-- name: outcomes_by_key
select learner, query from events where key = $1 and learner <> '*' and query is not null

-- name: append_first_words
-- Under the lock of the log. A row whose key is there already, whose decision has an outcome, or
-- that an erasure since may cover, is left out and is not returned.
with written as (
    insert into events (learner, key, seq, kind, decision_id, project, user_id, session, query,
                        option, outcome, source, strength, followed, notes, sample_group,
                        propensity, memory_seq, asked_at, known_at, adds, used)
    select learner, key, nextval('event_seq'), case when joined then 'join' else 'fact' end,
           decision_id, project, user_id, session, nullif(query, 'null'), option, outcome, source,
           strength, followed, notes, sample_group, propensity, memory_seq, to_timestamp(asked),
           to_timestamp(known), adds, nullif(used, 'null')
    from jsonb_to_recordset($1::jsonb) as t(
        learner text, key text, joined boolean, decision_id uuid, project text, user_id text,
        session text, query jsonb, option text, outcome jsonb, source text,
        strength double precision, followed boolean, notes text, sample_group text,
        propensity double precision, memory_seq bigint, asked double precision,
        known double precision, erasure bigint, adds boolean,
        used jsonb)
    where not exists (select from erasures e where e.id > t.erasure)
    on conflict do nothing
    returning learner, key, seq
),
noticed as (select pg_notify('foresight', 'events ' || max(seq)) from written)
select learner, key, seq from written, noticed

-- name: hold_off_erasures
select pg_advisory_xact_lock_shared(723002)

-- name: hold_off_erasures_and_lock_log
select pg_advisory_xact_lock_shared(723002), pg_advisory_xact_lock(723001)

-- name: existing_or_forgotten_keys
select t.learner, t.key, e.seq, e.kind, e.query, e.outcome, e.used, e.decision_id,
       e.replaced_by, e.key is null as forgotten
from jsonb_to_recordset($1::jsonb) as t(
    learner text, key text, decision_id uuid, project text, about_project text, user_id text,
    joined boolean, asked double precision, known double precision, erasure bigint)
left join events e using (learner, key)
where e.key is not null
   or forgotten(t.erasure, t.learner, t.project, t.about_project, t.user_id,
                to_timestamp(t.asked), to_timestamp(t.known), now())
   or (t.joined and exists (select from erasures o where o.id > t.erasure
                            and now() < o.erased_at + interval '1 minute')
       and not exists (select from decisions d
                       where (d.id, d.learner) = (t.decision_id, t.learner)))

-- name: current_of_decisions
with recursive chain as (
    select learner, decision_id, seq, replaced_by, strength, outcome, whole, adds, query
    from events
    where decision_id = any($1::uuid[]) and seq is not null
    union
    select c.learner, c.decision_id, e.seq, e.replaced_by, e.strength, e.outcome, e.whole, e.adds,
           e.query
    from chain c join events e on e.seq = c.replaced_by
)
select learner, decision_id, seq, strength, coalesce(whole, outcome) as outcome,
       case when adds then query end as query
from chain where replaced_by is null

-- name: current_of_keys
with recursive chain as (
    select e.learner, e.key as named, e.seq, e.replaced_by, e.strength, e.outcome, e.whole, e.adds,
           e.query
    from events e
    join jsonb_to_recordset($1::jsonb) as t(learner text, key text) using (learner, key)
    where e.seq is not null
    union all
    select c.learner, c.named, e.seq, e.replaced_by, e.strength, e.outcome, e.whole, e.adds,
           e.query
    from chain c join events e on e.seq = c.replaced_by
)
select learner, named, seq, strength, coalesce(whole, outcome) as outcome,
       case when adds then query end as query
from chain where replaced_by is null

-- name: used_in_decisions
select e.decision_id::text as decision_id,
       jsonb_object_agg(part.key, part.value order by e.recorded_at, e.seq nulls first) as used
from events e cross join lateral jsonb_each(e.used) as part
where e.decision_id = any($1::uuid[]) and e.used is not null
group by e.decision_id

-- name: next_numbers
select nextval('event_seq') from generate_series(1, $1::integer)

-- name: insert_events
insert into events (learner, key, seq, kind, decision_id, project, user_id, session, query, option,
                    outcome, source, strength, followed, notes, sample_group, propensity, memory_seq,
                    asked_at, known_at, replaces, corrects, adds,
                    used, whole)
select learner, key, seq, kind, decision_id, project, user_id, session, nullif(query, 'null'), option,
       outcome, source, strength, followed, notes, sample_group, propensity, memory_seq,
       to_timestamp(asked), to_timestamp(known), replaces, corrects, adds,
       nullif(used, 'null'), nullif(whole, 'null')
from jsonb_to_recordset($1::jsonb) as t(
    learner text, key text, seq bigint, kind text, decision_id uuid, project text, user_id text,
    session text, query jsonb, option text, outcome jsonb, source text, strength double precision,
    followed boolean, notes text, sample_group text, propensity double precision, memory_seq bigint,
    asked double precision, known double precision, replaces bigint, corrects text, adds boolean,
    used jsonb, whole jsonb)

-- name: mark_replaced
update events e set replaced_by = t.seq
from jsonb_to_recordset($1::jsonb) as t(seq bigint, replaces bigint)
where e.seq = t.replaces

-- name: notify
select pg_notify('foresight', $1)

-- name: schema
select version, serves from schema_migrations order by version desc limit 1

-- name: events_since
-- What was served counts only where it was about what was really used.
select e.seq, e.learner, e.kind, e.query, e.option, coalesce(e.whole, e.outcome) as outcome,
       e.source, e.strength, e.sample_group, e.propensity, e.memory_seq, e.project,
       extract(epoch from e.asked_at)::double precision as asked,
       extract(epoch from e.known_at)::double precision as known,
       r.seq as replaced_seq, r.query as replaced_query, r.option as replaced_option,
       coalesce(r.whole, r.outcome) as replaced_outcome, r.source as replaced_source,
       r.strength as replaced_strength,
       extract(epoch from r.asked_at)::double precision as replaced_asked,
       extract(epoch from r.known_at)::double precision as replaced_known,
       d.version as served_version, d.predicted as served
from events e
left join events r on r.seq = e.replaces
left join decisions d on d.id = e.decision_id and d.learner = e.learner
                     and (d.query is null or d.query = e.query)
where e.seq > $1 and ($2::text is null or e.learner = $2)
order by e.seq
limit $3

-- name: waiting_with_decision
select e.key, e.decision_id, e.project, e.user_id, e.session, e.query, e.outcome, e.source,
       e.strength, e.followed, e.notes, e.option,
       extract(epoch from e.known_at)::double precision as known
from events e
where e.kind = 'waiting' and e.key <> all($1::text[])
  and exists (select from decisions d where d.id = e.decision_id)
order by e.recorded_at, e.key
limit 500

-- name: delete_waiting
delete from events where learner = '*' and key = any($1::text[])

-- name: decision
select learner, project, user_id, session, tool_use_id, query, answer, predicted, version, source,
       mode, arm, option, propensity, degraded, memory_seq,
       extract(epoch from asked_at)::double precision as asked
from decisions where id = $1::uuid order by learner

-- name: existing_decisions
select distinct id::text as id from decisions where id = any($1::uuid[])

-- name: outcomes_of_decision
select learner, key, kind, seq, outcome, source, strength, followed, notes, known_at
from events where decision_id = $1::uuid order by recorded_at, key

-- name: export_outcomes
select learner, key, seq, kind, decision_id, project, session, query, option, outcome, source,
       strength, followed, notes, asked_at, known_at, replaces, replaced_by, used
from outcomes order by recorded_at, learner, key

-- name: export_decisions
select id, learner, project, session, query, answer, version, source, mode, arm, option, propensity,
       degraded, memory_seq, asked_at
from decisions order by asked_at, id, learner

-- name: unanswered_decisions
select d.id, d.query, extract(epoch from d.asked_at)::double precision as asked, d.project,
       count(*) over () as total
from decisions d
where d.learner = $1 and ($2::text is null or d.project = $2) and d.query is not null
  and d.asked_at >= now() - $3::interval
  and not exists (select from events e where e.decision_id = d.id and e.learner in ($1, '*'))
order by d.asked_at desc limit $4

-- name: prune_decisions
delete from decisions d
where d.asked_at < now() - $1::interval
  and not exists (select from events e where e.decision_id = d.id)

-- name: database_size
select pg_database_size(current_database())

-- name: join_rate
select count(distinct d.id) as decisions,
       count(distinct d.id) filter (
           where exists (select from events e where e.decision_id = d.id)) as joined
from decisions d
where d.learner = any($1::text[])

-- name: told
select learner, count(*) filter (where kind <> 'waiting') as outcomes,
       count(*) filter (where kind = 'waiting') as waiting,
       count(*) filter (where followed) as followed,
       count(*) filter (where not followed) as not_followed
from events group by learner

-- name: ensure_learner
insert into learners (learner) values ($1) on conflict do nothing

-- name: serving
select learner, mode, incumbent, candidate, share, epoch, requested, done, reason, run_after,
       attempt, owner, lease_until > now() as leased,
       (select coalesce(max(id), 0) from erasures) as erasure
from learners order by learner

-- name: version
select learner, number, revision, candidate, params, sha256, report, lineage, created_at, erasure
from versions where learner = $1 and number = $2

-- name: versions
select v.learner, v.number, v.revision, v.candidate, v.params is not null as loadable, v.report,
       v.lineage, v.created_at, v.number = l.incumbent as serving, v.erasure
from versions v join learners l using (learner)
where v.learner = $1 order by v.number desc

-- name: register
insert into versions (learner, number, revision, candidate, params, sha256, report, lineage)
values ($1, (select coalesce(max(number), 0) + 1 from versions where learner = $1), $2, $3, $4, $5, $6, $7)
returning number

-- name: previous_incumbent
select incumbent from learners where learner = $1 for update

-- name: serve
update learners set incumbent = $2 where learner = $1

-- name: insert_promotion
insert into promotions (learner, number, previous, by, reason) values ($1, $2, $3, $4, $5)

-- name: promotions
select number, previous, by, reason, promoted_at from promotions
where learner = $1 order by id desc limit $2

-- name: strip_old_versions
update versions v set params = null
where v.learner = $1 and v.params is not null
  and v.number not in (select number from versions where learner = $1 order by number desc limit $2)
  and not exists (select from promotions p where p.learner = v.learner and p.number = v.number)

-- name: request
insert into learners (learner, requested, reason, manual) values ($1, 1, $2, $3)
on conflict (learner) do update
set requested = learners.requested + 1, reason = excluded.reason,
    manual = learners.manual or excluded.manual, run_after = now(), attempt = 0
returning requested

-- name: withdraw
update learners set done = requested, manual = false, attempt = 0, token = null, owner = null,
                    lease_until = null
where learner = $1 and requested = $2 and done = requested - 1
  and (lease_until is null or lease_until < now())
returning learner

-- name: request_of
select l.done >= $2 as done, l.lease_until > now() as leased, r.result, r.reason,
       r.started_at, r.finished_at
from learners l
left join lateral (
    select * from runs
    where learner = l.learner and (settled >= $2 or result = 'running')
    order by settled, id desc limit 1
) r on true
where l.learner = $1 and l.requested >= $2

-- name: request_due
update learners set requested = done + 1, reason = $2, run_after = now(), attempt = 0
where learner = $1 and requested = done
returning learner

-- name: claim
-- A time further ahead than any we set was written before the clock was set back.
update learners set owner = $2, token = $3, lease_until = now() + $4::interval, attempt = attempt + 1
where learner = $1 and requested > done
  and (run_after <= now() or run_after > now() + interval '1 hour')
  and (lease_until is null or lease_until < now() or lease_until > now() + $4::interval)
returning requested, reason, manual, attempt, incumbent, epoch

-- name: beat
-- Whoever took over has written another token; the time alone may only say that the clock was set.
update learners set lease_until = now() + $3::interval
where learner = $1 and token = $2
returning learner

-- name: finish
update learners set done = $3, token = null, owner = null, lease_until = null, attempt = 0,
                    manual = case when requested > $3 then manual else false end
where learner = $1 and token = $2 and ($4::integer is null or epoch = $4)
returning learner

-- name: release
update learners set token = null, owner = null, lease_until = null, attempt = greatest(0, attempt - 1)
where learner = $1 and token = $2

-- name: fail
update learners set token = null, owner = null, lease_until = null,
                    run_after = now() + $3::interval,
                    done = greatest(done, $4)
where learner = $1 and token = $2
returning learner

-- name: start_run
insert into runs (learner, reason, trigger, revision) values ($1, 'running', $2, $3) returning id

-- name: end_run
update runs set result = $2, reason = $3, number = $4, outcomes = $5, distinct_n = $6, missing = $7,
                memory_seq = $8, accuracy = $9, report = $10, catalogue = $11, settled = $12,
                finished_at = now()
where id = $1 and result = 'running'

-- name: abandon_runs
update runs set result = 'failed', reason = 'the process that trained ended', finished_at = now()
where learner = $1 and result = 'running' and id < $2

-- name: last_run
select id, result, reason, trigger, number, revision, outcomes, distinct_n, catalogue, missing,
       accuracy, started_at, finished_at
from runs where learner = $1 and result <> 'running' order by id desc limit 1

-- name: training_since
select r.started_at from runs r join learners l using (learner)
where r.learner = $1 and r.result = 'running' and l.lease_until > now()
order by r.id desc limit 1

-- name: last_judged_run
select id, result, reason, revision, outcomes, catalogue, missing, accuracy, finished_at
from runs where learner = $1 and result in ('promoted', 'rejected', 'skipped')
order by id desc limit 1

-- name: runs
select id, learner, result, reason, trigger, number, revision, outcomes, distinct_n, accuracy,
       started_at, finished_at
from runs where $1::text is null or learner = $1 order by id desc limit $2

-- name: run
select * from runs where id = $1

-- name: write_snapshot
insert into snapshots (learner, revision, epoch, seq, sha256, data) values ($1, $2, $3, $4, $5, $6)
on conflict (learner, revision) do update
set epoch = excluded.epoch, seq = excluded.seq, sha256 = excluded.sha256, data = excluded.data,
    written_at = now()
where snapshots.epoch < excluded.epoch
   or (snapshots.epoch = excluded.epoch and snapshots.seq < excluded.seq)

-- name: snapshot
select s.epoch, s.seq, s.sha256, s.data from snapshots s join learners l using (learner)
where s.learner = $1 and s.revision = $2 and s.epoch = l.epoch

-- name: catalog_entries
select name, entry from catalog_entries where learner = $1 order by name

-- name: put_catalog_entry
insert into catalog_entries (learner, name, entry) values ($1, $2, $3)
on conflict (learner, name) do update set entry = excluded.entry, added_at = now()

-- name: drop_catalog_entry
delete from catalog_entries where learner = $1 and name = $2 returning name

-- name: matrix
select mixin_a, mixin_b, node_type, success_count, failure_count, compatibility_score,
       conflict_reason, resolution_pattern, created_at
from mixin_compatibility_matrix order by created_at desc, mixin_a, mixin_b, node_type

-- name: generations
select * from ml_generation_events order by started_at, event_id

-- name: feature_vectors
select v.* from ml_feature_vectors v join generations g using (event_id)
order by g.started_at, v.event_id

-- name: audit
select * from (
    (select coalesce(finished_at, started_at) as at, id, 'run' as what, learner, null as by, result,
            number as version, null::integer as previous, reason,
            jsonb_build_object('run', id, 'trigger', trigger, 'outcomes', outcomes) as details
     from runs
     where ($1::text is null or learner = $1)
       and coalesce(finished_at, started_at) >= coalesce($2::timestamptz, '-infinity')
     order by 1 desc, 2 desc limit $3)
    union all
    (select promoted_at, id,
            case when number is null or number < previous then 'roll-back' else 'promotion' end,
            learner, by, null, number, previous, reason, '{}'
     from promotions
     where ($1::text is null or learner = $1)
       and promoted_at >= coalesce($2::timestamptz, '-infinity')
     order by 1 desc, 2 desc limit $3)
    union all
    (select erased_at, id, 'erasure', learner, by, null, null, null, null,
            jsonb_build_object(
                'erasure', id, 'project', encode(project, 'hex'), 'user', encode(user_id, 'hex'),
                'salt', encode(salt, 'hex'), 'from', from_at, 'to', to_at, 'counts', counts)
     from erasures
     where ($1::text is null or learner is null or learner = $1)
       and erased_at >= coalesce($2::timestamptz, '-infinity')
     order by 1 desc, 2 desc limit $3)
) as done
order by at desc, what, id desc limit $3

-- name: audit_decisions
select d.asked_at as at, 'decision' as what, d.learner, d.user_id as by, d.id as decision, d.source,
       d.version, (d.answer ->> 'probability')::double precision as probability, d.project,
       coalesce(e.whole, e.outcome) as outcome, e.source as told_by
from decisions d
left join events e on (e.decision_id, e.learner) = (d.id, d.learner)
                  and e.seq is not null and e.replaced_by is null
where ($1::text is null or d.learner = $1) and d.asked_at >= coalesce($2::timestamptz, '-infinity')
order by d.asked_at desc, d.id, d.learner limit $3

-- name: audit_outcomes
select e.known_at as at, 'outcome' as what, e.learner, e.user_id as by, e.key, e.kind,
       e.decision_id as decision, e.source, e.project, e.outcome,
       e.replaced_by is not null as replaced
from events e
where ($1::text is null or e.learner = $1) and e.known_at >= coalesce($2::timestamptz, '-infinity')
order by e.known_at desc, e.seq desc nulls last, e.key limit $3
