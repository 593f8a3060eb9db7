"""Every column that can hold words is either taken by an erasure, or holds nothing of a customer, and says why: a new one cannot be forgotten.

Columns of fixed words, ids, numbers and times are columns all the same: one that is added stands here or fails the test. That nothing is
left for real is what tests/stories/test_erasing.py looks for.
"""

import re

from dragoman.conversations import erasing_queries, erasing_rest_queries

# Tables whose rows of the person are deleted whole, whatever columns they have or get.
ROWS_GO = {
    "appointments", "contact_identities", "contact_merges", "contacts", "conversations", "credit_accounts", "deliveries", "happenings", "media",
    "memories", "memory_changes", "messages", "paywall_passes", "paywall_reached", "send_attempts", "sessions", "statuses", "suppressions",
    "tool_calls", "transfers", "turns", "usage_days", "wakeups",
}  # fmt: skip

# Whole rows too, but by what stands in them.
FOUND_BY_CONTENT = {
    "idempotency_keys": "answers are sealed; the job opens them and looks for the person (48 hours old at most)",
    "kept_events": "webhooks as they came; the job looks in them for phone numbers and user ids",
    "procrastinate_jobs": "what was to be done for the person later is deleted; the arguments of all others are ids",
}

# Rows that stay because the books need them, without these columns.
EMPTIED = {
    "campaign_recipients": {"given", "variables", "cause"},
    "credit_entries": {"reason", "key"},
    "generations": {"response"},
}

_FIXED = "one of our own words"
_SETTING = "what the business has set up about itself"
_SECRET = "a secret of the business, sealed or hashed"
_META = "an id or a word of WhatsApp's about the business's own account"
_KNOWLEDGE = "the business's own knowledge: what it writes about a person into a document, it deletes with the document"
_QUEUE = "the queue's own"

HOLDS_NOTHING = {
    _FIXED: "agents.burst agents.kind agents.resend agents.reasoning_effort api_keys.permissions campaign_recipients.fate campaign_recipients.state "
    "campaigns.cause campaigns.state campaigns.time_zone capabilities.kind connectors.auth connectors.status documents.kind documents.state "
    "documents.mime_type generations.purpose generations.paid_by integrations.kind members.permissions model_providers.kind numbers.routing "
    "numbers.paused_reason actions.timing actions.type alembic_version.version_num erasures.counts erasures.objects generations.model",
    _SETTING: "actions.config actions.description actions.name agents.config agents.description agents.disabled_cause agents.fallback_message "
    "agents.first_message agents.icebreakers agents.llm_model agents.name agents.native agents.profile_picture agents.system_prompt "
    "agents.webhook_url api_keys.description api_keys.name campaigns.details campaigns.name campaigns.template capabilities.config "
    "connector_sign_ins.url connector_tools.approved connector_tools.latest connector_tools.name connectors.description connectors.logo "
    "connectors.name connectors.problem connectors.slug connectors.url integrations.config integrations.name members.email members.name "
    "model_providers.base_url model_providers.name numbers.name organisations.name",
    _SECRET: "actions.secrets agents.previous_secret agents.webhook_secret api_keys.key_hash api_keys.prefix apps.app_secret apps.previous_app_secret "
    "apps.verify_token capabilities.secrets connector_sign_ins.flow connector_sign_ins.state_hash connectors.grant_held connectors.secrets "
    "integrations.secrets members.password_hash model_providers.api_key numbers.access_token",
    _META: "apps.app_id numbers.app_id numbers.display_number numbers.phone_number_id numbers.waba_id",
    _KNOWLEDGE: "documents.cause documents.model documents.name documents.object_key documents.settings documents.sha256 documents.url "
    "knowledge_bases.description knowledge_bases.name passage_vectors.embedding passage_vectors.model passage_words.stem passage_words.word "
    "passages.heading passages.text passages.tsv passages.url",
    _QUEUE: "procrastinate_events.type procrastinate_periodic_defers.periodic_id procrastinate_periodic_defers.task_name",
    "what is counted for ten minutes, under hashes and ids": "rate_windows.scope",
}  # fmt: skip

WORDS = {"text", "json", "jsonb", "bytea", "character varying", "character", "tsvector", "USER-DEFINED", "xml", "inet"}
LISTS_OF_OTHERS = {"_uuid", "_int2", "_int4", "_float4"}


async def columns(database):
    rows = await database.fetch(
        """select c.table_name, c.column_name, c.data_type, c.udt_name from information_schema.columns c
           join information_schema.tables t using (table_schema, table_name)
           where c.table_schema = 'public' and t.table_type = 'BASE TABLE'"""
    )
    return {
        (row["table_name"], row["column_name"])
        for row in rows
        if row["data_type"] in WORDS or (row["data_type"] == "ARRAY" and row["udt_name"] not in LISTS_OF_OTHERS)
    }


async def undecided(database):
    nothing = {tuple(one.split(".")) for names in HOLDS_NOTHING.values() for one in names.split()}
    emptied = {(table, column) for table, names in EMPTIED.items() for column in names}
    return {
        (table, column)
        for table, column in await columns(database) - nothing - emptied
        if table not in ROWS_GO and table not in FOUND_BY_CONTENT
    }


async def test_every_column_that_can_hold_words_is_decided_about(database):
    assert await undecided(database) == set(), "erase it in `erasing_queries`, or say here why it holds nothing of a customer"
    await database.execute("alter table agents add column told_of_customers text")
    assert await undecided(database) == {("agents", "told_of_customers")}


async def test_no_column_stands_here_that_is_not_there(database):
    there = await columns(database)
    named = {tuple(one.split(".")) for names in HOLDS_NOTHING.values() for one in names.split()}
    named |= {(table, column) for table, names in EMPTIED.items() for column in names}
    assert named - there - {("passage_vectors", "embedding"), ("passage_vectors", "model")} == set()
    assert {*ROWS_GO, *FOUND_BY_CONTENT} - {table for table, _ in there} <= {
        "credit_accounts",
        "paywall_passes",
        "paywall_reached",
        "usage_days",
    }


def test_what_is_said_to_go_is_in_the_statements():
    deleted = set(re.findall(r"delete from (\w+)", erasing_queries.ERASE))
    assert deleted - {"idempotency_keys", "procrastinate_jobs"} == ROWS_GO
    assert set(re.findall(r"delete from (\w+)", erasing_rest_queries.FORGET_EVENTS + erasing_rest_queries.FORGET_ANSWER)) == {
        "kept_events",
        "idempotency_keys",
    }
    for table, names in EMPTIED.items():
        assigned = " ".join(part for part in erasing_queries.PARTS.values() if part.startswith(f"update {table} "))
        assert {name for name in names if re.search(rf"\b{name} = ", assigned)} == names, table


def test_every_table_is_vacuumed_that_has_lost_words():
    vacuumed = set(re.findall(r"\w+", erasing_rest_queries.VACUUM.partition(")")[2]))
    assert (ROWS_GO | set(EMPTIED) | {"kept_events", "idempotency_keys"}) - vacuumed == set()
