-- The first schema. Every tenant table leads its primary key with organisation_id, so that a query which forgets the
-- tenant is slow as well as wrong, and so that the tables can be sharded by it.

create table organisations (
    id uuid primary key,
    name text not null,
    created_at timestamptz not null
);

create table api_keys (
    organisation_id uuid not null references organisations (id),
    id uuid not null,
    prefix text not null unique,
    name text not null,
    key_hash bytea not null unique,
    permissions text[] not null default '{}',
    created_at timestamptz not null,
    last_used_at timestamptz,
    expires_at timestamptz,
    revoked_at timestamptz,
    primary key (organisation_id, id)
);

-- Counters that may be forgotten at a crash: not written to the log.
create unlogged table rate_windows (
    scope text not null,
    minute timestamptz not null,
    count integer not null,
    primary key (scope, minute)
);

create table apps (
    organisation_id uuid not null references organisations (id),
    id uuid not null,
    app_id text not null unique,
    app_secret bytea not null,
    previous_app_secret bytea,
    verify_token bytea not null,
    created_at timestamptz not null,
    primary key (organisation_id, id)
);

create table agents (
    organisation_id uuid not null references organisations (id),
    id uuid not null,
    kind text not null check (kind in ('byoa', 'llm')),
    name text not null,
    description text not null default '',
    system_prompt text not null default '',
    first_message text not null default '',
    profile_picture jsonb,
    icebreakers jsonb not null default '[]',
    llm_model text,
    reasoning_effort text,
    config jsonb not null default '{}',
    webhook_url text,
    webhook_secret bytea,
    previous_secret bytea,
    previous_secret_until timestamptz,
    timeout_seconds real not null default 15,
    retry_delays real[] not null default '{2,10,30,120,600}',
    burst text not null default 'each' check (burst in ('each', 'merge')),
    fallback_message text,
    resend text not null default 'never_resend' check (resend in ('never_resend', 'resend_once')),
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    primary key (organisation_id, id)
);

create table numbers (
    organisation_id uuid not null references organisations (id),
    id uuid not null,
    app_id text not null references apps (app_id),
    phone_number_id text not null unique,
    waba_id text not null,
    display_number text not null,
    name text not null default '',
    access_token bytea not null,
    is_sandbox boolean not null default false,
    routing text check (routing in ('agent', 'webhook')),
    agent_id uuid,
    per_second real not null default 80,
    paused_reason text,
    paused_until timestamptz,
    created_at timestamptz not null,
    primary key (organisation_id, id),
    foreign key (organisation_id, agent_id) references agents (organisation_id, id)
);
create index numbers_by_display on numbers (organisation_id, display_number);

create table contacts (
    organisation_id uuid not null references organisations (id),
    id uuid not null,
    given_name text,                         -- what the business calls the person; wins
    profile_name text,                       -- what the person calls himself on WhatsApp
    name text generated always as (coalesce(given_name, profile_name)) stored,
    phone text,
    bsuid text,
    username text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    merged_into uuid,
    primary key (organisation_id, id)
);

-- Every name a contact is known by. One value of a kind belongs to one contact at a time.
create table contact_identities (
    organisation_id uuid not null,
    kind text not null check (kind in ('bsuid', 'parent_bsuid', 'phone', 'username')),
    value text not null,
    contact_id uuid not null,
    first_seen_at timestamptz not null,
    primary key (organisation_id, kind, value),
    foreign key (organisation_id, contact_id) references contacts (organisation_id, id)
);
create index contact_identities_by_contact on contact_identities (organisation_id, contact_id);

create table contact_merges (
    organisation_id uuid not null,
    id uuid not null,
    kept_id uuid not null,
    merged_id uuid not null,
    reason text not null,
    identities jsonb not null,
    merged_at timestamptz not null,
    primary key (organisation_id, id)
);

-- The unit of work. Its row is the schedule: each thing the conversation waits for has a column, and due_at is the
-- earliest of them by construction. A worker owns a conversation while lease_until is ahead and fence is unchanged.
create table conversations (
    organisation_id uuid not null references organisations (id),
    id uuid not null,
    number_id uuid not null,
    contact_id uuid not null,
    agent_id uuid,
    routing text check (routing in ('agent', 'webhook')),
    routing_override boolean not null default false,
    owner text not null default 'agent' check (owner in ('agent', 'person', 'phone_app', 'webhook', 'nobody')),
    epoch integer not null default 0,
    last_seq bigint not null default 0,      -- last message of either direction
    wanted_seq bigint not null default 0,    -- last customer message that wants an answer
    answered_seq bigint not null default 0,  -- last customer message that a closed turn covers
    queued_seq bigint not null default 0,    -- last message that was put into the outbox
    turn_id uuid,                            -- the open turn, if any
    think_at timestamptz,                    -- ask the agent
    send_at timestamptz,                     -- flush the outbox
    media_at timestamptz,                    -- fetch media that came in
    handback_at timestamptz,                 -- a person's take-over runs out
    due_at timestamptz generated always as (least(think_at, send_at, media_at, handback_at)) stored,
    lease_until timestamptz,
    worker_id uuid,
    fence bigint not null default 0,
    window_until timestamptz,                -- free-form messages are allowed until then
    last_inbound_at timestamptz,
    last_inbound_wamid text,
    last_message_at timestamptz,
    unread integer not null default 0,
    pair_tokens real not null default 45,    -- Meta's pair limit: burst of 45, refilled by one each 6 s
    pair_at timestamptz,
    referral jsonb,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (organisation_id, id),
    unique (organisation_id, number_id, contact_id),
    foreign key (organisation_id, number_id) references numbers (organisation_id, id),
    foreign key (organisation_id, contact_id) references contacts (organisation_id, id)
) with (fillfactor = 50); -- changed four times for each message: room for the new versions on the same page
create index conversations_due on conversations (due_at) where due_at is not null;
create index conversations_by_time on conversations (organisation_id, last_message_at desc);

create table messages (
    organisation_id uuid not null,
    id uuid not null,
    conversation_id uuid not null,
    seq bigint not null,
    direction text not null check (direction in ('in', 'out')),
    author text not null check (author in ('customer', 'agent', 'person', 'api', 'system', 'phone_app')),
    type text not null,
    content jsonb not null,
    number_id uuid not null,
    wamid text,
    state text not null check (state in ('received', 'queued', 'sending', 'accepted', 'sent', 'delivered', 'read', 'played',
                                         'failed', 'rejected', 'unknown', 'discarded', 'expired_window')),
    cause text,                              -- what went wrong, in plain words
    error_code integer,
    reply_to_wamid text,
    wants_answer boolean not null default false,
    turn_id uuid,
    attempt_id uuid,                         -- the attempt in progress, or the last one
    attempts smallint not null default 0,
    not_before timestamptz,                  -- an outgoing message waits until then
    said_at timestamptz not null,            -- WhatsApp's time for inbound, ours for outbound
    created_at timestamptz not null,
    status_at timestamptz,
    pricing jsonb,
    raw jsonb,
    primary key (organisation_id, id),
    foreign key (organisation_id, conversation_id) references conversations (organisation_id, id)
) with (fillfactor = 85);
create unique index messages_by_wamid on messages (organisation_id, number_id, wamid) where wamid is not null;
create unique index messages_in_order on messages (organisation_id, conversation_id, seq);
-- What the outbox still has to do: say it, find out whether it was said, or wait for a status that tells.
create index messages_outbox on messages (organisation_id, conversation_id, seq)
    where state in ('queued', 'sending') or (state = 'unknown' and not_before is not null);

create table media (
    organisation_id uuid not null,
    id uuid not null,
    message_id uuid not null,
    conversation_id uuid not null,
    graph_id text not null,
    kind text not null,
    mime_type text not null,
    sha256 text,
    filename text,
    size bigint,
    state text not null default 'pending' check (state in ('pending', 'ready', 'failed')),
    attempts smallint not null default 0,
    object_key text,
    cause text,
    created_at timestamptz not null,
    primary key (organisation_id, id),
    foreign key (organisation_id, message_id) references messages (organisation_id, id)
);
create index media_by_message on media (organisation_id, message_id);
create index media_pending on media (organisation_id, conversation_id) where state = 'pending';

-- One turn is one question to an agent: the customer messages after the previous turn, up to through_seq.
create table turns (
    organisation_id uuid not null,
    id uuid not null,
    conversation_id uuid not null,
    agent_id uuid not null,
    epoch integer not null,
    from_seq bigint not null,
    through_seq bigint not null,
    state text not null default 'open' check (state in ('open', 'answered', 'silent', 'unrecognised', 'failed', 'discarded')),
    attempts smallint not null default 0,
    cause text,
    callback_hash bytea not null,
    callback_until timestamptz not null,
    callback_revoked boolean not null default false,
    replay_of uuid,
    opened_at timestamptz not null,
    closed_at timestamptz,
    primary key (organisation_id, id),
    foreign key (organisation_id, conversation_id) references conversations (organisation_id, id)
) with (fillfactor = 70);
create unique index turns_by_callback on turns (callback_hash);
create index turns_by_conversation on turns (organisation_id, conversation_id, opened_at);

-- Each time an agent's webhook was called.
create table deliveries (
    organisation_id uuid not null,
    id uuid not null,
    turn_id uuid not null,
    agent_id uuid not null,
    conversation_id uuid,                    -- null for a test event
    attempt smallint not null,
    url text not null,
    started_at timestamptz not null,
    duration_ms real not null,
    outcome text not null check (outcome in ('answered', 'silent', 'unrecognised', 'refused', 'failed')),
    status smallint,
    response_head text,                      -- first 2 KB of what the agent said
    cause text,
    retry_at timestamptz,
    primary key (organisation_id, id)
);
create index deliveries_by_turn on deliveries (organisation_id, turn_id);
create index deliveries_by_agent on deliveries (organisation_id, agent_id, started_at desc);

-- Each time a message was handed to WhatsApp; written before the call. The id travels as biz_opaque_callback_data.
create table send_attempts (
    organisation_id uuid not null,
    id uuid not null,
    message_id uuid not null,
    conversation_id uuid not null,
    started_at timestamptz not null,
    ended_at timestamptz,
    outcome text check (outcome in ('accepted', 'refused', 'not_sent', 'unknown')),
    http_status smallint,
    error_code integer,
    response_head text,
    primary key (organisation_id, id)
) with (fillfactor = 70);
create index send_attempts_by_message on send_attempts (organisation_id, message_id);

-- Every status webhook as it came, also those that arrive before our own send returned (message_id null until then).
create table statuses (
    organisation_id uuid not null,
    id uuid not null,
    number_id uuid not null,
    message_id uuid,
    wamid text not null,
    status text not null,
    said_at timestamptz not null,
    received_at timestamptz not null,
    recipient text,
    error_code integer,
    cause text,
    pricing jsonb,
    primary key (organisation_id, id)
);
create unique index statuses_once on statuses (organisation_id, number_id, wamid, status, (coalesce(recipient, '')));
create index statuses_by_message on statuses (organisation_id, message_id);

-- Changes of the thread's owner, for the timeline.
create table transfers (
    organisation_id uuid not null,
    id uuid not null,
    conversation_id uuid not null,
    owner text not null,
    epoch integer not null,
    reason text not null,
    at timestamptz not null,
    primary key (organisation_id, id)
);
create index transfers_by_conversation on transfers (organisation_id, conversation_id, at);

-- What Meta sent and this version does not act on, kept whole. organisation_id is null when nothing names a tenant.
create table kept_events (
    id uuid primary key,
    organisation_id uuid,
    app_id text,
    phone_number_id text,
    field text not null,
    reason text not null,
    raw text not null,
    received_at timestamptz not null
);
create index kept_events_by_organisation on kept_events (organisation_id, received_at);

create table idempotency_keys (
    organisation_id uuid not null,
    scope text not null,
    key text not null,
    body_hash bytea not null,
    status smallint,                         -- null while the first request runs
    response text,
    created_at timestamptz not null,
    primary key (organisation_id, scope, key)
);

create unlogged table workers (
    id uuid primary key,
    seen_at timestamptz not null
);
