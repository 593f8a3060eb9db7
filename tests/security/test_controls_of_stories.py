"""Without its defence, each of these stories has another end."""

import re
from datetime import timedelta

import pytest
import test_in_doors as doors
import test_in_payloads as payloads
import test_in_tenants as tenants
import test_late_answers as late
import test_native_limits as limits
import test_native_memory as memory
import test_native_opt_out as opt_out
import test_takeover as takeover
from test_in_doors import meta
from test_in_tenants import rival
from tests.security.switched import fails
from tests.stories.conftest import dana, echo, lumen, model, overrides, role, session, zoe

from dragoman.agents.llm.spending import Spending
from dragoman.agents.memory import queries as memories
from dragoman.conversations import callback_queries as callbacks
from dragoman.conversations import willing
from dragoman.conversations.inbox import Inbox


@pytest.fixture(autouse=True)
def impatience(monkeypatch):
    monkeypatch.setattr("cast.PATIENCE", 3.0)


def replaced(monkeypatch, module, name, old, new):
    """A statement without one of its conditions."""
    text = getattr(module, name)
    assert old in text, "the statement has changed; say here how it is switched off now"
    monkeypatch.setattr(module, name, text.replace(old, new))


async def test_memory_that_is_not_bound_to_a_customer_is_told_to_another(monkeypatch, lumen, model, dana, zoe):
    replaced(monkeypatch, memories, "KNOWN", " and id = %(contact_id)s", " and %(contact_id)s::uuid is not null")
    await fails(memory.test_what_dana_wrote_is_not_told_to_zoe_nor_obeyed_as_an_instruction, lumen, model, dana, zoe, because="rye")


async def test_without_sums_a_turn_goes_on(monkeypatch, lumen, model, dana):
    monkeypatch.setattr(Spending, "over", lambda self: None)
    await fails(
        limits.test_tokens_are_counted_before_the_model_is_asked_again,
        lumen,
        model,
        dana,
        {"turnTokens": 10},
        "tokens in one turn",
        because="You said: Hello",
    )


async def test_a_stop_that_nobody_understands_is_no_stop(monkeypatch, lumen, model, dana):
    monkeypatch.setattr(willing, "wish", lambda text: None)
    await fails(opt_out.test_templates_and_follow_ups_are_refused_and_answers_are_not, lumen, model, dana, because="code")


async def test_numbers_that_fit_every_app_are_signed_for_by_mallory(monkeypatch, lumen, rival):
    class Any(str):
        __hash__ = str.__hash__

        def __ne__(self, _other):
            return False

    look_up = Inbox._look_up

    async def careless(self, ids):
        return {name: number._replace(app_id=Any(number.app_id)) for name, number in (await look_up(self, ids)).items()}

    monkeypatch.setattr(Inbox, "_look_up", careless)
    await fails(
        tenants.test_events_for_another_apps_number_are_refused_and_the_rest_of_the_body_is_taken,
        lumen,
        rival,
        because=r"assert [\d.]+ == ",
    )


async def test_a_token_that_is_not_compared_reaches_anybody(monkeypatch, lumen, echo, dana, zoe):
    first = "where %(hash)s::bytea is not null order by opened_at limit 1"
    replaced(monkeypatch, callbacks, "TURN", "where callback_hash = %(hash)s", first)
    await fails(late.test_a_callback_reaches_its_own_customer_only, lumen, echo, dana, zoe, because="until Zoë hears")


async def test_without_an_epoch_an_agent_speaks_after_the_take_over(monkeypatch, lumen, echo, dana):
    now = "(select c.epoch from conversations c where c.organisation_id = turns.organisation_id and c.id = conversation_id) as epoch,"
    replaced(monkeypatch, callbacks, "TURN", " epoch,", f" {now}")
    await fails(takeover.test_a_callback_of_an_earlier_epoch_is_refused, lumen, echo, dana, because="202 == 409")


async def test_a_handshake_that_takes_anything_is_a_mirror(monkeypatch, meta):
    monkeypatch.setattr("dragoman.api.webhooks._CHALLENGE", re.compile(".*", re.DOTALL))
    await fails(doors.test_the_handshake_is_no_mirror_for_odd_challenges, meta, "<script>alert(1)</script>", because="assert .200")


async def test_files_that_are_shown_as_they_come_are_pages(monkeypatch, lumen, echo, dana):
    monkeypatch.setattr("dragoman.api.media.SHOWN", {"text/html"})
    await fails(doors.test_a_file_of_a_customer_is_a_download_and_never_a_page, lumen, echo, dana, because="text/html")


async def test_without_an_age_a_body_of_last_year_is_news(monkeypatch, lumen):
    monkeypatch.setattr("dragoman.conversations.inbox.OLDEST", timedelta(days=10_000))
    await fails(payloads.test_what_is_older_than_eight_days_is_a_replay, lumen, because="'messages': 1")
