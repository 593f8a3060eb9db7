"""The SQL of accounts. Only four statements start without an organisation, because finding it out is what they are for:
`AUTHENTICATE` (by the key's hash), `LOGIN` (by the e-mail), `APP_BY_ID` (by the webhook's path) and the organisations' own."""

CREATE_ORGANISATION = """
insert into organisations (id, name, created_at) values (%(id)s, %(name)s, %(now)s)
"""

LOCK_ORGANISATIONS = "select pg_advisory_xact_lock(hashtext('dragoman organisations'))"

OLDEST_ORGANISATION = "select id, name, created_at from organisations order by created_at, id limit 1"

ORGANISATIONS = "select id, name, created_at from organisations order by created_at, id"

ORGANISATION = "select id, name, created_at from organisations where id = %(id)s"

ORGANISATIONS_NAMED = "select id, name, created_at from organisations where name = %(name)s order by created_at, id limit 2"

_KEY = "organisation_id, id, prefix, name, description, permissions, created_at, last_used_at, expires_at, revoked_at"

CREATE_KEY = f"""
insert into api_keys (organisation_id, id, prefix, name, description, permissions, key_hash, created_at, expires_at)
values (%(organisation_id)s, %(id)s, %(prefix)s, %(name)s, %(description)s, %(permissions)s, %(key_hash)s, %(now)s, %(expires_at)s)
returning {_KEY}
"""

KEYS = f"select {_KEY} from api_keys where organisation_id = %(organisation_id)s order by created_at, id"

REVOKE_KEY = f"""
update api_keys set revoked_at = coalesce(revoked_at, %(now)s)
where organisation_id = %(organisation_id)s and prefix = %(prefix)s
returning {_KEY}
"""

# One round trip for each API request: is the key good, is it within its rate, and when was it last used.
AUTHENTICATE = """
with found as (
    select organisation_id, id, prefix, permissions from api_keys
    where key_hash = %(key_hash)s and revoked_at is null and (expires_at is null or expires_at > %(now)s)
), counted as (
    insert into rate_windows (scope, minute, count)
    select 'key:' || id, date_trunc('minute', %(now)s), 1 from found
    on conflict (scope, minute) do update set count = rate_windows.count + 1
    returning count
), used as (
    update api_keys set last_used_at = %(now)s from found
    where api_keys.organisation_id = found.organisation_id and api_keys.id = found.id
      and (last_used_at is null or last_used_at < %(now)s - interval '1 minute')
)
select found.organisation_id, found.prefix, found.permissions, counted.count from found, counted
"""

# The same for a token: it is good while nobody has called back those of its time.
BY_SIGNED_CLAIMS = """
with found as (
    select o.id as organisation_id, m.permissions, m.id as member_id from organisations o
    left join members m on m.organisation_id = o.id and m.id = %(member_id)s
    where o.id = %(organisation_id)s and (o.tokens_from is null or o.tokens_from <= %(issued_at)s)
      and (%(member_id)s::uuid is null or m.tokens_from <= %(issued_at)s)
), counted as (
    insert into rate_windows (scope, minute, count)
    select 'token:' || %(jti)s, date_trunc('minute', %(now)s), 1 from found
    on conflict (scope, minute) do update set count = rate_windows.count + 1
    returning count
)
select found.organisation_id, found.permissions, counted.count from found, counted
"""

CALL_TOKENS_BACK = "update organisations set tokens_from = %(now)s where id = %(organisation_id)s"

# How often something was tried in this minute.
COUNT_TRY = """
insert into rate_windows (scope, minute, count) values (%(scope)s, date_trunc('minute', %(now)s), 1)
on conflict (scope, minute) do update set count = rate_windows.count + 1
returning count
"""

_MEMBER = "organisation_id, id, email, name, permissions, created_at"

PUT_MEMBER = f"""
insert into members (organisation_id, id, email, name, password_hash, permissions, tokens_from, created_at)
values (%(organisation_id)s, %(id)s, %(email)s, %(name)s, %(password_hash)s, %(permissions)s, %(now)s, %(now)s)
on conflict (email) do update
    set name = excluded.name, password_hash = excluded.password_hash, permissions = excluded.permissions, tokens_from = excluded.tokens_from
    where members.organisation_id = excluded.organisation_id
returning {_MEMBER}
"""

MEMBERS = f"select {_MEMBER} from members where organisation_id = %(organisation_id)s order by email"

# By the e-mail alone, because who logs in does not know the organisation's id.
LOGIN = f"select {_MEMBER}, password_hash from members where email = %(email)s"

REMOVE_MEMBER = "delete from members where organisation_id = %(organisation_id)s and email = %(email)s returning id"

_APP = "organisation_id, id, app_id, app_secret, previous_app_secret, verify_token, created_at"

PUT_APP = f"""
insert into apps (organisation_id, id, app_id, app_secret, verify_token, created_at)
values (%(organisation_id)s, %(id)s, %(app_id)s, %(app_secret)s, %(verify_token)s, %(now)s)
on conflict (app_id) do update
    set previous_app_secret = apps.app_secret, app_secret = excluded.app_secret, verify_token = excluded.verify_token
    where apps.organisation_id = excluded.organisation_id
returning {_APP}
"""

APP_BY_ID = f"select {_APP} from apps where app_id = %(app_id)s"

_NUMBER = """organisation_id, id, app_id, phone_number_id, waba_id, display_number, name, is_sandbox, routing, agent_id,
    per_second, paused_reason, paused_until, statuses_missing_since, created_at"""

# A new token ends a pause, since a bad token is what most pauses are for.
PUT_NUMBER = f"""
insert into numbers (organisation_id, id, app_id, phone_number_id, waba_id, display_number, name, access_token, is_sandbox,
    per_second, created_at)
select organisation_id, %(id)s, app_id, %(phone_number_id)s, %(waba_id)s, %(display_number)s, %(name)s, %(access_token)s,
    %(is_sandbox)s, %(per_second)s, %(now)s
from apps where organisation_id = %(organisation_id)s and app_id = %(app_id)s
on conflict (phone_number_id) do update
    set app_id = excluded.app_id, waba_id = excluded.waba_id, display_number = excluded.display_number, name = excluded.name,
        access_token = excluded.access_token, is_sandbox = excluded.is_sandbox, per_second = excluded.per_second,
        paused_reason = null, paused_until = null
    where numbers.organisation_id = excluded.organisation_id
returning {_NUMBER}
"""

APP_IS_MINE = "select true as yes from apps where organisation_id = %(organisation_id)s and app_id = %(app_id)s"

NUMBERS = f"select {_NUMBER} from numbers where organisation_id = %(organisation_id)s order by created_at, id"

NUMBERS_BY_DISPLAY = f"""
select {_NUMBER} from numbers
where organisation_id = %(organisation_id)s and display_number = %(display_number)s
order by created_at desc, id desc limit 1
"""

NUMBER = f"select {_NUMBER} from numbers where organisation_id = %(organisation_id)s and id = %(id)s"

NUMBER_FOR_UPDATE = f"""
select {_NUMBER} from numbers where organisation_id = %(organisation_id)s and phone_number_id = %(phone_number_id)s for update
"""

ACCESS = "select access_token from numbers where organisation_id = %(organisation_id)s and phone_number_id = %(phone_number_id)s"
