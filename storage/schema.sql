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

-- Every stored outcome with its key, whether folded or not.
create view outcomes as
select learner, key, seq, kind, decision_id, project, session, query, option, outcome, source,
       strength, followed, notes, asked_at, known_at, replaces, replaced_by, recorded_at
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
