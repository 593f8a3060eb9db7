"""What an agent that runs inside Dragoman works with: the parts below the conversations, made once at start."""

from dataclasses import dataclass

from dragoman.accounts.secrets import Vault
from dragoman.clock import Clock
from dragoman.http.guarded import Guarded
from dragoman.http.trusted import Trusted
from dragoman.settings import Settings
from dragoman.store.database import Database
from dragoman.store.objects import Objects


@dataclass(frozen=True)
class Kit:
    settings: Settings
    clock: Clock
    db: Database
    vault: Vault
    trusted: Trusted
    guarded: Guarded
    objects: Objects
