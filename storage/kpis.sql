-- name: weekly_kpis
-- One row for each of the newest $1 weeks (from Monday, UTC), by when generations were asked about.
-- What a prediction is held against is the share accepted of all that were judged before, smoothed by
-- half an observation each way.
with generation as (
    select event_id, coalesce(started_at, completed_at) as at, started_at, completed_at, judged_at,
           action, fields, (prediction ->> 'generation_success')::double precision as said
    from generations
    where $2::text is null or project = $2
), judged as (
    select event_id, (action = 'approve')::integer::double precision as y, said,
           (coalesce(sum((action = 'approve')::integer) over before, 0) + 0.5)
               / (count(*) over before + 1.0)::double precision as base
    from generation
    where action is not null
    window before as (order by judged_at, event_id rows between unbounded preceding and 1 preceding)
), scored as (
    select event_id, -(y * ln(shown) + (1 - y) * ln(1 - shown)) as loss,
           -(y * ln(base) + (1 - y) * ln(1 - base)) as base_loss,
           ((said >= 0.5) = (y = 1))::integer as hit
    from judged cross join lateral (select least(greatest(said, 1e-6), 1 - 1e-6) as shown) as clipped
    where said is not null  -- which greatest would take for the other
), measured as (
    select date_trunc('week', g.at at time zone 'UTC') as week, g.event_id, g.completed_at, g.action,
           (g.fields ->> 'quality')::double precision as quality,
           case when g.action is not null
                then coalesce((g.fields ->> 'regenerations')::double precision, 0)
           end as regenerations,
           (g.fields ->> 'cost_usd')::double precision as cost_usd,
           case when g.action <> 'reject' and g.judged_at >= g.started_at
                then extract(epoch from g.judged_at - g.started_at)::double precision
           end as to_approval,
           s.loss, s.base_loss, s.hit
    from generation g left join scored s using (event_id)
), run as (
    select date_trunc('week', finished_at at time zone 'UTC') as week, count(*) as n
    from runs
    where learner like 'generation\_%' and result in ('promoted', 'rejected', 'skipped')
    group by 1
)
select w.week::date as week, count(m.event_id) as generations, count(m.completed_at) as told,
       count(m.action) as judged, count(*) filter (where m.action = 'approve') as unmodified,
       avg(m.quality) as quality, avg(m.regenerations) as regenerations, avg(m.cost_usd) as cost_usd,
       percentile_cont(0.5) within group (order by m.to_approval) as seconds_to_approval,
       count(m.loss) as predicted, avg(m.hit)::double precision as accuracy, avg(m.loss) as loss,
       avg(m.base_loss)::double precision as base_loss, coalesce(min(r.n), 0) as runs
from generate_series(
         date_trunc('week', now() at time zone 'UTC') - ($1::integer - 1) * interval '1 week',
         date_trunc('week', now() at time zone 'UTC'), '1 week') as w(week)
left join measured m using (week)
left join run r using (week)
group by w.week
order by w.week
