-- What the second dialect needs of the body: agents by number, actions, what is known of customers, members with passwords.

-- Its ids of assistants are decimal numbers, as text in one place and as integers in another.
alter table agents add column number bigint generated always as identity (start with 1001);
create unique index agents_by_number on agents (organisation_id, number);

-- Something an organisation's agents may do. `config` is as the type's schema says, with its secrets masked; they are sealed beside it.
create table actions (
    organisation_id uuid not null references organisations (id),
    id uuid not null,
    name text not null,
    description text not null,
    type text not null,
    timing text not null check (timing in ('BEFORE', 'DURING', 'AFTER')),
    is_active boolean not null,
    config jsonb not null,
    secrets bytea,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (organisation_id, id)
);

create table agent_actions (
    organisation_id uuid not null,
    agent_id uuid not null,
    action_id uuid not null,
    position smallint not null,
    primary key (organisation_id, agent_id, action_id),
    foreign key (organisation_id, agent_id) references agents (organisation_id, id),
    foreign key (organisation_id, action_id) references actions (organisation_id, id) on delete cascade
);
create index agent_actions_by_action on agent_actions (organisation_id, action_id);

-- Accounts of the organisation at others that its actions work with: calendars, a mail server, a text message service.
create table integrations (
    organisation_id uuid not null references organisations (id),
    id uuid not null,
    number bigint generated always as identity (start with 101),
    kind text not null check (kind in ('google', 'outlook', 'smtp', 'twilio')),
    name text not null,
    config jsonb not null,
    secrets bytea not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (organisation_id, id)
);
create unique index integrations_by_number on integrations (organisation_id, number);

alter table knowledge_bases add column description text not null default '';

-- What the business knows of a person beside the name. `columns` are its own, such as customer_timezone.
alter table contacts
    add column email text,
    add column tags text[] not null default '{}',
    add column columns jsonb not null default '{}',
    add column deleted_at timestamptz;       -- forgotten by the business; the person is met again when he writes

-- Null is everything. Keys made before this could do everything.
alter table api_keys alter column permissions drop not null, alter column permissions drop default;
update api_keys set permissions = null;
alter table api_keys add column description text not null default '';

-- Tokens carry what they may do; one that was made before this moment opens nothing any more.
alter table organisations add column tokens_from timestamptz;

create table members (
    organisation_id uuid not null references organisations (id),
    id uuid not null,
    email text not null,                     -- in lower case
    name text not null,
    password_hash text not null,
    permissions text[],
    tokens_from timestamptz not null,
    created_at timestamptz not null,
    primary key (organisation_id, id)
);
create unique index members_by_email on members (email);
