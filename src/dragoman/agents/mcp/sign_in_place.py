"""Where one signs in at an MCP server, found out from what the server and its authorization server publish, and who we are there.

The messages and most checks of the specification are the mcp library's (slow to load: imported when somebody signs in). Everything
said here is a stranger's, so every address in it is called through the guarded door, or refused.
"""

from typing import Any, NamedTuple

from mcp.client.auth import OAuthFlowError, OAuthRegistrationError
from mcp.client.auth.oauth2 import check_registration_usable
from mcp.client.auth.utils import (
    build_oauth_authorization_server_metadata_discovery_urls,
    build_protected_resource_metadata_discovery_urls,
    create_client_info_from_metadata_url,
    create_client_registration_request,
    create_oauth_metadata_request,
    extract_resource_metadata_from_www_auth,
    extract_scope_from_www_auth,
    get_client_metadata_scopes,
    handle_auth_metadata_response,
    handle_protected_resource_response,
    handle_registration_response,
    is_valid_client_metadata_url,
    issuers_match,
    should_use_client_metadata_url,
    validate_metadata_issuer,
)
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthMetadata, ProtectedResourceMetadata
from mcp.shared.auth_utils import check_resource_allowed, resource_url_from_server_url
from pydantic import AnyUrl
from yarl import URL

from dragoman.agents.mcp.about_us import GRANTS, client_id, redirect_uri, registration
from dragoman.agents.mcp.connectors import Secrets
from dragoman.agents.mcp.failed import Failed
from dragoman.settings import Settings

_SECRET_METHODS = ("client_secret_basic", "client_secret_post")


class Place(NamedTuple):
    """`resource` is the audience of the tokens that we ask for: the server itself."""

    metadata: OAuthMetadata
    resource: str
    scope: str | None


async def find(http: Any, url: str, headers: dict[str, str]) -> Place:
    """Where to sign in at the server at `url`. `http` goes through the guarded door. Raises Failed."""
    challenge = await _challenge(http, url, headers)
    try:
        protected = await _protected(http, extract_resource_metadata_from_www_auth(challenge), url)
        metadata = await _metadata(http, str(protected.authorization_servers[0]) if protected else None, url)
    except OAuthFlowError as error:
        raise Failed(f"what the server says about signing in does not fit together: {str(error)[:300]}") from None
    if "S256" not in (metadata.code_challenge_methods_supported or []):
        raise Failed("the server that signs people in does not protect sign-ins (PKCE with S256)")
    resource = str(protected.resource) if protected else resource_url_from_server_url(url)
    scope = get_client_metadata_scopes(extract_scope_from_www_auth(challenge), protected, metadata, GRANTS)
    return Place(metadata, resource, scope)


async def _challenge(http: Any, url: str, headers: dict[str, str]) -> Any:
    """How the server turns a stranger away; only the head of its answer, which may go on for ever."""
    hello = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    accept = {"Accept": "application/json, text/event-stream"}
    async with http.stream("POST", url, json=hello, headers={**headers, **accept}) as answer:
        return answer


async def _protected(http: Any, named: str | None, url: str) -> ProtectedResourceMetadata | None:
    for where in build_protected_resource_metadata_discovery_urls(named, url):
        found = await handle_protected_resource_response(await http.send(create_oauth_metadata_request(where)))
        if found is None:
            continue
        if not check_resource_allowed(resource_url_from_server_url(url), str(found.resource)):
            raise OAuthFlowError(f"it describes {found.resource}, which is another server")
        return found
    return None


async def _metadata(http: Any, issuer: str | None, url: str) -> OAuthMetadata:
    for where in build_oauth_authorization_server_metadata_discovery_urls(issuer, url):
        good, found = await handle_auth_metadata_response(await http.send(create_oauth_metadata_request(where)))
        if not good:
            raise Failed("the server that signs people in does not answer")
        if found is None:
            continue
        origin = str(URL(url).origin())
        # Old servers sign people in themselves; their issuer is their origin, with or without a slash.
        said = str(found.issuer)
        validate_metadata_issuer(found, issuer or (said if issuers_match(said, origin) else origin))
        return found
    raise Failed("the server does not say where to sign in")


async def introduce(http: Any, settings: Settings, metadata: OAuthMetadata, secrets: Secrets) -> OAuthClientInformationFull:
    """Who we are at this authorization server: the client that the organisation registered, or one that is made now. Raises Failed."""
    back = AnyUrl(redirect_uri(settings))
    methods = metadata.token_endpoint_auth_methods_supported or list(_SECRET_METHODS)
    method = next((method for method in (*_SECRET_METHODS, "none") if method in methods), None)
    if secrets.oauth_client_id:
        own = {"client_id": secrets.oauth_client_id, "client_secret": secrets.oauth_client_secret, "redirect_uris": [back]}
        return OAuthClientInformationFull(**own, token_endpoint_auth_method=method if secrets.oauth_client_secret else "none")
    document = client_id(settings) if is_valid_client_metadata_url(client_id(settings)) else None
    if document and should_use_client_metadata_url(metadata, document):
        return create_client_info_from_metadata_url(document, [back])
    if metadata.registration_endpoint is None:
        raise Failed("the server that signs people in registers no clients by itself; register one there and enter it as oauthClientId")
    asked = OAuthClientMetadata.model_validate(registration(settings) | {"token_endpoint_auth_method": method})
    answer = await http.send(create_client_registration_request(metadata, asked, settings.public_url))
    try:
        registered = await handle_registration_response(answer)
        check_registration_usable(registered)
    except OAuthRegistrationError:
        raise Failed(f"the server that signs people in did not take us as a client (status {answer.status_code})") from None
    return registered
