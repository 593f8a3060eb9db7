"""The authorization server in front of Bakery Lumen's MCP server: everybody who asks is let in, unless a test says otherwise."""

import secrets
import time

from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizeError,
    RefreshToken,
    TokenError,
    construct_redirect_uri,
)
from mcp.shared.auth import OAuthToken

SECONDS = 3600


class Doorman:
    """Clients, codes and tokens in memory. The library around it checks clients, redirect addresses and PKCE."""

    def __init__(self, issuer):
        self.issuer = issuer
        self.deny = False
        self.clients, self.codes, self.tokens, self.refreshes = {}, {}, {}, {}

    async def get_client(self, client_id):
        return self.clients.get(client_id)

    async def register_client(self, client_info):
        self.clients[client_info.client_id] = client_info

    async def authorize(self, client, params):
        if self.deny:
            raise AuthorizeError("access_denied", "Bakery Lumen said no")
        code = secrets.token_urlsafe(32)
        self.codes[code] = AuthorizationCode(
            code=code,
            client_id=client.client_id,
            scopes=params.scopes or [],
            expires_at=time.time() + 60,
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
            subject="lumen",
        )
        return construct_redirect_uri(str(params.redirect_uri), code=code, state=params.state, iss=self.issuer)

    async def load_authorization_code(self, client, authorization_code):
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(self, client, authorization_code):
        if self.codes.pop(authorization_code.code, None) is None:
            raise TokenError("invalid_grant", "this code has been used")
        return self._issue(client, authorization_code.scopes, authorization_code.resource)

    async def load_refresh_token(self, client, refresh_token):
        return self.refreshes.get(refresh_token)

    async def exchange_refresh_token(self, client, refresh_token, scopes):
        """A refresh token is good once."""
        if self.refreshes.pop(refresh_token.token, None) is None:
            raise TokenError("invalid_grant", "this refresh token has been used")
        return self._issue(client, scopes or refresh_token.scopes, refresh_token.resource)

    async def load_access_token(self, token):
        return self.tokens.get(token)

    async def revoke_token(self, token):
        self.tokens.pop(token.token, None)
        self.refreshes.pop(token.token, None)

    def forget(self, refresh):
        self.tokens.clear()
        if refresh:
            self.refreshes.clear()

    def _issue(self, client, scopes, resource):
        access, refresh = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        shared = {"client_id": client.client_id, "scopes": scopes, "resource": resource, "subject": "lumen"}
        self.tokens[access] = AccessToken(token=access, expires_at=int(time.time()) + SECONDS, **shared)
        self.refreshes[refresh] = RefreshToken(token=refresh, expires_at=None, **shared)
        return OAuthToken(access_token=access, expires_in=SECONDS, scope=" ".join(scopes), refresh_token=refresh)


class OneToken:
    """Who shows this token is let in."""

    def __init__(self, token):
        self.token = token

    async def verify_token(self, token):
        good = secrets.compare_digest(token.encode(), self.token.encode())
        return AccessToken(token=token, client_id="lumen", scopes=[]) if good else None
