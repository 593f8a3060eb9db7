"""A database in which every table that grows has grown: what a busy bakery has after some months, made in a second or two.

Rows are named by md5 of what they are, so that those of different tables find each other: conversation 7 is with contact 7, and so on.
Every tenth belongs to Rival. Nothing here is random, and `analyze` has seen it all.
"""

# What a business sets up by hand: a few rows, which PostgreSQL may well read through.
SETTINGS = {
    "actions", "agent_actions", "agent_knowledge_bases", "agents", "api_keys", "apps", "capabilities", "connector_sign_ins",
    "connector_tools", "connectors", "integrations", "knowledge_bases", "members", "model_providers", "numbers", "organisations", "workers",
}  # fmt: skip

NUMBERS_SETUP = """
set session_replication_role = replica;
create function pg_temp.u(text) returns uuid immutable language sql as 'select md5($1)::uuid';
create function pg_temp.o(n int) returns uuid immutable language sql as $$ select md5(case when n % 10 = 0 then 'rival' else 'lumen' end)::uuid $$;
insert into organisations select pg_temp.u(name), name, now() from unnest(array['lumen', 'rival']) name;
insert into apps select pg_temp.u(name), pg_temp.u(name), name, '', null, '', now() from unnest(array['lumen', 'rival']) name;
insert into agents (organisation_id, id, kind, name, created_at, updated_at)
select pg_temp.u(name), pg_temp.u(name || n), 'byoa', 'Agent', now(), now() from unnest(array['lumen', 'rival']) name, generate_series(1, 5) n;
insert into numbers (organisation_id, id, app_id, phone_number_id, waba_id, display_number, access_token, routing, agent_id, created_at)
select pg_temp.u(name), pg_temp.u(name), name, name, '1', '1555', '', 'agent', pg_temp.u(name || 1), now() from unnest(array['lumen', 'rival']) name;
insert into capabilities (organisation_id, id, agent_id, kind, position, config, created_at, updated_at)
select pg_temp.u('lumen'), pg_temp.u('key' || n), pg_temp.u('lumen' || n), 'memory_keys', n, '{}', now(), now() from generate_series(1, 5) n;
insert into knowledge_bases (organisation_id, id, name, created_at, updated_at) values (pg_temp.u('lumen'), pg_temp.u('base'), 'Base', now(), now());
"""

# {n}: the number of the row; {o}, {u}: its organisation, and the id of something with that number.
TABLES = {
    "contacts": ("organisation_id, id, profile_name, phone, bsuid, created_at, updated_at", "{o}, {u:contact}, 'Guest', '1777' || {n}, 'B' || {n}, {at}, {at}"),
    "contact_identities": ("organisation_id, kind, value, contact_id, first_seen_at", "{o}, 'phone', '1777' || {n}, {u:contact}, {at}"),
    "contact_identities ": ("organisation_id, kind, value, contact_id, first_seen_at", "{o}, 'bsuid', 'B' || {n}, {u:contact}, {at}"),
    "contact_merges": ("organisation_id, id, kept_id, merged_id, reason, identities, merged_at", "{o}, {u:merge}, {u:contact}, {u:contact}, '', '{{}}', {at}"),
    "conversations": (
        "organisation_id, id, number_id, contact_id, agent_id, last_seq, wanted_seq, answered_seq, queued_seq, send_at, lease_until, last_message_at, window_until, unread, created_at, updated_at",
        "{o}, {u:talk}, {o}, {u:contact}, {agent}, 3, 1, 1, 3, case when {n} % 100 = 1 then {at} end, case when {n} % 500 = 1 then now() end, {at}, {at} + interval '1 day', {n} % 2, {at}, {at}",
    ),
    "messages": (
        "organisation_id, id, conversation_id, seq, direction, author, type, content, number_id, wamid, state, turn_id, attempt_id, wants_answer, said_at, created_at",
        "{o}, {u:said}, {u:talk}, 1, 'in', 'customer', 'text', '{{\"type\": \"text\", \"text\": \"Is it ready?\"}}', {o}, 'in' || {n}, 'received', null, null, true, {at}, {at}",
    ),
    "messages ": (
        "organisation_id, id, conversation_id, seq, direction, author, type, content, number_id, wamid, state, turn_id, attempt_id, said_at, created_at",
        "{o}, {u:reply}, {u:talk}, 2, 'out', 'agent', 'text', '{{\"type\": \"text\", \"body\": \"It is.\"}}', {o}, 'out' || {n}, 'read', {u:turn}, {u:attempt}, {at}, {at}",
    ),
    "messages  ": (
        "organisation_id, id, conversation_id, seq, direction, author, type, content, number_id, state, turn_id, said_at, created_at",
        "{o}, {u:more}, {u:talk}, 3, 'out', 'agent', 'text', '{{\"type\": \"text\", \"body\": \"Bye.\"}}', {o}, case when {n} % 100 = 1 then 'queued' else 'read' end, {u:turn}, {at}, {at}",
    ),
    "media": ("organisation_id, id, message_id, conversation_id, graph_id, kind, mime_type, state, created_at", "{o}, {u:file}, {u:said}, {u:talk}, {n}, 'image', 'image/png', case when {n} % 200 = 1 then 'pending' else 'ready' end, {at}"),
    "turns": (
        "organisation_id, id, conversation_id, agent_id, epoch, from_seq, through_seq, state, callback_hash, callback_until, opened_at, closed_at",
        "{o}, {u:turn}, {u:talk}, {agent}, 0, 1, 1, case when {n} % 100 = 1 then 'open' else 'answered' end, {n}::text::bytea, {at}, {at}, {at}",
    ),
    "deliveries": ("organisation_id, id, turn_id, agent_id, conversation_id, attempt, url, started_at, duration_ms, outcome", "{o}, {u:delivery}, {u:turn}, {agent}, {u:talk}, 1, '', {at}, 1, 'answered'"),
    "send_attempts": ("organisation_id, id, message_id, conversation_id, started_at, ended_at, outcome", "{o}, {u:attempt}, {u:reply}, {u:talk}, {at}, {at}, case when {n} % 100 = 1 then 'unknown' else 'accepted' end"),
    "statuses": ("organisation_id, id, number_id, message_id, wamid, status, said_at, received_at", "{o}, {u:status}, {o}, {u:reply}, 'out' || {n}, 'sent', {at}, {at}"),
    "statuses ": ("organisation_id, id, number_id, message_id, wamid, status, said_at, received_at", "{o}, {u:read}, {o}, case when {n} % 100 > 0 then {u:reply} end, 'out' || {n}, 'read', {at}, {at}"),
    "transfers": ("organisation_id, id, conversation_id, owner, epoch, reason, at", "{o}, {u:transfer}, {u:talk}, 'agent', 1, '', {at}"),
    "kept_events": ("id, organisation_id, field, reason, raw, received_at", "{u:event}, {o}, '', '', '', {at}"),
    "idempotency_keys": ("organisation_id, scope, key, body_hash, status, created_at", "{o}, 'scope', 'key' || {n}, '', 201, now() - {n} * interval '15 seconds'"),
    "rate_windows": ("scope, minute, count", "'scope' || {n}, now() - {n} % 10 * interval '1 minute', 1"),
    "sessions": ("organisation_id, id, conversation_id, agent_id, contact_id, from_seq, opened_at, closed_at", "{o}, {u:session}, {u:talk}, {agent}, {u:contact}, 1, {at}, case when {n} % 10 > 1 then {at} end"),
    "generations": ("organisation_id, id, turn_id, agent_id, conversation_id, contact_id, position, purpose, model, prompt_tokens, response_tokens, paid_by, duration_ms, created_at", "{o}, {u:generation}, {u:turn}, {agent}, {u:talk}, {u:contact}, 0, 'answer', '', 1, 1, 'organisation', 1, {at}"),
    "tool_calls": (
        "organisation_id, id, turn_id, conversation_id, agent_id, contact_id, position, call_id, tool, type, args, acts, state, started_at",
        "{o}, {u:call}, {u:turn}, {u:talk}, {agent}, {u:contact}, 0, 'call', 'tool', 'api', '{{}}', true, case when {n} % 100 = 1 then 'held' else 'done' end, {at}",
    ),
    "usage_days": ("organisation_id, agent_id, contact_id, day", "{o}, {agent}, {u:contact}, {at}"),
    "happenings": ("organisation_id, id, conversation_id, kind, at", "{o}, {u:happening}, {u:talk}, 'opted_out', {at}"),
    "wakeups": (
        "organisation_id, id, conversation_id, agent_id, source, key, at, instruction, state, created_at",
        "{o}, {u:wakeup}, {u:talk}, {agent}, 'agent', 'key' || {n}, {at}, '', case when {n} % 100 = 1 then 'pending' else 'said' end, {at}",
    ),
    "paywall_passes": ("organisation_id, agent_id, contact_id, paid, at", "{o}, {agent}, {u:contact}, true, {at}"),
    "paywall_reached": ("organisation_id, agent_id, contact_id, turn_id, at", "{o}, {agent}, {u:contact}, {u:turn}, {at}"),
    "credit_accounts": ("organisation_id, agent_id, contact_id, balance", "{o}, {agent}, {u:contact}, 5"),
    "credit_entries": ("organisation_id, id, agent_id, contact_id, delta, reason, key, at", "{o}, {u:entry}, {agent}, {u:contact}, 5, '', 'initial', {at}"),
    "memories": ("organisation_id, contact_id, key_id, value, author, updated_at", "{o}, {u:contact}, pg_temp.u('key1'), '1', 'agent', {at}"),
    "memory_changes": ("organisation_id, id, contact_id, key_id, new, author, call_key, at", "{o}, {u:change}, {u:contact}, pg_temp.u('key1'), '1', 'agent', 'call' || {n}, {at}"),
    "campaigns": (
        "organisation_id, id, name, state, agent_id, template, start_at, delay, days, start_hour, end_hour, time_zone, ignore_suppression, details, duplicates, created_at, updated_at",
        "{o}, {u:campaign}, '', 'running', {agent}, '{{}}', {at}, 1, '{{1}}', 8, 20, 'UTC', false, '{{}}', 0, {at}, {at}",
    ),
    "campaign_senders": ("organisation_id, campaign_id, number_id, position, batch, batch_at", "{o}, {u:campaign}, {o}, 0, array[{u:more}], case when {n} % 1000 = 1 then now() else {at} end"),
    "campaign_recipients": (
        "organisation_id, campaign_id, position, given, number_id, contact_id, state, message_id",
        "{o}, md5('campaign' || {n} / 500 * 500 + 1)::uuid, {n}, '', {o}, {u:contact}, case when {n} % 3 = 0 then 'waiting' else 'queued' end, case when {n} % 3 > 0 then {u:more} end",
    ),
    "suppressions": ("organisation_id, phone, reason, at", "{o}, '1777' || {n}, '', {at}"),
    "erasures": ("organisation_id, id, contact_id, contacts, conversations, turns, names, objects, counts, asked_at", "{o}, {u:erasure}, {u:gone}, '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', {at}"),
    "erased_references": ("organisation_id, reference, until", "{o}, {u:reference}, {at} + interval '30 days'"),
    "erased_stops": ("organisation_id, reference, opted_out_at", "{o}, {u:stop}, {at}"),
    "appointments": ("organisation_id, id, action_id, calendar, start_at, end_at, contact_id, call_key, created_at", "{o}, {u:appointment}, pg_temp.u('action'), 'c' || {n} % 50, {at}, {at}, {u:contact}, 'call' || {n}, {at}"),
    "documents": ("organisation_id, id, knowledge_base_id, name, kind, state, created_at, updated_at", "{o}, {u:document}, md5('base' || {n} % 50)::uuid, '', 'faq', case when {n} % 100 = 1 then 'pending' else 'ready' end, {at}, {at}"),
    "passages": ("organisation_id, document_id, version, position, knowledge_base_id, heading, text, tokens, tsv", "{o}, {u:document}, 1, 0, md5('base' || {n} % 50)::uuid, '', 'bread', 1, to_tsvector('simple', 'bread w' || {n} % 500)"),
    "passage_words": ("organisation_id, knowledge_base_id, word, stem, passages", "{o}, md5('base' || {n} % 50)::uuid, 'w' || {n}, 's' || {n}, 1"),
}  # fmt: skip


class _Names:
    """`{u:contact}` is the id of contact n."""

    def __format__(self, what):
        return f"md5('{what}' || n)::uuid"


def fill(connection, rows):
    """Lumen and Rival have so many of everything."""
    for statement in NUMBERS_SETUP.split(";\n"):
        if statement.strip():
            connection.execute(statement)
    own = {
        "n": "n",
        "o": "pg_temp.o(n)",
        "u": _Names(),
        "agent": "md5(case when n % 10 = 0 then 'rival' else 'lumen' end || n % 5 + 1)::uuid",
    }
    own["at"] = "now() - n * interval '1 minute'"
    for table, (columns, values) in TABLES.items():
        connection.execute(f"insert into {table} ({columns}) select {values.format(**own)} from generate_series(1, {rows}) n")
    connection.execute("reset session_replication_role")
    connection.execute("vacuum analyze")


def growing(connection):
    """The tables that grow with what customers do. procrastinate keeps its own in order."""
    rows = connection.execute("select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace").fetchall()
    names = {name for (name,) in rows if not name.startswith(("procrastinate_", "alembic_"))}
    return names - SETTINGS
