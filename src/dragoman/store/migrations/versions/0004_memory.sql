-- What native agents remember about customers: the values of their memory keys, and each change of one.
-- A key that is taken from its agent takes its values and their history with it.

create table memories (
    organisation_id uuid not null,
    contact_id uuid not null,
    key_id uuid not null,                    -- of capabilities, kind memory_keys
    value jsonb not null,
    author text not null check (author in ('agent', 'api')),
    updated_at timestamptz not null,
    primary key (organisation_id, contact_id, key_id),
    foreign key (organisation_id, contact_id) references contacts (organisation_id, id),
    foreign key (organisation_id, key_id) references capabilities (organisation_id, id) on delete cascade
);
create index memories_by_key on memories (organisation_id, key_id);

create table memory_changes (
    organisation_id uuid not null,
    id uuid not null,
    contact_id uuid not null,                -- as it was then: it may have been merged into another one since
    key_id uuid not null,
    old jsonb,                               -- null: there was no value, so the initial one counted
    new jsonb,                               -- null: back to the initial value
    author text not null check (author in ('agent', 'api')),
    call_key text,                           -- of the tool call that did it
    turn_id uuid,
    message_id uuid,                         -- the customer's last message before it
    at timestamptz not null,
    primary key (organisation_id, id),
    foreign key (organisation_id, key_id) references capabilities (organisation_id, id) on delete cascade
);
create index memory_changes_by_key on memory_changes (organisation_id, key_id, contact_id, at);
create index memory_changes_by_call on memory_changes (organisation_id, call_key) where call_key is not null;

-- From a contact to those that turned out to be the same person.
create index contacts_merged on contacts (organisation_id, merged_into) where merged_into is not null;
