"""The SQL of outbound triggers. Who calls one proves it by its secret, so the first look-up has no organisation to go by."""

TRIGGER = """
with t as (
    select c.organisation_id, c.agent_id from capabilities c
    join agents a on a.organisation_id = c.organisation_id and a.id = c.agent_id and a.deleted_at is null
    where c.id = %(id)s and c.kind = 'outbound_triggers'
),
counted as (
    insert into rate_windows (scope, minute, count) select %(scope)s, date_trunc('minute', %(now)s::timestamptz), 1 from t
    on conflict (scope, minute) do update set count = rate_windows.count + 1
    returning count
)
select t.*, counted.count from t cross join counted
"""

BOUND = "select agent_id, owner from conversations where organisation_id = %(organisation_id)s and id = %(conversation_id)s"
