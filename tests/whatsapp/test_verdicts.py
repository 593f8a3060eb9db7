"""What became of a message, by what WhatsApp answered."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.http.answers import Answer, NoAnswer
from dragoman.whatsapp import causes, codes
from dragoman.whatsapp.errors import HEAD, classify, explain

RETRY = [1, 2, 4, 613, 80007, 130429, 131000, 131016, 131056, 131057, 131208, 133000, 133004, 133015, 134102, 138005, 138013, 139102, 139103, 2494100]  # fmt: skip
PAUSE_NUMBER = [0, 3, 10, 33, 190, *range(200, 300), 368, 131005, 131031, 131037, 131042, 131044, 131045, 133005, 133006, 133010]
FINAL = [
    100, 130403, 130472, 130497, 131008, 131009, 131020, 131021, 131026, 131030, 131041, 131047, 131048, 131049, 131050, 131051, 131052, 131053,
    131055, 131059, 131062, 131063, 131064, *range(131201, 131208), *range(131209, 131216), 132000, 132001, 132005, 132007, 132008, 132012,
    132015, 132016, 132018, 132021, 132068, 132069, 133008, 133009, 133016, 134011, 134100, 134101, 135000, 137000,
    *range(138000, 138005), 138006, 138007, 138009, 138012, 138018, *range(139000, 139005), 139100, 139101, 139200, *range(147001, 147006),
    200005, 200006, 200007, 2388001, 2388012, 2388019, 2388023, 2388024, 2388040, 2388047, 2388072, 2388073, 2388091, 2388093, 2388103, 2388293,
    2388299, 2388318, 2388330, *range(2494164, 2494180), 2593107, 2593108, 2593109,
]  # fmt: skip
EVERY_CODE = [
    (code, outcome) for outcome, listed in (("retry", RETRY), ("pause_number", PAUSE_NUMBER), ("final", FINAL)) for code in listed
]


def graph_error(code, *, status=400, headers=None, **more):
    body = {"error": {"message": f"(#{code}) Something", "type": "OAuthException", "code": code, "fbtrace_id": "A"} | more}
    return Answer(status, headers or {}, json.dumps(body).encode())


@pytest.mark.parametrize(("code", "outcome"), EVERY_CODE)
def test_every_code_has_an_outcome_and_a_cause(code, outcome):
    verdict = classify(graph_error(code))
    assert (verdict.outcome, verdict.code, verdict.most_retries) == (outcome, code, None)
    own = causes.look_up(code)
    assert own
    again = " It is tried again by itself." if outcome == "retry" else ""
    assert verdict.cause == f"{own}{again} WhatsApp says: (#{code}) Something. (code {code})"


def test_no_code_is_known_that_the_list_above_has_not():
    listed = {code for code, _ in EVERY_CODE}
    assert set(codes.CODES) <= listed
    assert set(causes.CAUSES) <= listed


def test_a_cause_is_one_to_three_sentences_for_people():
    for code, _ in EVERY_CODE:
        cause = causes.look_up(code)
        assert cause[0].isupper()
        assert cause.endswith(".")
        assert ".." not in cause
        assert len(cause) < 330


ACCEPTED = {
    "messaging_product": "whatsapp",
    "contacts": [{"input": "+15550007890", "wa_id": "15550007890"}],
    "messages": [{"id": "wamid.1"}],
}


def accepted(**more):
    return Answer(200, {}, json.dumps(ACCEPTED | more).encode())


def test_a_message_id_means_accepted():
    verdict = classify(accepted())
    assert (verdict.outcome, verdict.wamid, verdict.wa_id, verdict.user_id, verdict.cause) == (
        "accepted",
        "wamid.1",
        "15550007890",
        None,
        "",
    )


def test_a_customer_without_a_phone_is_known_by_user_id():
    verdict = classify(accepted(contacts=[{"input": "US.1", "user_id": "US.1"}]))
    assert (verdict.wa_id, verdict.user_id) == (None, "US.1")


def test_an_answer_without_contacts_is_still_accepted():
    assert classify(Answer(200, {}, b'{"messages": [{"id": "wamid.1"}]}')).wamid == "wamid.1"


def test_a_template_that_is_held_back_says_so():
    verdict = classify(accepted(messages=[{"id": "wamid.1", "message_status": "held_for_quality_assessment"}]))
    assert verdict.outcome == "accepted"
    assert "quality" in verdict.cause


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"ok", b'{"messages": []}', b'{"messages": [{"id": ""}]}', b'{"messages": {}}', b"[" * 100_000]
)
def test_success_without_a_message_id_is_unknown(body):
    assert classify(Answer(200, {}, body)).outcome == "unknown"


def test_an_error_object_is_a_refusal_whatever_the_status():
    for status in (200, 400, 401, 429, 500, 503):
        assert classify(graph_error(131026, status=status)).outcome == "final"


@pytest.mark.parametrize(
    "body", [b"", b"<html>Sorry", b'{"error": "down"}', b'{"error": {"message": "no code"}}', b'{"error": {"code": true}}']
)
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_without_an_error_object_is_unknown(status, body):
    assert classify(Answer(status, {}, body)).outcome == "unknown"


@pytest.mark.parametrize("status", [301, 403, 404, 407, 413, 429])
def test_a_refusal_by_a_proxy_is_tried_twice_more(status):
    verdict = classify(Answer(status, {"Retry-After": "7"}, b"<html>Forbidden"))
    assert (verdict.outcome, verdict.most_retries, verdict.retry_after, verdict.status) == ("retry", 2, 7, status)
    assert "proxy" in verdict.cause


def test_a_code_nobody_knows_is_tried_twice_more():
    verdict = classify(graph_error(139999))
    assert (verdict.outcome, verdict.most_retries) == ("retry", 2)
    assert verdict.cause.startswith("WhatsApp reports error 139999, which Dragoman does not know.")


def test_no_answer_before_the_request_left_is_tried_again():
    verdict = classify(None, NoAnswer("The name graph.example could not be found.", body_sent=False))
    assert verdict.outcome == "retry"
    assert verdict.cause.endswith("The name graph.example could not be found.")


def test_no_answer_after_the_request_left_is_unknown():
    verdict = classify(None, NoAnswer("No answer within 20 s.", body_sent=True))
    assert verdict.outcome == "unknown"
    assert "not sent again by itself" in verdict.cause


def test_a_number_that_is_gone_pauses_the_number():
    verdict = classify(graph_error(100, error_subcode=33, message="Unsupported post request. Object with ID '1' does not exist"))
    assert (verdict.outcome, verdict.code) == ("pause_number", 33)


def test_a_code_may_come_as_text():
    assert classify(graph_error("131047")).code == codes.WINDOW_CLOSED


USAGE = '{"1022":[{"type":"messages","call_count":100,"estimated_time_to_regain_access": 19}]}'


@pytest.mark.parametrize(
    ("code", "headers", "wait"),
    [
        (4, {"Retry-After": "30"}, 30),
        (4, {"Retry-After": "9" * 30}, 86_400),
        (4, {"Retry-After": "soon"}, None),
        (80007, {"X-Business-Use-Case-Usage": USAGE}, 19 * 60),
        (131057, {}, 60),
        (133015, {"Retry-After": "10"}, 300),
        (130429, {}, None),
        (131047, {"Retry-After": "10"}, None),
    ],
)
def test_a_retry_waits_as_long_as_whatsapp_asks(code, headers, wait):
    assert classify(graph_error(code, headers=headers)).retry_after == wait


def test_the_details_of_an_error_are_told():
    verdict = classify(graph_error(131009, error_data={"messaging_product": "whatsapp", "details": "text.body is too long."}))
    assert verdict.cause.endswith("WhatsApp says: text.body is too long. (code 131009)")


def test_no_token_is_kept():
    token = "EAAGm0PX4ZCpsBAJk1234567890abcdef"
    for said in (f"Malformed access token {token}", f"see /me?access_token={token}&x", "Authorization: Bearer s3cret-s3cret"):
        verdict = classify(graph_error(190, message=said))
        assert "EAAG" not in verdict.head + verdict.cause
        assert "s3cret" not in verdict.head + verdict.cause
    assert "s3cret" not in classify(graph_error(190, message="Malformed s3cret"), secret="s3cret").head


def test_the_head_is_short_and_can_be_stored():
    verdict = classify(Answer(500, {}, b"\0\xff" + b"x" * 5000))
    assert len(verdict.head) == HEAD
    assert "\0" not in verdict.head


def test_a_failed_status_is_explained():
    assert explain(131047, "Re-engagement message", None) == (
        "More than 24 hours have passed since the customer last wrote. Send an approved template, or wait until the customer writes again. "
        "WhatsApp says: Re-engagement message. (code 131047)"
    )
    assert "Send it again later." in explain(131000, "Something went wrong", None)
    assert explain(None, "Lost", None) == "WhatsApp reports a failure without a code. Lost"
    assert explain(7, None, " ") == "WhatsApp reports error 7, which Dragoman does not know. Look it up in Meta's list of error codes."


@settings(deadline=None)  # the machine may be busy
@given(st.binary(max_size=200), st.integers(200, 599))
def test_no_answer_breaks_the_judgement(body, status):
    assert classify(Answer(status, {}, body)).outcome in ("unknown", "retry")
