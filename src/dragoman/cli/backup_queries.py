"""The SQL that lays aside what was under way when a backup was made, in every organisation. It runs before any server does."""

# What is counted for the operator, in this order: a sending message is asked for before the queued ones are thrown away.
ASIDE = {
    "messages whose sending nobody can vouch for": """
with ended as (
    update send_attempts set outcome = 'unknown', ended_at = %(now)s where outcome is null
)
update messages set state = 'unknown', cause = %(likely)s, not_before = null, status_at = %(now)s
where state = 'sending' or (state = 'unknown' and not_before is not null)
""",
    "messages that waited to be sent": """
update messages set state = 'discarded', cause = %(cause)s, status_at = %(now)s where state = 'queued'
""",
    "turns": """
update turns set state = 'failed', cause = %(cause)s, closed_at = %(now)s where state = 'open'
""",
    "wake-ups": """
update wakeups set state = 'cancelled', cause = %(cause)s, ended_at = %(now)s
where state = 'thinking' or (state = 'pending' and at <= %(now)s)
""",
    "campaigns": """
update campaigns set state = 'paused', cause = %(cause)s, updated_at = %(now)s
where state = 'running' or (state = 'scheduled' and start_at <= %(now)s)
""",
    # Documents are read again, and an erasure is brought to its end; what speaks to somebody outside is not done twice.
    "jobs": """
update procrastinate_jobs set status = 'cancelled'
where status in ('todo', 'doing') and task_name not like 'knowledge.%%' and task_name not in ('campaign.batch', 'contacts.erase')
  and (scheduled_at is null or scheduled_at <= %(now)s)
""",
}

AT_REST = """
update conversations c
set turn_id = null, think_at = null, send_at = null, answered_seq = greatest(answered_seq, wanted_seq), lease_until = null, worker_id = null,
    lost = 0, wake_at = (select min(w.at) from wakeups w
                         where w.organisation_id = c.organisation_id and w.conversation_id = c.id and w.state = 'pending')
where due_at is not null or turn_id is not null or worker_id is not null or answered_seq < wanted_seq
"""
