"""`dragoman serve` with four leaks in it, which the search for canaries has to find."""

import os

import structlog

from dragoman.accounts.secrets import Vault
from dragoman.api.v1 import errors
from dragoman.cli import main
from dragoman.conversations.inbox import Inbox

log = structlog.get_logger()


def sealed_with_nothing():
    Vault.seal = lambda self, value, *context: value
    Vault.open = lambda self, value, *context: value


def words_in_the_log():
    receive = Inbox.receive

    async def careless(self, app_id, events):
        log.debug("events", events=str(events))
        return await receive(self, app_id, events)

    Inbox.receive = careless


def a_mistake_tells_all():
    usual = errors.answer
    errors.answer = lambda status, message, code, **more: usual(status, f"{message} {os.environ['DRAGOMAN_SECRET_KEY']}", code, **more)


def any_page_may_read():
    usual = errors.answer

    def generous(*given, **more):
        answer = usual(*given, **more)
        answer.headers["Access-Control-Allow-Origin"] = "*"
        return answer

    errors.answer = generous


if __name__ == "__main__":
    sealed_with_nothing()
    words_in_the_log()
    a_mistake_tells_all()
    any_page_may_read()
    main()
