-- A timeline asks for everything that was generated in a turn; the index of 2 has the answers only.
create index generations_of_turn on generations (organisation_id, turn_id) where turn_id is not null;

-- All plans of a conversation, newest first; the index of 2 has those that are still to come.
create index wakeups_by_conversation on wakeups (organisation_id, conversation_id, created_at desc, id desc);

-- Statuses of messages that are not ours (a number that another program uses too) have no message, and can be many: the
-- look-up of those that overtook a call is to go by the wamid, not through all of them.
drop index statuses_by_message;
create index statuses_by_message on statuses (organisation_id, message_id) where message_id is not null;

-- What is tidied away is found by its age.
create index idempotency_keys_by_age on idempotency_keys (created_at);
create index rate_windows_by_minute on rate_windows (minute);

-- With the id, by which rows of one instant are ordered, a far page is skipped to in the index alone.
drop index conversations_by_time;
create index conversations_by_time on conversations (organisation_id, last_message_at desc, id desc);
create index conversations_by_change on conversations (organisation_id, updated_at desc, id desc);

-- How much of a number's last batches still waits: the batches of today, and not every campaign there ever was.
drop index campaign_senders_by_number;
create index campaign_senders_by_number on campaign_senders (organisation_id, number_id, batch_at);
