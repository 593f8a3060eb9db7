-- Native agents: what they are configured with, what they did in a turn, and what they may still do later.

-- `native` is `agents.native.Options` as JSON: what only an agent of kind "llm" has.
alter table agents add column native jsonb not null default '{}';

-- One row for each thing an agent can do or knows: a tool, a memory key, a wake-up rule. `kind` is a line of the registry
-- (`agents.capabilities`), `config` is as that line's schema says, with its secrets taken out and sealed beside it.
create table capabilities (
    organisation_id uuid not null,
    id uuid not null,
    agent_id uuid not null,
    kind text not null,
    position smallint not null,
    config jsonb not null,
    secrets bytea,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (organisation_id, id),
    foreign key (organisation_id, agent_id) references agents (organisation_id, id)
);
create index capabilities_triggers on capabilities (id) where kind = 'outbound_triggers';
create index capabilities_by_agent on capabilities (organisation_id, agent_id, kind, position);

-- Who answers for a model's name: "openai" in "openai/gpt-5.4". A key is only ever sent to the base_url it was given for.
create table model_providers (
    organisation_id uuid not null references organisations (id),
    name text not null,
    kind text not null check (kind in ('openai', 'anthropic', 'google')),
    base_url text,                           -- null is the provider's own
    api_key bytea,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (organisation_id, name)
);

-- A session is one run of one agent with one person: what the model is told of the past begins with it.
create table sessions (
    organisation_id uuid not null,
    id uuid not null,
    conversation_id uuid not null,
    agent_id uuid not null,
    contact_id uuid not null,
    from_seq bigint not null,
    opened_at timestamptz not null,
    closed_at timestamptz,
    closed_reason text,                      -- idle, handed_over, reset, merged
    summary text,                            -- of what is too old to be told whole
    summary_through bigint not null default 0,
    outside boolean not null default false,  -- the agent has read what others wrote: acting calls are confirmed from then on
    primary key (organisation_id, id),
    foreign key (organisation_id, conversation_id) references conversations (organisation_id, id)
);
create unique index sessions_open on sessions (organisation_id, conversation_id) where closed_at is null;
create index sessions_by_conversation on sessions (organisation_id, conversation_id, opened_at);

-- An instruction is what a turn is about when no customer wrote: a wake-up's reason, a prompt of the API.
alter table turns add column instruction text,
    add column forced boolean not null default true,  -- false: the agent may stay silent
    add column wakeup_id uuid,
    add column session_id uuid,
    add column citations jsonb;              -- the passages that the answer could rest on

alter table conversations
    drop column due_at,
    add column wake_at timestamptz,          -- the earliest wake-up of this conversation
    add column close_at timestamptz,         -- its session ends by idleness
    add column transfer jsonb,               -- to whom the thread goes once everything queued is said
    add column transfer_at timestamptz;
alter table conversations
    add column due_at timestamptz generated always as
        (least(think_at, send_at, media_at, handback_at, wake_at, close_at, transfer_at)) stored;
create index conversations_due on conversations (due_at) where due_at is not null;

-- The journal of a turn. What the model said is written before its calls are made, and each call before it leaves: a turn
-- that begins again goes on from here and does not act twice.
create table generations (
    organisation_id uuid not null,
    id uuid not null,
    turn_id uuid,                            -- null outside turns: a test, a summary made later
    agent_id uuid not null,
    conversation_id uuid,
    contact_id uuid,
    position smallint not null,
    purpose text not null,                   -- answer, summary, transcription, speech, image, embedding, test
    model text not null,
    prompt_tokens integer not null,
    response_tokens integer not null,
    cost numeric(14, 8),                     -- US dollars; null when the price is not known
    paid_by text not null check (paid_by in ('organisation', 'platform', 'nobody')),
    response jsonb,                          -- pydantic-ai's ModelResponse, while its turn is open
    duration_ms real not null,
    created_at timestamptz not null,
    primary key (organisation_id, id)
);
create unique index generations_by_turn on generations (organisation_id, turn_id, position) where purpose = 'answer';
create index generations_by_agent on generations (organisation_id, agent_id, created_at desc);

create table tool_calls (
    organisation_id uuid not null,
    id uuid not null,
    turn_id uuid not null,
    conversation_id uuid,
    agent_id uuid not null,
    contact_id uuid,
    position smallint not null,              -- of the generation that asked for it
    call_id text not null,                   -- the model's name for the call
    tool text not null,
    type text not null,                      -- api, mcp, content_generation, built_in, web_search
    capability_id uuid,
    args jsonb not null,
    acts boolean not null,                   -- it can change something
    state text not null check (state in ('started', 'done', 'failed', 'refused', 'held', 'declined')),
    result text,
    error text not null default '',
    outside boolean not null default false,  -- its result was written by somebody else
    effects jsonb,                           -- what else came of it: contents to say, a transfer
    asked text,                              -- what a held call asks: the customer, or a person
    started_at timestamptz not null,
    ended_at timestamptz,
    duration_ms real,
    primary key (organisation_id, id)
);
create unique index tool_calls_once on tool_calls (organisation_id, turn_id, position, call_id);
create index tool_calls_by_conversation on tool_calls (organisation_id, conversation_id, started_at);
create index tool_calls_by_agent on tool_calls (organisation_id, agent_id, started_at desc);

-- What was used in a day, for limits that are looked at before each call. contact_id 0 is all of an agent's contacts together.
create table usage_days (
    organisation_id uuid not null,
    agent_id uuid not null,
    contact_id uuid not null,
    day date not null,
    generations integer not null default 0,
    tokens bigint not null default 0,
    cost numeric(14, 8) not null default 0,
    primary key (organisation_id, agent_id, contact_id, day)
);

-- What happened to a conversation beside messages, for the timeline and for those who listen: a session closed, a cap was
-- reached, a wake-up was held, a customer opted out.
create table happenings (
    organisation_id uuid not null,
    id uuid not null,
    conversation_id uuid not null,
    kind text not null,
    details jsonb not null default '{}',
    at timestamptz not null,
    primary key (organisation_id, id)
);
create index happenings_by_conversation on happenings (organisation_id, conversation_id, at);

-- A person who said STOP, or switched marketing off, is not written to first any more.
alter table contacts add column opted_out_at timestamptz;

-- The words of a voice note or a document, as read by us.
alter table media add column transcript text;

-- A thought at a set time, without a message of the customer: a follow-up the agent planned, a prompt of the API, the first
-- words after a hand-over, a call that was confirmed.
create table wakeups (
    organisation_id uuid not null,
    id uuid not null,
    conversation_id uuid not null,
    agent_id uuid not null,
    capability_id uuid,
    source text not null check (source in ('agent', 'prompt', 'handoff', 'confirmation', 'trigger')),
    key text,                                -- of the tool call that planned it, so that a restarted turn plans once
    at timestamptz not null,
    instruction text not null,
    forced boolean not null default true,    -- false: the agent may stay silent
    state text not null default 'pending' check (state in ('pending', 'thinking', 'said', 'silent', 'held', 'cancelled', 'failed')),
    cause text,
    turn_id uuid,
    created_at timestamptz not null,
    ended_at timestamptz,
    primary key (organisation_id, id),
    foreign key (organisation_id, conversation_id) references conversations (organisation_id, id)
);
create unique index wakeups_once on wakeups (organisation_id, key) where key is not null;
create index wakeups_pending on wakeups (organisation_id, conversation_id, at) where state = 'pending';

-- What customers have paid and may spend, for each agent.

create table paywall_passes (
    organisation_id uuid not null,
    agent_id uuid not null,
    contact_id uuid not null,
    paid boolean not null,
    until timestamptz,                       -- null is for ever
    at timestamptz not null,
    primary key (organisation_id, agent_id, contact_id)
);

-- The turn that first met the paywall: what is said only once belongs to it.
create table paywall_reached (
    organisation_id uuid not null,
    agent_id uuid not null,
    contact_id uuid not null,
    turn_id uuid not null,
    at timestamptz not null,
    primary key (organisation_id, agent_id, contact_id)
);

create table credit_accounts (
    organisation_id uuid not null,
    agent_id uuid not null,
    contact_id uuid not null,
    balance bigint not null,
    primary key (organisation_id, agent_id, contact_id)
);

-- Every change of a balance, once for each key (a turn's answer, a call, a day's password).
create table credit_entries (
    organisation_id uuid not null,
    id uuid not null,
    agent_id uuid not null,
    contact_id uuid not null,
    delta bigint not null,
    reason text not null,
    key text not null,
    turn_id uuid,
    at timestamptz not null,
    primary key (organisation_id, id)
);
create unique index credit_entries_once on credit_entries (organisation_id, agent_id, contact_id, key);
create index credit_entries_by_contact on credit_entries (organisation_id, agent_id, contact_id, at desc);
