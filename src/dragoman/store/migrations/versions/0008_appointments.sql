-- Appointments that agents have booked in calendars of the business.

create table appointments (
    organisation_id uuid not null references organisations (id),
    id uuid not null,
    action_id uuid not null,                 -- no reference: what was booked outlives the action
    calendar text not null,                  -- its address, in lower case
    start_at timestamptz not null,
    end_at timestamptz not null,
    contact_id uuid not null,                -- as it was then: it may have been merged into another one since
    call_key text not null,                  -- of the call that booked it; a call books once
    event_id text,                           -- null until the calendar has said yes
    created_at timestamptz not null,
    primary key (organisation_id, id),
    unique (organisation_id, call_key),
    foreign key (organisation_id, contact_id) references contacts (organisation_id, id)
);
create index appointments_by_age on appointments (organisation_id, created_at);
create index appointments_by_contact on appointments (organisation_id, contact_id, start_at);
