"""Bugs that somebody might write one day, each beside the test that finds it: name → how it is put in, who finds it.

`tests/crash/planted.py` has those that only a crash shows. These are put into the process of the test, which then has to fail.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
import pytest

from dragoman.accounts import queries as accounts_queries
from dragoman.accounts.secrets import Vault
from dragoman.agents import masks
from dragoman.agents.llm.journal import Journal
from dragoman.api import idempotency, webhooks
from dragoman.conversations import (
    callback,
    callback_queries,
    contacts_queries,
    inbox_queries,
    later_queries,
    outbox,
    outbox_queries,
    ownership_queries,
    policy,
    queries,
    reading_queries,
    willing,
)
from dragoman.conversations.inbox import Inbox
from dragoman.conversations.worker import Worker
from dragoman.http import dialling, guarded


@dataclass(frozen=True)
class Bug:
    """`found_by` is a folder of `tests`, a module and a test in it; `given` what one that has many forms is played with. `patience`: seconds
    in which what a bug prevents would have happened."""

    put_in: Callable[[pytest.MonkeyPatch], None]
    found_by: tuple[str, str, str]
    given: dict[str, str] = field(default_factory=dict)
    patience: float = 2.0


def _sql(module, *changes):
    """Statements with other words: (constant, right, wrong) each."""

    def put_in(put):
        for constant, right, wrong in changes:
            text = getattr(module, constant)
            assert right in text, f"{constant} has changed"
            put.setattr(module, constant, text.replace(right, wrong))

    return put_in


def _code(holder, name, wrong):
    """`wrong` in the place of a function; it gets the right one first."""

    def put_in(put):
        right = getattr(holder, name)
        put.setattr(holder, name, lambda *args, **kwargs: wrong(right, *args, **kwargs))

    return put_in


async def _nothing(*args, **kwargs):
    return None


def _insists(right, services, held, message, verdict):
    if verdict.outcome == "final":
        verdict = msgspec.structs.replace(verdict, outcome="retry")
    return right(services, held, message, verdict)


async def _trusting(right, self, tool, call):
    before = self.outside
    result = await right(self, tool, call)
    self.outside = before
    return result


class _EveryApp(str):
    __slots__ = ()

    def __ne__(self, other):
        return False


async def _believing_any_app(right, self, ids):
    return {name: number._replace(app_id=_EveryApp()) for name, number in (await right(self, ids)).items()}


def _in_clear(put):
    put.setattr(Vault, "seal", lambda self, value, *context: b"\x01" + value)
    put.setattr(Vault, "open", lambda self, sealed, *context: sealed[1:])


def _following(put):
    request = guarded.ClientSession.request
    put.setattr(guarded.ClientSession, "request", lambda *args, **kwargs: request(*args, **{**kwargs, "allow_redirects": True}))


BUGS = {
    # Leases, epochs and order.
    "a lease without a fence": Bug(
        _sql(queries, ("RECORD", "c.fence = r.fence as held", "true as held"), ("SETTLE", "c.fence = r.fence as held", "true as held")),
        ("stories", "test_workers", "test_a_worker_whose_lease_ran_out_while_the_agent_thought_says_nothing"),
    ),
    "a worker that was frozen makes its call": Bug(
        lambda put: put.setattr(outbox.Held, "still_ours", lambda self: True),
        ("stories", "test_workers", "test_a_worker_frozen_between_the_attempt_and_the_call_does_not_call"),
    ),
    "two workers claim one conversation": Bug(
        _sql(queries, ("CLAIM", "and (lease_until is null or lease_until <= now())", "")),
        ("stories", "test_workers", "test_two_workers_share_the_work_and_double_nothing"),
    ),
    "a take-over does not fence the reply that is being thought of": Bug(
        _sql(ownership_queries, ("TAKE_OVER", "epoch = c.epoch + 1", "epoch = c.epoch")),
        ("stories", "test_takeover", "test_a_reply_that_was_thought_of_before_the_take_over_is_discarded_and_says_so"),
    ),
    "a take-over leaves the agent's queue as it is": Bug(
        _sql(ownership_queries, ("END", "m.state = 'queued' and m.author = 'agent'", "false")),
        ("stories", "test_takeover", "test_queued_replies_of_the_agent_are_discarded_and_what_the_person_says_is_sent"),
    ),
    "a reply that was refused for now goes out after the take-over": Bug(
        _sql(queries, ("SETTLE", "t.epoch <> l.epoch as late", "false as late")),
        ("stories", "test_takeover", "test_a_reply_that_is_refused_during_the_take_over_is_not_tried_again"),
    ),
    # What is said once.
    "who says the same words again is not heard": Bug(
        _sql(
            inbox_queries,
            (
                "RECEIVE",
                "where contact_id is not null and not seen",
                """where contact_id is not null and not seen and not exists (
                    select from messages m where m.organisation_id = known.organisation_id and m.content ->> 'text' = known.content ->> 'text')""",
            ),
        ),
        ("stories", "test_main_job", "test_the_same_words_twice_are_two_messages"),
    ),
    "a callback's idempotency key is ignored": Bug(
        _code(callback, "_once", lambda right, services, saying, key, body_hash: outbox.speak(services, saying)),
        ("stories", "test_late_answers", "test_a_repeated_post_with_its_key_makes_no_second_message"),
    ),
    "the API's idempotency key is ignored": Bug(
        lambda put: put.setattr(idempotency, "begin", _nothing),
        ("api", "test_idempotency", "test_a_repeated_request_gets_the_first_answer"),
    ),
    "a set time strikes again and again": Bug(
        _sql(later_queries, ("WAKE", "then 'thinking' when not f.theirs", "then 'pending' when not f.theirs")),
        ("stories", "test_native_wake_ups", "test_a_follow_up_is_planned_and_said_at_its_time"),
        patience=6.0,
    ),
    "send it once more means send it until it works": Bug(
        _sql(queries, ("CLAIM", "select count(*) < 2 from send_attempts", "select true from send_attempts")),
        ("stories", "test_out_unknown", "test_resend_once_is_not_resend_twice"),
    ),
    "a refusal that will not change is tried for ever": Bug(
        _code(outbox, "_outcome", _insists),
        ("stories", "test_out_attempts", "test_a_refusal_that_will_not_change_is_told_in_plain_words_and_not_repeated"),
    ),
    # What WhatsApp reports.
    "a status goes back": Bug(
        _sql(
            inbox_queries,
            (
                "STATUSES",
                "coalesce(array_position(%(states)s::text[], b.status) > array_position(%(states)s::text[], m.state), false) as up",
                "true as up",
            ),
        ),
        ("stories", "test_out_statuses", "test_statuses_in_any_order_and_twice_only_move_a_message_forward"),
    ),
    "that a message failed is lost": Bug(
        _sql(
            inbox_queries,
            ("STATUSES", "from found where message_id is not null", "from found where message_id is not null and status <> 'failed'"),
        ),
        ("stories", "test_out_statuses", "test_a_failure_after_acceptance_is_shown_with_its_cause"),
    ),
    "a status that overtakes its send is forgotten": Bug(
        _sql(queries, ("SETTLE", "where r.wamid is not null and s.organisation_id", "where false and s.organisation_id")),
        ("stories", "test_out_statuses", "test_statuses_that_overtake_our_send_without_our_attempt_id_are_found_again"),
    ),
    # What WhatsApp and the customer allow.
    "nobody looks at the window when a message is said": Bug(
        _sql(
            outbox_queries,
            ("SAY", "coalesce(c.window_until > %(window)s, false) as open", "coalesce(%(window)s is not null, true) as open"),
        ),
        ("stories", "test_late_answers_refused", "test_when_the_window_has_closed_nothing_is_sent"),
    ),
    "nobody looks at the window when a message leaves": Bug(
        lambda put: put.setattr(outbox, "_in_window", lambda held, message, now: True),
        ("stories", "test_out_rates", "test_the_window_is_looked_at_when_a_message_is_sent_and_not_only_when_it_is_said"),
    ),
    "STOP is a word like any other": Bug(
        lambda put: put.setattr(willing, "wish", lambda text: None),
        ("stories", "test_native_opt_out", "test_stop_is_confirmed_once_and_the_agent_is_not_asked"),
    ),
    "a template goes to somebody who said STOP": Bug(
        _sql(outbox_queries, ("SAY", "and k.opted_out_at is null) as willing", ") as willing")),
        ("stories", "test_native_opt_out", "test_templates_and_follow_ups_are_refused_and_answers_are_not"),
    ),
    "the rate to one customer is not kept": Bug(
        lambda put: put.setattr(policy.Pair, "take", lambda self, now: (self, None)),
        ("stories", "test_out_rates", "test_a_customer_gets_45_messages_at_once_and_then_one_every_six_seconds"),
    ),
    "the rate of a number is not kept": Bug(
        lambda put: put.setattr(Worker, "pace", lambda self, number_id, per_second: 0.0),
        ("stories", "test_out_rates", "test_a_number_speaks_no_faster_than_it_may"),
    ),
    # Who may do what.
    "a signature only has to look like one": Bug(
        lambda put: put.setattr(webhooks, "signed", lambda body, header, secrets: (header or "").startswith("sha256=")),
        ("stories", "test_in_signature", "test_the_secret_of_another_app_opens_no_door"),
    ),
    "a callback of another conversation is taken": Bug(
        _sql(
            callback_queries,
            ("TURN", "where callback_hash = %(hash)s", "where %(hash)s::bytea is not null order by opened_at desc limit 1"),
        ),
        ("stories", "test_late_answers", "test_a_callback_reaches_its_own_customer_only"),
    ),
    "a callback never expires": Bug(
        _sql(callback_queries, ("TURN", "epoch, callback_until,", "epoch, callback_until + interval '1 year' as callback_until,")),
        ("stories", "test_late_answers_refused", "test_after_25_hours_it_has_expired"),
    ),
    "an old API key opens for ever": Bug(
        _sql(accounts_queries, ("AUTHENTICATE", "and (expires_at is null or expires_at > %(now)s)", "")),
        ("accounts", "test_keys", "test_a_key_expires"),
    ),
    "a conversation is read without asking whose it is": Bug(
        _sql(
            reading_queries,
            (
                "CONVERSATIONS",
                "where c.organisation_id = %(organisation_id)s {where}",
                "where %(organisation_id)s::uuid is not null {where}",
            ),
        ),
        ("api", "test_tenancy", "test_rivals_lists_hold_nothing_of_lumen"),
    ),
    "a contact is read without asking whose it is": Bug(
        _sql(
            contacts_queries,
            ("LIST", "where k.organisation_id = %(organisation_id)s and", "where %(organisation_id)s::uuid is not null and"),
        ),
        ("api", "test_tenancy", "test_rivals_lists_hold_nothing_of_lumen"),
    ),
    "a webhook speaks for a number of another app": Bug(
        _code(Inbox, "_look_up", _believing_any_app),
        ("stories", "test_in_tenants", "test_no_event_of_another_app_changes_a_conversation"),
    ),
    # The outside.
    "a redirect is followed": Bug(_following, ("http", "test_doors", "test_a_redirect_is_an_answer_and_nobody_goes_there")),
    "private addresses are like any other": Bug(
        lambda put: put.setattr(dialling, "why_not_public", lambda ip: None),
        ("http", "test_refusals", "test_the_gate_at_the_socket_holds_alone"),
        given={"host": "127.0.0.1"},
    ),
    "what others wrote is as good as the customer's word": Bug(
        _code(Journal, "run_call", _trusting),
        ("stories", "test_native_api_tools", "test_once_the_agent_has_read_the_till_dana_is_asked_before_it_orders"),
    ),
    # Secrets.
    "secrets are kept in clear": Bug(_in_clear, ("agents", "test_api_tools_secrets", "test_secrets_are_sealed_and_shown_as_masks")),
    "a secret goes along to another host": Bug(
        _code(masks, "take_out", lambda right, *args, moved=False, **kwargs: right(*args, **kwargs)),
        ("agents", "test_api_tools_secrets", "test_a_mask_that_is_sent_back_keeps_the_secret_and_another_host_does_not_get_it"),
    ),
}
