"""With which values each statement is explained: what the product passes, of a place that `filled` has made."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import md5
from uuid import UUID, uuid4

from tests.crash.points import statements

from dragoman.conversations import reading_queries
from dragoman.conversations.policy import STATES
from dragoman.ids import oldest_id

AT = datetime.now(UTC)
N = 101  # of those that have something open everywhere


def u(what):
    return UUID(md5(what.encode(), usedforsecurity=False).hexdigest())


LUMEN, AGENT, TALK, CONTACT = u("lumen"), u("lumen2"), u(f"talk{N}"), u(f"contact{N}")
NEW = uuid4()
SCOPE = {"organisation_id": str(LUMEN), "conversation_id": str(TALK)}

RECEIVED = {
    "organisation_id": str(LUMEN), "number_id": str(LUMEN), "phone": f"1777{N}", "bsuid": f"B{N}", "name": "Guest", "id": str(NEW),
    "conversation_id": str(NEW), "wamid": "new", "author": "customer", "type": "text", "content": {}, "said_at": AT.isoformat(),
    "wants": True, "opens_window": True, "n": 0,
}  # fmt: skip
STATUS = {
    "organisation_id": str(LUMEN), "number_id": str(LUMEN), "id": str(NEW), "wamid": f"out{N}", "status": "read", "said_at": AT.isoformat(),
    "attempt_id": str(u(f"attempt{N}")),
}  # fmt: skip
RECORDED = {
    **SCOPE, "fence": 1, "epoch": 0, "turn_id": str(u(f"turn{N}")), "agent_id": str(AGENT), "delivery_id": str(NEW), "attempt": 1, "url": "",
    "started_at": AT.isoformat(), "duration_ms": 1, "outcome": "answered", "turn_state": "answered", "through_seq": 1, "known_seq": 3,
    "replies": [{"id": str(NEW), "type": "text", "content": {}, "author": "agent"}], "first_attempt": str(uuid4()), "release": False, "n": 0,
}  # fmt: skip
SETTLED = {
    **SCOPE, "fence": 1, "through_seq": 3, "message_id": str(u(f"more{N}")), "attempt_id": str(u(f"attempt{N}")), "state": "accepted", "wamid": "w",
    "outcome": "accepted", "next_message": str(u(f"said{N}")), "next_attempt": str(NEW), "rest": False, "release": True, "n": 0,
}  # fmt: skip
GENERATED = {
    "organisation_id": str(LUMEN), "id": str(NEW), "turn_id": str(u(f"turn{N}")), "agent_id": str(AGENT), "conversation_id": str(TALK),
    "contact_id": str(CONTACT), "position": 1, "purpose": "answer", "model": "", "prompt_tokens": 1, "response_tokens": 1, "duration_ms": 1,
    "paid_by": "organisation",
}  # fmt: skip
REPLY = {"id": str(NEW), "type": "text", "content": {}, "author": "agent"}

# Rows that travel as one parameter: those of one call, and of a busy moment.
ROWS = {
    "inbox_queries.RECEIVE": RECEIVED,
    "inbox_queries.STATUSES": STATUS,
    "inbox_queries.KEEP": {"id": str(NEW), "field": "", "reason": "", "raw": ""},
    "inbox_queries.NEW_CONTACTS": {"id": str(NEW), "phone": "1", "bsuid": "B", "username": "guest", "hashes": [str(NEW)]},
    "queries.RECORD": RECORDED,
    "queries.SETTLE": SETTLED,
    "agents.llm.queries.GENERATED": GENERATED,
    "outbox_queries.SAY": REPLY,
}

# What a parameter of this name is, wherever it stands.
VALUES = {
    "organisation_id": LUMEN, "organisations": [LUMEN], "now": AT, "number_id": LUMEN, "numbers": [LUMEN], "number_ids": [LUMEN],
    "agent_id": AGENT, "agents": [AGENT], "agent": AGENT, "retired_id": AGENT, "contact_id": CONTACT, "contact_ids": [CONTACT], "contact": CONTACT,
    "conversation_id": TALK, "conversations": [TALK], "conversation": TALK, "conversation_ids": [NEW], "taken": [TALK], "turn_id": u(f"turn{N}"),
    "turn_ids": [uuid4() for _ in range(16)], "callback_hashes": ["30"] * 16, "callback_hash": b"0", "hash": b"101", "callback_until": AT,
    "worker_id": NEW, "lease": 30.0, "suspects": True, "limit": 20, "offset": 0, "outbox": 50, "automatic": 10, "shortest": 600.0, "longest": 43200.0, "states": list(STATES), "seconds": 30.0, "seqs": [2],
    "from_seq": 1, "after": 0, "turn_from": 1, "turn_through": 1, "session_id": u(f"session{N}"), "messages": [u(f"said{N}")],
    "message_id": u(f"said{N}"), "message_ids": [NEW], "ids": [u(f"said{N}")], "wamid": f"in{N}", "wamids": [f"in{N}"], "fence": 0, "epoch": 0, "key": f"key{N}",
    "scope": "scope", "kind": "phone", "value": f"1777{N}", "kinds": ["phone"], "values": [f"1777{N}"], "phone": f"1777{N}", "bsuid": f"B{N}",
    "phones": [f"1777{N}"], "names": ["Guest"], "kept_id": CONTACT, "merged_id": u("contact102"), "identities": "{}", "reason": "", "cause": "",
    "until": AT, "at": AT, "since": AT - timedelta(hours=1), "before": AT, "expired": AT, "start_at": AT, "end_at": AT, "opened_at": AT, "claimed": AT, "next": AT,
    "started_at": AT, "window": AT, "idle": timedelta(hours=1), "issued_at": AT, "expires_at": AT, "id": NEW, "delivery_id": u(f"delivery{N}"),
    "wakeup_id": u(f"wakeup{N}"), "campaign_id": u("campaign1"), "round": 0, "pressing": 80.0, "positions": [N], "causes": [""], "contents": ["{}"], "batch": [NEW],
    "key_id": u("key1"), "keys": [u("key1")], "kept": CONTACT, "call_key": f"call{N}", "calls": ["call"], "new": "1", "old": None, "silent": ["reaction"], "state": "done",
    "stops": True, "templates_only": False, "if_due": False, "open": True, "apply": True, "forced": True, "mode": "agent", "source": "prompt", "instruction": "",
    "text": "", "transcript": "", "summary": "", "through": 1, "part": "1555", "form": "text", "body_hash": b"", "status": 201, "response": "{}", "size": 1,
    "object_key": "", "username": "guest", "name": "Guest", "tag": None, "member_id": None, "jti": "jti", "delta": -1, "initial": 5, "paid": True, "most": 10,
    "capability_id": NEW, "position": 0, "call_id": "call", "tool": "tool", "type": "api", "args": "{}", "acts": True, "asked": None, "result": "", "error": "", "outside": False,
    "effects": "{}", "duration_ms": 1.0, "author": "agent", "column": "c", "url": "", "outcome": "answered", "response_head": "", "email": "a@b.example", "prefix": "p",
    "key_hash": b"", "app_id": "lumen", "phone_number_id": "lumen", "display_number": "1555", "given": [""], "variables": ["{}"], "actions": [NEW], "attempts": 1,
    "bases": [u("base1")], "knowledge_base_id": u("base1"), "version": 1, "words": ["w1"], "stems": ["s1"], "counts": [1], "more": 1,
    "owners": [0], "heads": ["w1"], "begins": ["w1%"], "mime_type": "text/plain", "sha256": "", "settings": "{}", "passages": 1, "model": "", "start": 0,
    "headings": [""], "texts": [""], "tokens": [1], "tsvs": ["bread"], "urls": [None], "mark": 0,
    "days": [1], "delay": 1.0, "details": "{}", "duplicates": 0, "start_hour": 8, "end_hour": 20, "ignore_suppression": False, "template": "{}", "time_zone": "UTC",
    "dims": 3, "embeddings": ["[1,2,3]"], "bound": 1,
    "holders": [u("rival")], "holding": [3], "few": 4, "calendar": "c1", "calendars": ["c1"], "action_id": u("action"), "event_id": "e", "enough": 20,
    "contacts": [CONTACT], "sessions": [str(u(f"session{N}"))], "turns": [u(f"turn{N}")], "open_turns": [u(f"turn{N}")], "scopes": ["scope"], "references": [NEW],
    "untils": [AT], "reference": NEW, "hashes": [NEW], "opted_out_at": AT, "suppressed_at": None, "objects": [], "first": AT, "second": NEW, "last": True,
    "oldest": oldest_id(AT - timedelta(hours=1)),
}  # fmt: skip

# Where a name means something else in one statement.
OWN = {
    "accounts.queries.COUNT_TRY": {"scope": "scope101"},
    "agents.llm.queries.CALLS": {},
    "agents.llm.given_queries.GIVEN": {"id": AGENT, "default_names": [""], "default_model": "openai/gpt", "kinds": ["memory_keys"]},
    "agents.llm.queries.END_CALL": {"id": u(f"call{N}")},
    "agents.llm.queries.TAKE_HELD": {"id": u(f"call{N}"), "asked": "customer"},
    "agents.llm.queries.ACTIVITY": {"agent_id": AGENT},
    "campaigns.batches_queries.SAY": {"after": [0.0], "positions": [N], "contact_ids": [CONTACT]},
    "campaigns.batches_queries.LEAVE_OUT": {"states": ["skipped"]},
    "campaigns.queries.RECIPIENTS": {"state": None},
    "campaigns.queries.COUNT_RECIPIENTS": {"state": None},
    "campaigns.queries.CONTACTS": {"ids": [CONTACT]},
    "erasing_queries.ERASE": {"calls": ["call"], "names": [NEW], "scopes": ["callback 1"]},
    "erasing_queries.KEEP_STOP": {"names": [NEW]},
    "erasing_queries.NOTE": {"names": [NEW], "counts": "{}"},
    "erasing_queries.READ": {"id": u(f"erasure{N}")},
    "erasing_rest_queries.REST": {"id": u(f"erasure{N}")},
    "erasing_rest_queries.FINISHED": {"id": u(f"erasure{N}")},
    "erasing_rest_queries.EVENTS_OF_NOBODY": {"numbers": ["lumen"]},
    "erasing_rest_queries.ANSWERS": {"first": "scope", "second": "key"},
    "contacts_queries.LIST": {"phone": None},
    "contacts_queries.COUNT": {"phone": None},
    "contacts_queries.CREATE": {"ids": [NEW]},
    "inbox_queries.NUMBERS": {"ids": ["lumen"]},
    "media_queries.SETTLE": {"state": "ready"},
    "timeline_queries.TIMELINE": {"before": None},
}


def variants():
    """Every statement as it is sent: name → (text, values). One that is put together comes once for each way."""
    found = {}
    for name, text in statements().items():
        if name in PUT_TOGETHER:
            for how, whole, more in PUT_TOGETHER[name](text):
                found[f"{name} {how}"] = (whole, _values(name, whole, more))
        else:
            found[name] = (text, _values(name, text, {}))
    return found


def _values(name, text, more):
    own = VALUES | OWN.get(name, {}) | more
    if name in ROWS:
        own = own | {"rows": json.dumps([ROWS[name]])}
    return {one: own.get(one) for one in VALUES | own if f"%({one})s" in text}


def _lists(text):
    filters = {"": {}} | {
        one: {"active": True, "unread": True, "after": AT - timedelta(days=1)}.get(one, VALUES.get(one)) for one in reading_queries.WHERE
    }
    for order, columns in reading_queries.ORDER.items():
        yield order, text.format(where="", order=columns), {}
    for one, value in filters.items():
        if one:
            order = reading_queries.ORDER["-last_message_time"]
            yield one, text.format(where=reading_queries.WHERE[one], order=order), {one: value}


def _deliveries(text):
    yield "all", text.format(where=""), {}
    for one, where in reading_queries.WHERE_DELIVERIES.items():
        yield one, text.format(where=where), {}


PUT_TOGETHER = {
    "reading_queries.CONVERSATIONS": _lists,
    "reading_queries.COUNT_CONVERSATIONS": _lists,
    "reading_queries.DELIVERIES": _deliveries,
    "reading_queries.COUNT_DELIVERIES": _deliveries,
    "reading_queries.MESSAGES": lambda text: (),  # MESSAGES_OF_CONVERSATION, MESSAGES_BY_ID
    "contacts_queries.CHANGE": lambda text: [("", text.format(assignments="given_name = 'Dana'"), {})],
    "contacts_queries.COLUMNS": lambda text: (),
    "erased_queries.OPTED_OUT": lambda text: (),
    "erasing_rest_queries.VACUUM": lambda text: (),
}
