-- MCP servers that agents may use: where they are, who we are there, and what their tools were when somebody approved them.

create table connectors (
    organisation_id uuid not null references organisations (id),
    id uuid not null,
    name text not null,
    description text not null,
    slug text not null,                      -- the first part of its tools' names
    url text not null,
    logo text,
    auth text not null check (auth in ('none', 'bearer', 'oauth')),
    status text not null check (status in ('connected', 'needs_authorization', 'error')),
    problem text,                            -- why it is not connected
    secrets bytea,                           -- sealed: the token, headers, an OAuth client of the organisation's own
    grant_held bytea,                        -- sealed: what a sign-in gave us, for this url only
    renewing_until timestamptz,              -- somebody is renewing the grant
    listed_at timestamptz,                   -- null: the tools at this url were never seen
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (organisation_id, id)
);
create unique index connectors_by_slug on connectors (organisation_id, slug);

-- `approved` and `latest` are `agents.mcp.tools.Definition` as JSON: what the model is told, and what the server says now where that
-- differs. A tool is offered while it has an approved definition, no later one, and the server lists it.
create table connector_tools (
    organisation_id uuid not null,
    id uuid not null,
    connector_id uuid not null,
    name text not null,
    position smallint not null,
    approved json,                           -- json, which keeps the order in which a server lists arguments
    latest json,
    listed boolean not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (organisation_id, id),
    foreign key (organisation_id, connector_id) references connectors (organisation_id, id)
);
create unique index connector_tools_by_name on connector_tools (organisation_id, connector_id, name);

-- A sign-in that was begun and whose answer is awaited. It is found by the hash of its state, and is deleted as it is found.
create table connector_sign_ins (
    organisation_id uuid not null,
    id uuid not null,
    connector_id uuid not null,
    state_hash bytea not null,
    url text not null,                       -- of the connector, when it was begun
    flow bytea not null,                     -- sealed: the verifier and where to bring the code
    expires_at timestamptz not null,
    primary key (organisation_id, id),
    foreign key (organisation_id, connector_id) references connectors (organisation_id, id)
);
create unique index connector_sign_ins_by_state on connector_sign_ins (state_hash);
create index connector_sign_ins_by_connector on connector_sign_ins (organisation_id, connector_id);
