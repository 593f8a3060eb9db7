-- How often in a row a customer's message followed an answer within a moment, since when, and which answer (its seq) the last one followed.
alter table conversations
    add column echoes integer not null default 0,
    add column echoes_since timestamptz,
    add column echoed_seq bigint not null default 0;

-- From how many of those in a minute on a webhook's customer is taken for a program; 0: never; null: what the number's kind says.
alter table agents add column automatic_turns smallint check (automatic_turns >= 0);
