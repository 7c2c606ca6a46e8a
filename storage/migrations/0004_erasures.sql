-- serves: 0001
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

alter table versions add column erasure bigint;     -- that took the params: they knew such rows

-- What a correction names, so that a chain can be mended where part of it is forgotten; empty: the
-- decision, or a correction from before this was kept.
alter table events add column corrects text not null default '';
create index events_corrects on events (learner, corrects) where corrects <> '';
create index events_replaces on events (replaces) where replaces is not null;
