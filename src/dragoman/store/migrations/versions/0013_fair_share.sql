-- The oldest that are due of each organisation, however many of another's stand before them (see CLAIM_FAIRLY).
create index conversations_due_by_organisation on conversations (organisation_id, due_at) where due_at is not null;
