"""The SQL of agents."""

_AGENT = """organisation_id, id, number, kind, name, description, system_prompt, first_message, profile_picture, icebreakers, llm_model,
    reasoning_effort, config, native, webhook_url, webhook_secret, previous_secret, previous_secret_until, timeout_seconds, retry_delays,
    burst, automatic_turns, fallback_message, resend, disabled_at, disabled_cause, created_at, updated_at"""

CREATE = f"""
insert into agents (organisation_id, id, kind, name, description, system_prompt, first_message, profile_picture, icebreakers,
    llm_model, reasoning_effort, config, native, webhook_url, webhook_secret, timeout_seconds, retry_delays, burst, automatic_turns,
    fallback_message, resend, created_at, updated_at)
values (%(organisation_id)s, %(id)s, %(kind)s, %(name)s, %(description)s, %(system_prompt)s, %(first_message)s, %(profile_picture)s,
    %(icebreakers)s, %(llm_model)s, %(reasoning_effort)s, %(config)s, %(native)s, %(webhook_url)s, %(webhook_secret)s, %(timeout_seconds)s,
    %(retry_delays)s, %(burst)s, %(automatic_turns)s, %(fallback_message)s, %(resend)s, %(now)s, %(now)s)
returning {_AGENT}
"""

GET = f"select {_AGENT} from agents where organisation_id = %(organisation_id)s and id = %(id)s and deleted_at is null"

LISTING = f"""
select {_AGENT} from agents
where organisation_id = %(organisation_id)s and deleted_at is null and (%(kind)s::text is null or kind = %(kind)s)
order by created_at desc, id desc limit %(limit)s offset %(offset)s
"""

COUNT = """
select count(*) as count from agents
where organisation_id = %(organisation_id)s and deleted_at is null and (%(kind)s::text is null or kind = %(kind)s)
"""

BY_NUMBER = f"select {_AGENT} from agents where organisation_id = %(organisation_id)s and number = %(number)s and deleted_at is null"

# {assignments} is made of column names from `records.CHANGEABLE`.
UPDATE = f"""
update agents set {{assignments}}, updated_at = %(now)s
where organisation_id = %(organisation_id)s and id = %(id)s and deleted_at is null
returning {_AGENT}
"""

ROTATE = f"""
update agents
set previous_secret = webhook_secret, previous_secret_until = %(until)s, webhook_secret = %(webhook_secret)s, updated_at = %(now)s
where organisation_id = %(organisation_id)s and id = %(id)s and deleted_at is null
returning {_AGENT}
"""


# A message's seq counts the messages of its conversation, so the last one is how many there are.
TOTALS = """
select agent_id, count(*) as sessions, coalesce(sum(last_seq), 0)::bigint as messages from conversations
where organisation_id = %(organisation_id)s and agent_id = any(%(agents)s)
group by agent_id
"""

SOME = f"select {_AGENT} from agents where organisation_id = %(organisation_id)s and id = any(%(agents)s) and deleted_at is null"

SWITCHED_OFF = """
select id, name, disabled_at, disabled_cause from agents
where organisation_id = any(%(organisations)s) and disabled_at is not null and deleted_at is null order by disabled_at, id
"""
