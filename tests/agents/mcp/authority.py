"""A server that signs people in for an MCP server, by hand: RFC 8414, RFC 7591, PKCE, refresh tokens that work once."""

import base64
import hashlib
from contextlib import asynccontextmanager
from itertools import count
from urllib.parse import parse_qs, urlencode, urlsplit

from aiohttp import BasicAuth, web
from stage import serving


class Authority:
    """`metadata` and `registration` are laid over what it says of itself and of a client; `token_answer` over what it gives."""

    def __init__(self):
        self.metadata, self.registration, self.token_answer = {}, {}, {}
        self.clients, self.codes, self.refresh_tokens = {}, {}, {}
        self.good = {}  # access token → the audience it was made for
        self.lifetime = 3600
        self.asked = []
        self._number = count(1)

    async def handle(self, request):
        self.asked.append(request.path)
        match request.path:
            case "/.well-known/oauth-authorization-server":
                return web.json_response(self.about())
            case "/register":
                return self._register(await request.json())
            case "/token":
                return self._token(await request.post(), request)
        return web.Response(status=404)

    def about(self):
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "registration_endpoint": f"{self.url}/register",
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["bread"],
            "authorization_response_iss_parameter_supported": True,
        } | self.metadata

    def _register(self, said):
        client = said | {"client_id": f"client-{next(self._number)}", "client_secret": "client-secret"} | self.registration
        self.clients[client["client_id"]] = client
        return web.json_response(client, status=201)

    def agree(self, address, **changed):
        """Somebody follows the address, signs in and agrees; the parameters with which the browser comes back."""
        at = urlsplit(address)
        assert f"{at.scheme}://{at.netloc}{at.path}" == self.about()["authorization_endpoint"]
        sent = {name: values[0] for name, values in parse_qs(at.query).items()}
        assert sent["redirect_uri"] in self.clients[sent["client_id"]]["redirect_uris"]
        assert (sent["response_type"], sent["code_challenge_method"]) == ("code", "S256")
        code = f"code-{next(self._number)}"
        self.codes[code] = sent
        return {"state": sent["state"], "code": code, "iss": self.url} | changed

    def _token(self, form, request):
        client = self.clients.get(form.get("client_id"))
        header = request.headers.get("Authorization")
        secret = BasicAuth.decode(header).password if header else form.get("client_secret")
        if client is None or secret != client.get("client_secret"):
            return web.json_response({"error": "invalid_client"}, status=401)
        if form["grant_type"] == "refresh_token":
            begun = self.refresh_tokens.pop(form["refresh_token"], None)
        else:
            begun = self.codes.pop(form["code"], None)
            if begun and (begun["code_challenge"] != _challenge(form["code_verifier"]) or begun["redirect_uri"] != form["redirect_uri"]):
                begun = None
        if begun is None or begun["client_id"] != form["client_id"] or begun.get("resource") != form.get("resource"):
            return web.json_response({"error": "invalid_grant", "error_description": "no"}, status=400)
        number = next(self._number)
        self.refresh_tokens[f"refresh-{number}"] = begun
        self.good[f"access-{number}"] = begun.get("resource")
        tokens = {"access_token": f"access-{number}", "refresh_token": f"refresh-{number}"}
        return web.json_response(tokens | {"token_type": "bearer", "expires_in": self.lifetime} | self.token_answer)

    def guards(self, wild, **said):
        """From now on `wild` turns away whoever has no token made for it, and says where there are some."""
        origin = wild.url.removesuffix("/mcp")
        where = f"{origin}/.well-known/oauth-protected-resource/mcp"

        def turns_away(request):
            if request.path == urlsplit(where).path:
                return web.json_response({"resource": wild.url, "authorization_servers": [self.url]} | said)
            token = request.headers.get("Authorization", "").removeprefix("Bearer ")
            if request.path == "/mcp" and self.good.get(token) == wild.url:
                return None
            challenge = f'Bearer resource_metadata="{said.get("at", where)}", scope="bread"'
            return web.Response(status=404 if request.path != "/mcp" else 401, headers={"WWW-Authenticate": challenge})

        wild.turns_away = turns_away


def _challenge(verifier):
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def came_back(parameters):
    return f"/api/oauth/callback?{urlencode(parameters)}"


@asynccontextmanager
async def authority_server():
    authority = Authority()
    async with serving(authority.handle) as url:
        authority.url = url
        yield authority
