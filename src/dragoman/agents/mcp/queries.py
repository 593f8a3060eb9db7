"""The SQL of connectors. One statement starts without an organisation: `TAKE_SIGN_IN` is found by the hash of its state."""

_CONNECTOR = """organisation_id, id, name, description, slug, url, logo, auth, status, problem, secrets, grant_held, listed_at,
    created_at, updated_at"""

# One statement counts and makes, so that the limit and the slug's uniqueness hold for those who come at the same time.
CREATE = f"""
insert into connectors (organisation_id, id, name, description, slug, url, logo, auth, status, problem, secrets, created_at, updated_at)
select %(organisation_id)s, %(id)s, %(name)s, %(description)s, %(slug)s, %(url)s, %(logo)s, %(auth)s, %(status)s, %(problem)s,
    %(secrets)s, %(now)s, %(now)s
where (select count(*) from connectors where organisation_id = %(organisation_id)s) < %(most)s
on conflict (organisation_id, slug) do nothing
returning {_CONNECTOR}
"""

SLUGS = "select slug from connectors where organisation_id = %(organisation_id)s"

GET = f"select {_CONNECTOR} from connectors where organisation_id = %(organisation_id)s and id = %(id)s"

GET_FOR_UPDATE = f"{GET} for update"

LISTING = f"select {_CONNECTOR} from connectors where organisation_id = %(organisation_id)s order by created_at, id"

SOME = f"select {_CONNECTOR} from connectors where organisation_id = %(organisation_id)s and id = any(%(ids)s)"

SLUG_IS_TAKEN = """
select true as yes from connectors where organisation_id = %(organisation_id)s and slug = %(slug)s and id <> %(id)s
"""

CHANGE = f"""
update connectors set name = %(name)s, description = %(description)s, slug = %(slug)s, url = %(url)s, logo = %(logo)s,
    auth = %(auth)s, status = %(status)s, problem = %(problem)s, secrets = %(secrets)s, grant_held = %(grant_held)s,
    listed_at = %(listed_at)s, updated_at = %(now)s
where organisation_id = %(organisation_id)s and id = %(id)s
returning {_CONNECTOR}
"""

# Only while the connector is still where it was: an answer of one server says nothing about another.
SET_STATUS = f"""
update connectors set status = %(status)s, problem = %(problem)s, updated_at = %(now)s
where organisation_id = %(organisation_id)s and id = %(id)s and url = %(url)s
returning {_CONNECTOR}
"""

LISTED = f"""
update connectors set status = 'connected', problem = null, listed_at = %(now)s, updated_at = %(now)s
where organisation_id = %(organisation_id)s and id = %(id)s
returning {_CONNECTOR}
"""

REMOVE = """
with sign_ins as (
    delete from connector_sign_ins where organisation_id = %(organisation_id)s and connector_id = %(id)s
), tools as (
    delete from connector_tools where organisation_id = %(organisation_id)s and connector_id = %(id)s
), given as (
    delete from capabilities
    where organisation_id = %(organisation_id)s and kind = 'mcp_configs' and config ->> 'connectorId' = %(id)s::text
)
delete from connectors where organisation_id = %(organisation_id)s and id = %(id)s
"""

TOOLS = """
select id, connector_id, name, approved, latest, listed from connector_tools
where organisation_id = %(organisation_id)s and connector_id = any(%(connectors)s) order by connector_id, position, name
"""

FORGET_TOOLS = "delete from connector_tools where organisation_id = %(organisation_id)s and connector_id = %(id)s"

FORGET_OTHER_TOOLS = """
delete from connector_tools
where organisation_id = %(organisation_id)s and connector_id = %(connector_id)s and not name = any(%(names)s)
"""

PUT_TOOL = """
insert into connector_tools (organisation_id, id, connector_id, name, position, approved, latest, listed, created_at, updated_at)
values (%(organisation_id)s, %(id)s, %(connector_id)s, %(name)s, %(position)s, %(approved)s, %(latest)s, %(listed)s, %(now)s, %(now)s)
on conflict (organisation_id, connector_id, name) do update
set position = excluded.position, approved = excluded.approved, latest = excluded.latest, listed = excluded.listed,
    updated_at = excluded.updated_at
"""

# Who signs in anew starts over: there is one sign-in of a connector at a time.
BEGIN_SIGN_IN = """
with earlier as (
    delete from connector_sign_ins where organisation_id = %(organisation_id)s and connector_id = %(connector_id)s
)
insert into connector_sign_ins (organisation_id, id, connector_id, state_hash, url, flow, expires_at)
select organisation_id, %(id)s, id, %(state_hash)s, url, %(flow)s, %(expires_at)s from connectors
where organisation_id = %(organisation_id)s and id = %(connector_id)s and url = %(url)s and auth = 'oauth'
returning id
"""

FORGET_SIGN_INS = "delete from connector_sign_ins where organisation_id = %(organisation_id)s and connector_id = %(id)s"

TAKE_SIGN_IN = """
delete from connector_sign_ins where state_hash = %(state_hash)s
returning organisation_id, id, connector_id, url, flow, expires_at
"""

SIGNED_IN = f"""
update connectors set grant_held = %(grant)s, renewing_until = null, status = 'connected', problem = null, updated_at = %(now)s
where organisation_id = %(organisation_id)s and id = %(id)s and url = %(url)s and auth = 'oauth'
returning {_CONNECTOR}
"""

GRANT = """
select grant_held from connectors
where organisation_id = %(organisation_id)s and id = %(id)s and url = %(url)s and auth = 'oauth'
"""

# A refresh token is often good for one use: of all processes that find the grant run out, one renews it.
CLAIM_RENEWAL = """
update connectors set renewing_until = %(until)s
where organisation_id = %(organisation_id)s and id = %(id)s and url = %(url)s and auth = 'oauth'
  and (renewing_until is null or renewing_until <= %(now)s)
returning grant_held
"""

RENEWED = """
update connectors set grant_held = coalesce(%(grant)s, grant_held), renewing_until = null
where organisation_id = %(organisation_id)s and id = %(id)s and url = %(url)s
"""

SIGNED_OUT = """
update connectors set grant_held = null, renewing_until = null, status = 'needs_authorization', problem = %(problem)s,
    updated_at = %(now)s
where organisation_id = %(organisation_id)s and id = %(id)s and url = %(url)s and auth = 'oauth'
"""
