"""Settings: read once from the environment at start, strictly, and passed down as one frozen value."""

import os
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "DRAGOMAN_"
META_GRAPH_URL = "https://graph.facebook.com"


class Settings(BaseSettings):
    """Every field is the environment variable `DRAGOMAN_<FIELD>`; an unknown or malformed one stops the start."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    database_url: str | None = Field(None, description="PostgreSQL to use; empty starts the embedded one in the data directory")
    data_dir: Path = Field(Path(".dragoman"), description="Where the embedded database, the key file and stored media live")
    secret_key: str | None = Field(None, description="Seals tokens and secrets; made on first start when the database is embedded")
    public_url: str = Field("http://127.0.0.1:8050", description="How the outside world reaches this server")
    graph_url: str = Field(META_GRAPH_URL, description="Graph API base URL; `sandbox` is the built-in emulator")
    graph_version: str = Field("v26.0", pattern=r"^v\d+\.\d+$", description="Graph API version used for calls")
    media_url: str | None = Field(
        None, description="Object store for media (`file://` or `s3://`); empty is a folder in the data directory"
    )
    media_url_hours: int = Field(24, ge=1, le=24 * 30, description="How long a media link given to an agent works")
    allow_private_urls: Annotated[list[IPv4Network | IPv6Network], NoDecode] = Field(
        default_factory=list,
        description="Comma list of networks that agent URLs may point into, over http too; empty allows public https only",
    )
    default_model: str = Field(
        "builtin/faq", min_length=3, max_length=255, description="Model of native agents that name none (or `cw-llm-1`), as provider/model"
    )
    openai_api_key: str | None = Field(None, description="OpenAI key for organisations without their own")
    openai_base_url: str | None = Field(None, description="OpenAI-compatible server to use instead of OpenAI's, such as Ollama or vLLM")
    anthropic_api_key: str | None = Field(None, description="Anthropic key for organisations without their own")
    google_api_key: str | None = Field(None, description="Google key for organisations without their own")
    api_rate_limit: int = Field(100, ge=1, description="API requests per minute and key")
    callback_rate_limit: int = Field(60, ge=1, description="Callback posts per minute and delivery")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least severe log line that is written")
    worker_concurrency: int = Field(
        4000, ge=1, description="Conversations one worker process holds at once; a quarter more is spare for organisations that hold few"
    )
    lease_seconds: float = Field(30, gt=2, description="How long a silent worker keeps its conversations")
    unknown_wait_seconds: float = Field(
        120, ge=1, description="How long a send without an answer waits for a status before it is shown as unknown"
    )

    @field_validator("allow_private_urls", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        if isinstance(value, str):
            return [ip_network(part.strip(), strict=False) for part in value.split(",") if part.strip()]
        return value

    @field_validator("public_url", "graph_url")
    @classmethod
    def _address(cls, value: str, info: ValidationInfo) -> str:
        if re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", value) or (info.field_name == "graph_url" and value == "sandbox"):
            return value.rstrip("/")
        raise ValueError(
            "must be an address that starts with http:// or https://" + " (or the word sandbox)" * (info.field_name == "graph_url")
        )

    @field_validator("openai_base_url")
    @classmethod
    def _provider(cls, value: str | None) -> str | None:
        if value and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", value):
            raise ValueError("must be an address that starts with http:// or https://")
        return value

    @field_validator("media_url")
    @classmethod
    def _store(cls, value: str | None) -> str | None:
        if value and not value.startswith(("file:///", "s3://")):
            raise ValueError("must start with file:/// or s3://")
        return value

    @property
    def embedded(self) -> bool:
        return self.database_url is None

    @property
    def sandbox(self) -> bool:
        return self.graph_url == "sandbox"


class SettingsError(Exception):
    """One line that names the variable and what is wrong with it."""


def load(**overrides: object) -> Settings:
    """Settings from the environment, with `overrides` (from the command line) on top."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    if unknown := sorted(k for k in os.environ if k.startswith(PREFIX) and k not in known):
        raise SettingsError(f"{unknown[0]} is not a setting of Dragoman. Known: {', '.join(sorted(known))}")
    try:
        return Settings(**{k: v for k, v in overrides.items() if v is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        why = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{PREFIX}{str(first['loc'][0]).upper()}: {why[:1].lower()}{why[1:]}") from None
