-- The schema as it is. A test proves that the migrations lead here.

-- One row per learner: what is served, and the retraining that is asked for or under way.
create table learners (
    learner      text primary key,
    mode         text not null default 'advisor'
                 check (mode in ('off', 'shadow', 'advisor', 'primary', 'hybrid')),
    incumbent    integer,                           -- version being served
    candidate    integer,                           -- version under a staged share
    share        real not null default 0 check (share between 0 and 1),
    epoch        integer not null default 1,        -- of the memory; forgetting starts a new one
    requested    bigint not null default 0,         -- a run is due while requested > done
    done         bigint not null default 0,
    reason       text not null default '',          -- of the newest request
    manual       boolean not null default false,    -- somebody asked for it
    attempt      integer not null default 0,        -- of the present request, crashes included
    run_after    timestamptz not null default now(),
    owner        text,
    token        uuid,                              -- fences off a trainer that lost its lease
    lease_until  timestamptz
);

-- One row per ask and learner. Written behind the answer, before any feedback that names it.
create table decisions (
    id           uuid not null,
    learner      text not null,
    project      text not null default '',
    user_id      text not null default '',
    session      text not null default '',
    tool_use_id  text not null default '',
    query        jsonb,                             -- null: the outcome must say what was used
    answer       jsonb not null,
    predicted    jsonb not null default '[]',       -- [[option, probability], ...] as shown
    version      integer,
    source       text not null,
    mode         text not null,
    arm          text not null default 'incumbent',
    option       text,
    propensity   double precision,
    degraded     boolean not null default false,
    memory_seq   bigint not null,                   -- last event the memory had folded
    asked_at     timestamptz not null,
    primary key (id, learner)
);
create index decisions_asked on decisions (asked_at);

-- The log: what became known, in the order in which it was committed.
create sequence event_seq;
create table events (
    learner      text not null,                     -- '*': waits for its decision
    key          text not null,                     -- the caller's, or ours
    seq          bigint unique,                     -- null: stored, not folded
    kind         text not null check (kind in ('fact', 'join', 'correction', 'waiting', 'weaker')),
    decision_id  uuid,
    project      text not null default '',
    user_id      text not null default '',
    session      text not null default '',
    query        jsonb,
    option       text,
    outcome      jsonb not null,
    source       text not null,
    strength     double precision not null check (strength > 0 and strength <= 1),
    followed     boolean,
    notes        text not null default '',
    sample_group text not null default '',
    propensity   double precision,
    memory_seq   bigint,                            -- of the decision
    asked_at     timestamptz,
    known_at     timestamptz not null,
    replaces     bigint,                            -- seq of the event this one corrects
    replaced_by  bigint,
    recorded_at  timestamptz not null default now(),
    corrects     text not null default '',          -- key that a correction names; else a decision
    adds         boolean not null default false,    -- to the earlier one that it replaces
    used         jsonb,                             -- said to be used in place of what was asked
    whole        jsonb,                             -- what it adds to, and what it says; null: that
    primary key (learner, key)
);
create index events_decision on events (decision_id) where decision_id is not null;
create unique index events_first_word on events (learner, decision_id)
    where decision_id is not null and kind in ('fact', 'join');
create index events_waiting on events (decision_id) where kind = 'waiting';
create index events_learner on events (learner, seq) where seq is not null;
create index events_corrects on events (learner, corrects) where corrects <> '';
create index events_replaces on events (replaces) where replaces is not null;

create table versions (
    learner      text not null,
    number       integer not null,
    revision     integer not null,                  -- of the feature code
    candidate    text not null,
    params       bytea,                             -- null: old, only the report is kept
    sha256       bytea not null,
    report       jsonb not null,
    lineage      jsonb not null,
    created_at   timestamptz not null default now(),
    erasure      bigint,                            -- that took the params: they knew such rows
    primary key (learner, number)
);

create table promotions (
    id           bigint generated always as identity primary key,
    learner      text not null,
    number       integer,                           -- null: no version is served
    previous     integer,
    by           text not null,
    reason       text not null,
    promoted_at  timestamptz not null default now()
);
create index promotions_learner on promotions (learner, id);

create table runs (
    id           bigint generated always as identity primary key,
    learner      text not null,
    result       text not null default 'running'
                 check (result in ('running', 'promoted', 'rejected', 'failed', 'skipped')),
    reason       text not null,
    trigger      text not null,
    number       integer,
    revision     integer not null,
    outcomes     bigint not null default 0,
    distinct_n   bigint not null default 0,
    catalogue    integer not null default 0,
    missing      bigint,
    memory_seq   bigint not null default 0,
    accuracy     double precision,
    report       jsonb,
    started_at   timestamptz not null default now(),
    finished_at  timestamptz,
    settled      bigint                             -- requests up to this one are done with it
);
create index runs_learner on runs (learner, id);

-- The memory of a learner as of an event, so that a start does not replay everything.
create table snapshots (
    learner      text not null,
    revision     integer not null,
    epoch        integer not null,
    seq          bigint not null,
    sha256       bytea not null,
    data         bytea not null,
    written_at   timestamptz not null default now(),
    primary key (learner, revision)
);

-- What the user added to a catalogue.
create table catalog_entries (
    learner      text not null,
    name         text not null,
    entry        jsonb not null,
    added_at     timestamptz not null default now(),
    primary key (learner, name)
);

-- What was forgotten, without its content: whoever it was stands there as a salted hash.
create table erasures (
    id           bigint generated always as identity primary key,
    key          uuid not null unique,              -- of the call: done again, it erases once
    by           text not null,
    learner      text,                              -- null: of all learners
    salt         bytea not null,
    project      bytea,                             -- SHA-256 of salt and name; null: of any project
    user_id      bytea,                             -- likewise
    from_at      timestamptz,
    to_at        timestamptz,
    counts       jsonb not null default '{}',       -- by learner: decisions, outcomes, versions
    erased_at    timestamptz not null default now()
);

-- Whether a row comes from before an erasure that covers it: from a process that knew only of the
-- erasures up to `known`, and not from long after it. A minute, because clocks differ.
create function forgotten(
    known bigint, of_learner text, in_project text, about_project text, by_user text,
    asked timestamptz, told timestamptz, made timestamptz
) returns boolean language sql stable as $$
    select exists (
        select from erasures e
        where e.id > known and made < e.erased_at + interval '1 minute'
          and (e.learner is null or of_learner in (e.learner, '*'))
          and (e.project is null or e.project in (
                   sha256(e.salt || convert_to(in_project, 'UTF8')),
                   sha256(e.salt || convert_to(coalesce(about_project, ''), 'UTF8'))))
          and (e.user_id is null or e.user_id = sha256(e.salt || convert_to(by_user, 'UTF8')))
          and ((asked >= coalesce(e.from_at, '-infinity') and asked < coalesce(e.to_at, 'infinity'))
            or (told >= coalesce(e.from_at, '-infinity') and told < coalesce(e.to_at, 'infinity')))
    )
$$;

-- A number that stands for a word of an open vocabulary: the same in every database and for ever,
-- without an order, and never that of another word because a word is new (X-30). 0: nothing said.
create function word_code(word text) returns integer language sql immutable as $$
    select case when coalesce(word, '') = '' then 0 else
        ('x' || substr(encode(sha256(convert_to(word, 'UTF8')), 'hex'), 1, 7))::bit(28)::integer end
$$;

-- Every stored outcome with its key, whether folded or not.
create view outcomes as
select learner, key, seq, kind, decision_id, project, session, query, option, outcome, source,
       strength, followed, notes, asked_at, known_at, replaces, replaced_by, recorded_at, used
from events;

-- The table that spec 000 names (000-37), as a view over the outcomes of pairs.
create view mixin_compatibility_matrix as
with pair as (
    select least(query -> 'mixins' ->> 0, query -> 'mixins' ->> 1) as mixin_a,
           greatest(query -> 'mixins' ->> 0, query -> 'mixins' ->> 1) as mixin_b,
           query ->> 'node_type' as node_type,
           coalesce((outcome ->> 'success')::bigint, 0) as success,
           coalesce((outcome ->> 'failure')::bigint, 0) as failure,
           nullif(outcome ->> 'conflict_reason', '') as conflict_reason,
           nullif(outcome ->> 'resolution_pattern', '') as resolution_pattern,
           known_at, seq
    from events
    where learner = 'mixin_compatibility' and seq is not null and replaced_by is null
      and jsonb_array_length(query -> 'mixins') = 2
)
select mixin_a, mixin_b, node_type,
       sum(success)::bigint as success_count,
       sum(failure)::bigint as failure_count,
       sum(success)::double precision / nullif(sum(success + failure), 0) as compatibility_score,
       (array_agg(conflict_reason order by seq desc)
           filter (where conflict_reason is not null))[1] as conflict_reason,
       (array_agg(resolution_pattern order by seq desc)
           filter (where resolution_pattern is not null))[1] as resolution_pattern,
       min(known_at) as created_at
from pair
group by mixin_a, mixin_b, node_type;

-- One row for each generation: its start (the decision) and all that was told of it, whichever learner
-- was told. A field that was told several times has its last word; a word that was too weak to count
-- stands where there is no other.
create view generations as
with recursive word as (  -- every word, with the generation it is about
    select coalesce(decision_id::text, key) as event_id, learner, key, seq, decision_id, project,
           user_id, session, query, outcome, notes, followed, asked_at, known_at, recorded_at
    from events
    where corrects = ''
      and learner in ('generation_success', 'generation_complexity', 'generation_time',
                      'generation_quality')
    union all
    select w.event_id, e.learner, e.key, e.seq, e.decision_id, e.project, e.user_id, e.session,
           e.query, e.outcome, e.notes, e.followed, e.asked_at, e.known_at, e.recorded_at
    from word w join events e on (e.learner, e.corrects) = (w.learner, w.key)
    where e.corrects <> ''
), said as (
    select w.event_id,
           jsonb_object_agg(part.key, part.value order by w.seq nulls first, w.recorded_at) as fields
    from word w cross join lateral jsonb_each(w.outcome) as part
    where part.value not in ('null', '""')
    group by w.event_id
), told as (
    select event_id, min(known_at) as completed_at, min(asked_at) as asked_at,
           (array_agg(known_at order by seq desc)
               filter (where learner = 'generation_success' and seq is not null))[1] as judged_at,
           (array_agg(notes order by seq desc nulls last, recorded_at desc)
               filter (where learner = 'generation_success' and notes <> ''))[1] as user_feedback,
           (array_agg(query order by seq desc nulls last) filter (where query is not null))[1] as query,
           (array_agg(project order by seq) filter (where project <> ''))[1] as project,
           (array_agg(user_id order by seq) filter (where user_id <> ''))[1] as user_id,
           (array_agg(session order by seq) filter (where session <> ''))[1] as session
    from word group by event_id
), started as (
    select id::text as event_id, min(asked_at) as asked_at,
           (array_agg(query order by learner) filter (where query is not null))[1] as query,
           min(project) as project, min(user_id) as user_id, min(session) as session,
           jsonb_object_agg(learner, coalesce(answer -> 'probability', answer -> 'value'))
               as prediction
    from decisions
    where learner in ('generation_success', 'generation_complexity', 'generation_time',
                      'generation_quality')
    group by id
)
select event_id, coalesce(s.asked_at, t.asked_at) as started_at, t.completed_at, t.judged_at,
       coalesce(t.query, s.query) as query, t.user_feedback, s.prediction,
       coalesce(nullif(coalesce(t.query, s.query) ->> 'project', ''), nullif(s.project, ''),
                t.project) as project,
       coalesce(nullif(s.user_id, ''), t.user_id) as user_id,
       coalesce(nullif(s.session, ''), t.session) as session,
       coalesce(f.fields, '{}') as fields, coalesce(f.fields -> 'measured', '{}') as measured,
       coalesce(f.fields -> 'metadata', '{}') as metadata, f.fields ->> 'action' as action
from started s full join told t using (event_id) left join said f using (event_id);

-- The table of events that spec 002 names (002-47 ... 002-58). Nobody's verdict is no failure: where
-- nobody has judged yet, success and approved are null. The code is there only where its storing was
-- opted for.
create view ml_generation_events as
select event_id,
       nullif(query ->> 'task_key', '') as task_id,
       project as project_id,
       user_id,
       session as session_id,
       started_at,
       completed_at,
       case when action <> 'reject' then judged_at end as approved_at,
       query ->> 'task_type' as task_type,
       query ->> 'task_description' as task_description,
       query ->> 'language' as language,
       nullif(query ->> 'framework', '') as framework,
       query ->> 'agent' as agent_type,
       query ->> 'model' as model_used,
       (query ->> 'temperature')::double precision as temperature,
       (query ->> 'max_tokens')::bigint as max_tokens,
       (query ->> 'rag_examples')::bigint > 0 as rag_enabled,
       (query ->> 'rag_examples')::bigint as rag_examples_count,
       metadata -> 'rag_examples_ids' as rag_examples_ids,
       (query ->> 'rag_similarity')::double precision as rag_avg_similarity,
       fields ->> 'generated_code' as generated_code,
       nullif(measured ->> 'file_path', '') as file_path,
       (measured ->> 'lines_of_code')::bigint as lines_of_code,
       (measured ->> 'cyclomatic_complexity')::bigint as cyclomatic_complexity,
       (measured ->> 'num_functions')::bigint as num_functions,
       (measured ->> 'num_classes')::bigint as num_classes,
       (measured ->> 'has_type_hints')::boolean as has_type_hints,
       (measured ->> 'has_docstrings')::boolean as has_docstrings,
       (measured ->> 'has_tests')::boolean as has_tests,
       (fields ->> 'self_review')::double precision as self_review_score,
       fields ->> 'self_review_feedback' as self_review_feedback,
       action as user_action,
       user_feedback,
       fields ->> 'modifications' as modifications_requested,
       (fields ->> 'quality')::double precision as final_quality_score,
       (fields ->> 'seconds')::double precision as generation_time_seconds,
       (fields ->> 'tokens')::bigint as tokens_used,
       (fields ->> 'cost_usd')::double precision as cost_usd,
       action = 'approve' as success,
       action <> 'reject' as approved,
       case when action is not null then coalesce((fields ->> 'regenerations')::bigint, 0) end
           as num_regenerations,
       metadata || jsonb_strip_nulls(jsonb_build_object(
           'prediction', nullif(jsonb_strip_nulls(prediction), '{}'),
           'adjustments', fields -> 'adjustments')) as metadata
from generations;

-- The table of features that spec 002 names (002-59 ... 002-63), as they stood when it was asked.
-- Words are there as they are and as the number that stands for them. The three rates are those of
-- generations judged strictly before this one began, over the log as it is now: what a learner saw
-- is its own fold, in which a correction counts from when it was told. They are null while nothing
-- of the kind was judged, or where nothing was said.
create view ml_feature_vectors as
with generation as (
    select event_id, project, query, fields, action = 'approve' as success,
           coalesce(started_at, completed_at) as at, judged_at,
           query ->> 'task_type' as task_type, query ->> 'language' as language,
           coalesce(query ->> 'framework', '') as framework, query ->> 'agent' as agent,
           query ->> 'model' as model, query -> 'text' as text
    from generations
), moment as (  -- each is asked at one moment and judged at another; asked comes first
    select event_id, task_type, language, agent, model, at, 0 as judged, null::integer as success
    from generation
    union all
    select event_id, task_type, language, agent, model, greatest(judged_at, at), 1, success::integer
    from generation where success is not null
), past as (
    select event_id, judged,
           avg(success) over (partition by task_type, language
                              order by at, judged rows unbounded preceding) as similar_tasks,
           avg(success) over (partition by agent
                              order by at, judged rows unbounded preceding) as agents,
           avg(success) over (partition by model
                              order by at, judged rows unbounded preceding) as models
    from moment
)
select event_id,
       task_type, word_code(task_type) as task_type_encoded,
       language, word_code(language) as language_encoded,
       framework, word_code(framework) as framework_encoded,
       least(10, case task_type when 'backend' then 5 when 'frontend' then 4 when 'database' then 6
                                when 'testing' then 3 when 'documentation' then 2 else 4 end
                 + 0.5 * coalesce((text ->> 'complex_words')::integer, 0)
                 + case when (text ->> 'length')::integer > 500 then 1 else 0 end
       )::double precision as task_complexity_score,
       coalesce((text ->> 'length')::integer, 0) as task_description_length,
       coalesce((text ->> 'requirements')::integer, 0) as num_requirements,
       coalesce((text ->> 'technical_terms')::integer, 0) as num_technical_terms,
       p.similar_tasks::double precision as similar_tasks_success_rate,
       case when agent <> '' then p.agents::double precision end as agent_past_performance,
       case when model <> '' then p.models::double precision end as model_past_performance,
       (query ->> 'rag_examples')::bigint as rag_examples_count,
       (query ->> 'rag_quality')::double precision as rag_avg_quality,
       (query ->> 'rag_similarity')::double precision as rag_avg_similarity,
       extract(hour from clock.local)::integer as hour_of_day,
       extract(isodow from clock.local)::integer - 1 as day_of_week,  -- 0: Monday
       case when project <> '' then extract(epoch from at - min(at) over (partition by project))
           / 86400 end::double precision as project_maturity_days,
       success,
       (fields ->> 'quality')::double precision as quality_score,
       (fields ->> 'seconds')::double precision as time_seconds
from generation g
join past p using (event_id)
cross join lateral (
    select g.at at time zone 'UTC'
           + make_interval(mins => coalesce((g.query ->> 'utc_offset')::integer, 0)) as local
) as clock
where p.judged = 0;
