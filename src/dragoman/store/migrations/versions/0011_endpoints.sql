-- Since when nothing is posted to this agent's webhook any more, and why: it said that it is gone, or it failed for days.
alter table agents add column disabled_at timestamptz, add column disabled_cause text,
    add column failing_since timestamptz; -- the first delivery that failed, with none since that did not

-- Since when WhatsApp accepts this number's messages and sends no statuses, and when somebody was told so last.
alter table numbers add column statuses_missing_since timestamptz, add column statuses_warned_at timestamptz;

-- Messages whose first status is still to come: few, as long as statuses do come.
create index messages_accepted on messages (organisation_id, number_id, status_at) where state = 'accepted';
