-- Campaigns: one template to many people, each at most once, at a pace that leaves room for conversations.

create table campaigns (
    organisation_id uuid not null references organisations (id),
    id uuid not null,
    name text not null,
    state text not null check (state in ('scheduled', 'running', 'paused', 'completed', 'cancelled')),
    cause text,                              -- why it stopped by itself, in plain words
    agent_id uuid not null,                  -- answers the replies
    template jsonb not null,
    start_at timestamptz not null,
    delay real not null,                     -- seconds between two sends of one number
    days smallint[] not null,                -- ISO days on which it sends, 1 is Monday
    start_hour smallint not null,
    end_hour smallint not null,
    time_zone text not null,
    ignore_suppression boolean not null,
    details jsonb not null,                  -- what was sent with it and is only kept
    duplicates integer not null,             -- people who were named more than once
    created_at timestamptz not null,
    updated_at timestamptz not null,
    ended_at timestamptz,
    primary key (organisation_id, id),
    foreign key (organisation_id, agent_id) references agents (organisation_id, id)
);

-- The numbers that a campaign writes from. Only the job of the current `round` sends, so that a job that is repeated does nothing.
create table campaign_senders (
    organisation_id uuid not null,
    campaign_id uuid not null,
    number_id uuid not null,
    position smallint not null,
    round integer not null default 0,
    batch uuid[] not null default '{}',      -- the messages of the last batch
    batch_at timestamptz,                    -- on the database's clock, which all workers share
    sent_at timestamptz,                     -- the same on the program's clock
    primary key (organisation_id, campaign_id, number_id),
    foreign key (organisation_id, campaign_id) references campaigns (organisation_id, id) on delete cascade
);
create index campaign_senders_by_number on campaign_senders (organisation_id, number_id);

create table campaign_recipients (
    organisation_id uuid not null,
    campaign_id uuid not null,
    position integer not null,
    given text not null,                     -- the number or id as it was sent
    number_id uuid not null,
    contact_id uuid,                         -- null: nobody can be reached there
    variables jsonb,                         -- this person's own values for the template
    state text not null check (state in ('waiting', 'queued', 'skipped', 'failed', 'cancelled')),
    cause text,
    conversation_id uuid,
    message_id uuid,                         -- set in the transaction that queues it, and never again
    queued_at timestamptz,
    primary key (organisation_id, campaign_id, position),
    foreign key (organisation_id, campaign_id) references campaigns (organisation_id, id) on delete cascade
) with (fillfactor = 80);
create unique index campaign_recipients_once on campaign_recipients (organisation_id, campaign_id, contact_id) where contact_id is not null;
create index campaign_recipients_waiting on campaign_recipients (organisation_id, campaign_id, number_id, position) where state = 'waiting';

-- People whom the organisation does not want to write to. What the people said themselves is in contacts.opted_out_at.
create table suppressions (
    organisation_id uuid not null references organisations (id),
    phone text not null,                     -- digits
    reason text not null,
    at timestamptz not null,
    primary key (organisation_id, phone)
);
