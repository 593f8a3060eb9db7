"""What we say of ourselves to servers that sign people in for us."""

from typing import Any

from dragoman.settings import Settings

CALLBACK = "/api/oauth/callback"
ABOUT_US = "/api/oauth/client.json"
GRANTS = ["authorization_code", "refresh_token"]


def redirect_uri(settings: Settings) -> str:
    return settings.public_url + CALLBACK


def client_id(settings: Settings) -> str:
    """Our name at servers that read the document at this address instead of registering clients."""
    return settings.public_url + ABOUT_US


def registration(settings: Settings) -> dict[str, Any]:
    """RFC 7591's client metadata."""
    return {
        "client_name": "Dragoman",
        "client_uri": settings.public_url,
        "redirect_uris": [redirect_uri(settings)],
        "grant_types": GRANTS,
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "web" if settings.public_url.startswith("https:") else "native",
    }
