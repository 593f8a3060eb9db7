"""The SQL of numbers without statuses."""

# Of all organisations, like a claim. That a status has come is asked only of a number that seems to have none: ids sort by age, so
# these are the statuses of the last hour.
LISTEN = """
with looked as materialized (
    select n.organisation_id, n.id, n.statuses_missing_since, (
        select count(*) from (
            select from messages m
            where m.organisation_id = n.organisation_id and m.number_id = n.id and m.state = 'accepted'
              and m.status_at > %(since)s and m.status_at <= %(until)s
            limit %(enough)s
        ) waiting) >= %(enough)s as waits
    from numbers n
)
select l.organisation_id, l.id, s.heard is not null as heard
from looked l left join lateral ( -- the newest first, by the table's own key
    select true as heard from statuses s
    where s.organisation_id = l.organisation_id and s.id > %(oldest)s and s.number_id = l.id
      and s.received_at > greatest(l.statuses_missing_since, %(since)s)
    order by s.id desc limit 1
) s on true
where l.waits or l.statuses_missing_since is not null
"""

# A row for the one worker that is to say it.
SILENT = """
update numbers
set statuses_missing_since = coalesce(statuses_missing_since, %(now)s), statuses_warned_at = %(now)s
where organisation_id = %(organisation_id)s and id = %(number_id)s
  and (statuses_missing_since is null or statuses_warned_at <= %(before)s)
returning statuses_missing_since
"""

HEARD = """
update numbers set statuses_missing_since = null
where organisation_id = %(organisation_id)s and id = %(number_id)s and statuses_missing_since is not null
"""
