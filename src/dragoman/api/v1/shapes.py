"""What this dialect shows of keys and numbers."""

from datetime import datetime

from pydantic import Field

from dragoman.accounts import keys
from dragoman.api.v1.models import Shape


class ApiKey(Shape):
    prefix: str = Field(description="Names the key; the only part that lists and logs show")
    name: str
    created_at: datetime
    last_used_at: datetime | None = Field(description="Exact to the minute")
    expires_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, key: keys.ApiKey) -> "ApiKey":
        return cls(
            prefix=key.prefix,
            name=key.name,
            created_at=key.created_at,
            last_used_at=key.last_used_at,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
        )


class NewApiKey(ApiKey):
    key: str = Field(description="The API key itself. It is not shown again")
