"""The SQL of switching an agent's webhook off. A delivery to an address that was changed meanwhile says nothing about the new one."""

_THIS = """organisation_id = %(organisation_id)s and id = %(agent_id)s and webhook_url = %(url)s and disabled_at is null and deleted_at is null"""

FAILS = f"update agents set failing_since = %(since)s where {_THIS} and failing_since is null"

WORKS = f"update agents set failing_since = null where {_THIS} and failing_since is not null"

GONE = f"update agents set disabled_at = %(now)s, disabled_cause = %(cause)s where {_THIS} returning true as off"

# A delivery that succeeded beside the one that failed first may not have known of it, so those on record are asked before the last
# word. One that had begun before (an answer takes a minute at most) and ended after it counts.
FAILED_FOR_LONG = f"""
with failing as (
    select organisation_id, id, failing_since from agents where {_THIS} and failing_since <= %(before)s for update
),
seen as (
    select f.*, exists (
        select from deliveries d
        where d.organisation_id = f.organisation_id and d.agent_id = f.id and d.started_at > f.failing_since - interval '2 minutes'
          and d.started_at + d.duration_ms * interval '1 millisecond' >= f.failing_since
          and d.outcome in ('answered', 'silent', 'unrecognised') and d.conversation_id is not null
    ) as worked
    from failing f
)
update agents a
set failing_since = case when s.worked then %(now)s else a.failing_since end,
    disabled_at = case when not s.worked then %(now)s end,
    disabled_cause = case when not s.worked then %(cause)s end
from seen s where a.organisation_id = s.organisation_id and a.id = s.id
returning not s.worked as off
"""
