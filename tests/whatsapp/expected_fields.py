"""What the payloads of all other fields become, and one batch of everything."""

from expected import ZOE, kept, message, preference, status

from dragoman.whatsapp.events import Failure, MediaRef, Sender

# Payload file -> field. With a phone number in the metadata ...
OF_A_NUMBER = {
    "automatic_events": "automatic_events",
    "calls_connect": "calls",
    "calls_status_ringing": "calls",
    "calls_terminate": "calls",
    "field_unknown": "something_of_2027",
    "group_lifecycle_update": "group_lifecycle_update",
    "group_participants_update": "group_participants_update",
    "group_settings_update": "group_settings_update",
    "group_status_update": "group_status_update",
    "history_chunk": "history",
    "history_declined": "history",
    "messaging_handovers": "messaging_handovers",
    "smb_app_state_sync": "smb_app_state_sync",
    "standby": "standby",
    "tracking_events": "tracking_events",
    "user_id_update": "user_id_update",
}
# ... and without one.
OF_AN_ACCOUNT = {
    "account_alerts": "account_alerts",
    "account_review_update": "account_review_update",
    "account_settings_update": "account_settings_update",
    "account_update_ban": "account_update",
    "account_update_partner_added": "account_update",
    "account_update_partner_app_installed": "account_update",
    "account_update_restriction": "account_update",
    "account_update_without_changes": "account_update",
    "business_capability_update": "business_capability_update",
    "business_username_update": "business_username_updates",
    "business_username_update_singular": "business_username_update",
    "flows": "flows",
    "message_template_components_update": "message_template_components_update",
    "partner_solutions": "partner_solutions",
    "payment_configuration_update": "payment_configuration_update",
    "phone_number_name_update": "phone_number_name_update",
    "phone_number_quality_update": "phone_number_quality_update",
    "security": "security",
    "template_category_notice": "template_category_update",
    "template_category_update": "template_category_update",
    "template_correct_category_detection": "template_correct_category_detection",
    "template_quality_update": "message_template_quality_update",
    "template_status_approved": "message_template_status_update",
    "template_status_paused": "message_template_status_update",
}

RIVAL_WABA, RIVAL_NUMBER = "102290000000009", "106540000000009"
MALLORY = Sender(phone="15550009999", name="Mallory")

BATCH = [
    message(text="One"),
    kept("messages", "messages holds something that is not an object"),
    message(text="Two", sender=ZOE),
    kept("messages", "it names no sender"),
    status("sent"),
    kept("messages", "statuses holds something that is not an object"),
    status("failed", errors=[Failure(131026, "Message undeliverable")]),
    kept("message_template_status_update", number=None),
    kept("messages", "WhatsApp reports error 130429: Rate limit hit"),
    message("image", Sender(phone="15550007890", bsuid="US.13491200000000000001"), media=[MediaRef("1", "image", "image/png")]),
    kept("messages", "the change has no value", number=None),
    kept("", "the change has no value", number=None),
    kept("", "the entry is not an object", waba=None, number=None),
    message(text="Rival", sender=MALLORY, waba=RIVAL_WABA, number=RIVAL_NUMBER),
    kept("", "the entry has no changes", number=None),
]

EXPECTED = (
    {name: [kept(field)] for name, field in OF_A_NUMBER.items()}
    | {name: [kept(field, number=None)] for name, field in OF_AN_ACCOUNT.items()}
    | {"batch": BATCH, "user_preferences": [preference("stop")]}
)
