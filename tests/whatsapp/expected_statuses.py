"""What each payload with `statuses[]` or `message_echoes[]` becomes."""

from datetime import UTC, datetime

from expected import DANA, ZOE, echo, kept, status

from dragoman.whatsapp.events import Failure, MediaRef, Sender

PMP = {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "marketing"}
DANA_WITH_USERNAME = Sender(phone="15550007890", bsuid="US.13491200000000000001", username="dana.ortiz", name="Dana Ortiz")
DANA_UNNAMED = Sender(phone="15550007890", bsuid="US.13491200000000000001")
ZOE_OF_PARENT = Sender(bsuid="US.13491200000000000077", parent_bsuid="US.ENT.9001", username="zoe.k", name="Zoë")
GROUP = "120363400000000001"
WINDOW_CLOSED = Failure(
    131047,
    "Re-engagement message",
    "Re-engagement message",
    "Message failed to send because more than 24 hours have passed since the customer last replied to this number.",
)

STATUSES = {
    "status_sent_pmp": [status("sent", attempt="campaign=spring;row=88", pricing=PMP)],
    "status_sent_free_entry_point": [
        status(
            "sent",
            conversation={
                "id": "8ceb00000000000000000000000000aa",
                "expiration_timestamp": "1794312000",
                "origin": {"type": "referral_conversion"},
            },
            pricing={"billable": False, "pricing_model": "PMP", "type": "free_entry_point", "category": "referral_conversion"},
        )
    ],
    "status_sent_conversation_legacy": [
        status(
            "sent",
            DANA_UNNAMED,
            conversation={
                "id": "8ceb00000000000000000000000000aa",
                "expiration_timestamp": "1794139200",
                "origin": {"type": "service"},
            },
            pricing={"billable": True, "pricing_model": "CBP", "category": "service"},
        )
    ],
    "status_delivered": [
        status("delivered", DANA_WITH_USERNAME, datetime(2026, 11, 7, 12, 1, 3, tzinfo=UTC), attempt="campaign=spring;row=88", pricing=PMP)
    ],
    "status_read": [status("read")],
    "status_played": [status("played", at=datetime(2026, 11, 7, 12, 3, 30, tzinfo=UTC))],
    "status_upper_case": [status("delivered", DANA_UNNAMED)],
    "status_warning_legacy": [status("warning", DANA_UNNAMED)],
    "status_failed_131026_with_contacts": [
        status("failed", errors=[Failure(131026, "Message undeliverable", "Message undeliverable", "Message Undeliverable.")])
    ],
    "status_failed_without_contacts": [status("failed", Sender(phone="15550007890"), attempt="attempt-2", errors=[WINDOW_CLOSED])],
    "status_bsuid_only": [status("delivered", ZOE_OF_PARENT)],
    "status_old_parent_key": [status("sent", Sender(bsuid="US.13491200000000000077", parent_bsuid="US.ENT.9001"))],
    "status_group_sent": [
        status(
            "sent",
            Sender(),
            group_id=GROUP,
            pricing={"billable": True, "pricing_model": "PMP", "type": "regular", "category": "group_utility"},
        )
    ],
    "status_group_read": [
        status("read", DANA, participant="US.13491200000000000001", group_id=GROUP),
        status("read", ZOE_OF_PARENT, participant="US.13491200000000000077", group_id=GROUP),
    ],
    "status_without_id": [kept("messages", "it has no usable id")],
    "status_without_name": [kept("messages", "the status has no name")],
}

ECHOES = {
    "smb_message_echoes": [echo(DANA_UNNAMED, text="Ivo here, your cake is ready")],
    "smb_message_echoes_bsuid": [
        echo(
            Sender(bsuid=ZOE.bsuid, parent_bsuid="US.ENT.9001", username="zoe.k"),
            "image",
            text="The cake",
            media=[MediaRef("314186006249297", "image", "image/jpeg", "spgUz1eS5oTNddan/OemehGIfjEvh8oqwkltgfNl/3I=", caption="The cake")],
        )
    ],
    "smb_message_echoes_edit": [echo(DANA_UNNAMED, "edit", text="Ivo here, your cake is almost ready", edit_of="wamid.ECHO1")],
    "smb_message_echoes_revoke": [echo(DANA_UNNAMED, "revoke", revoke_of="wamid.ECHO1")],
    "smb_message_echoes_without_to": [kept("smb_message_echoes", "it names no recipient")],
    "message_echoes": [echo(Sender(phone="15550007890"), text="Ivo again")],
}

EXPECTED = STATUSES | ECHOES
