-- serves: 0001
-- Which requests a run answered, so that whoever asked can be told how it ended.
alter table runs add column settled bigint;
