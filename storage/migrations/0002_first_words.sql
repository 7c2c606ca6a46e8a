-- serves: 0001
-- The first word on a decision is said once per learner; every later one corrects it.
create unique index events_first_word on events (learner, decision_id)
    where decision_id is not null and kind in ('fact', 'join');
