-- Erasure of a person: what was erased and when, and what must be known of him afterwards so that he stays erased.

-- The report, and the tombstone for a backup that is restored later. The ids lead to nobody any more.
create table erasures (
    organisation_id uuid not null references organisations (id),
    id uuid not null,
    contact_id uuid not null,                -- by which it was asked for
    contacts uuid[] not null,                -- with those that had turned out to be the same person
    conversations uuid[] not null,
    turns uuid[] not null,                   -- those that were open: what they still write is looked for
    names uuid[] not null,                   -- keyed hashes of phone numbers and user ids
    objects text[] not null,                 -- files to take away; none once that is done
    counts jsonb not null,                   -- of what, how much
    asked_at timestamptz not null,
    finished_at timestamptz,                 -- null while files are still to be taken away
    primary key (organisation_id, id)
);
create unique index erasures_by_contact on erasures (organisation_id, contact_id);

-- Keyed hashes of what WhatsApp may say again about messages that are gone (redelivered webhooks, late statuses): it is taken and forgotten.
create table erased_references (
    organisation_id uuid not null,
    reference uuid not null,
    until timestamptz not null,
    primary key (organisation_id, reference)
);
create index erased_references_by_age on erased_references (until);

-- A STOP, and a place on the business's own list, outlive the person: keyed hashes of his phone number and user id.
create table erased_stops (
    organisation_id uuid not null,
    reference uuid not null,
    opted_out_at timestamptz,
    suppressed_at timestamptz,
    primary key (organisation_id, reference)
);

-- How it ended for somebody who was erased, whose message cannot be asked any more.
alter table campaign_recipients add column fate text, add column replied boolean;

-- What a conversation used of models outside its turns.
create index generations_outside_turns on generations (organisation_id, conversation_id) where turn_id is null;

-- With whom a contact was merged.
create index contact_merges_by_kept on contact_merges (organisation_id, kept_id);
create index contact_merges_by_merged on contact_merges (organisation_id, merged_id);
