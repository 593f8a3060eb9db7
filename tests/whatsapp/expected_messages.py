"""What each payload with `messages[]` becomes."""

from expected import ZOE, kept, message

from dragoman.whatsapp.events import Card, Choice, Failure, IdentityChange, MediaRef, Place, Quoted, Reacted, Sender

ASKED = Quoted("wamid.EARLIER", "15550001234")
DANA_UNNAMED = Sender(phone="15550007890", bsuid="US.13491200000000000001")
OLD_BSUID, NEW_BSUID = "US.13491200000000000001", "US.13491200000000000002"


def file(kind, media_id, mime_type, sha256, **more):
    url = f"https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid={media_id}&source=webhook&ext=1794053100&hash=ARn0exampleHash"
    return [MediaRef(media_id, kind, mime_type, sha256, url=url, **more)]


REFERRAL = {
    "source_url": "https://fb.me/2exampleAd",
    "source_id": "120210000000000001",
    "source_type": "ad",
    "headline": "Autumn jackets",
    "body": "Chat with us to get your size",
    "media_type": "image",
    "image_url": "https://scontent.example.net/ad-image.jpg",
    "ctwa_clid": "ARAkLkA8rmlFeiCktEJQ-QTwRiyYHAFDLMNDBH0CD3qpjd0HR4irJ6LEkR7JwFF4XvnO2E4Nx0-eM-GABDLOPaOdRMv_zfUQ2a",
    "welcome_message": {"text": "Hi! How can we help?"},
}
ORDER = {
    "catalog_id": "194836987003835",
    "text": "Please wrap it",
    "product_items": [
        {"product_retailer_id": "bread-7", "quantity": 2, "item_price": 4.5, "currency": "USD"},
        {"product_retailer_id": "cake-1", "quantity": 1, "item_price": 30, "currency": "USD"},
    ],
}
BOOKING = {
    "flow_token": "booking-881",
    "date": "2026-11-08",
    "guests": 2,
    "photo": [{"file_name": "table.jpg", "mime_type": "image/jpeg", "sha256": "abc=", "id": "790"}],
}
ADDRESS = {"saved_address_id": "a1", "values": {"in_pin_code": "400063", "city": "Mumbai"}}
CALL_PERMISSION = {"response": "accept", "expiration_timestamp": 1794657600, "is_permanent": False, "response_source": "user_action"}

TEXTS = {
    "text": [message(text="Hi, is the blue jacket still in stock?")],
    "text_bsuid_only": [
        message(
            sender=Sender(bsuid="US.13491200000000000001", username="dana.ortiz", name="Dana Ortiz"), text="Hello from a username account"
        )
    ],
    "text_bsuid_username_at": [
        message(
            sender=Sender(bsuid="US.13491200000000000077", parent_bsuid="US.ENT.9001", username="zoe.k", name="Zoë"),
            text="Hello from Zoë",
        )
    ],
    "text_ctwa_referral": [message(text="Can I get more info about this?", referral=REFERRAL)],
    "text_forwarded": [message(text="Limited sale this week only!", forwarded=True)],
    "text_of_forwarded_post": [message(text="Have you seen this?", forwarded=True)],
    "text_reply_context": [
        message(text="Yes, that one please", quoted=Quoted("wamid.HQQYCzE1NTUwMDA3ODkwFQIAERgSMzVDNUFGNEUzMTAzNEE2ODRGQzYA", "15550001234"))
    ],
    "text_referred_product": [
        message(
            text="Is this fresh today?",
            quoted=Quoted("wamid.CATALOG", "15550001234", {"catalog_id": "194836987003835", "product_retailer_id": "bread-7"}),
        )
    ],
    "text_in_group": [message(text="Who brings the cake?", group_id="120363400000000001")],
    "text_with_identity": [message(text="Still me")],
    "text_without_contacts": [message(text="Anybody there?", sender=DANA_UNNAMED)],
    "text_numbers_for_strings": [message(text="42", sender=Sender(phone="15550007890", name="Dana Ortiz"))],
    "text_contacts_in_other_order": [message(text="I am Dana"), message(text="I am Zoë", sender=ZOE)],
    "object_last": [message(text="Upside down")],
}

MEDIA = {
    "image": [
        message(
            "image",
            text="My receipt",
            media=file("image", "314186006249297", "image/jpeg", "spgUz1eS5oTNddan/OemehGIfjEvh8oqwkltgfNl/3I=", caption="My receipt"),
        )
    ],
    "video": [
        message(
            "video",
            text="It makes this noise",
            media=file(
                "video", "562415461124758", "video/mp4", "H/g43GypaA2IRVNBEYFX1ZoFX+bQ44cPnAAoR76+RmM=", caption="It makes this noise"
            ),
        )
    ],
    "audio_voice": [
        message(
            "audio",
            media=file("audio", "116918220338367", "audio/ogg; codecs=opus", "QnXXHpD38J+dy7oq7qr7PzBXZ4C8TVQZ/whtHG8CplQ=", voice=True),
        )
    ],
    "document": [
        message(
            "document",
            text="Invoice",
            media=file(
                "document",
                "345063120445873",
                "application/pdf",
                "E51US4IbE+vqFPGw/hhXciLkFcKWbjo1EcQZYFUjIgI=",
                filename="invoice-2041.pdf",
                caption="Invoice",
            ),
        )
    ],
    "sticker": [message("sticker", media=file("sticker", "272840385454990", "image/webp", "mxeAaN45PSpjqiyfMAVW3f9as5qQH41v55kMaxFs8pM="))],
    "media_without_id": [message("image", text="Lost")],
    "image_too_large": [
        message(
            "unsupported",
            errors=[
                Failure(
                    131052,
                    "Media download error",
                    "Media download error",
                    "Media file size too big. Max file size we currently support: 100 MB.",
                )
            ],
        )
    ],
}

THINGS = {
    "location": [
        message(
            "location",
            location=Place(37.4847, -122.1477, "Central Park Cafe", "12 Example St, Springfield", "https://example.com/cafe"),
        )
    ],
    "contacts": [
        message(
            "contacts", contacts=[Card("Mr Ivo Lumen", ["+1 (555) 000-4444", "+1 555 000 4445"]), Card("Mallory Rival", ["15550009999"])]
        )
    ],
    "order": [message("order", text="Please wrap it", order=ORDER)],
    "reaction": [message("reaction", reaction=Reacted("wamid.HQQYCzE1NTUwMDA3ODkwFQIAERgSMzVDNUFGNEUzMTAzNEE2ODRGQzYA", "👍"))],
    "reaction_removed": [message("reaction", reaction=Reacted("wamid.EARLIER"))],
    "request_welcome": [message("request_welcome")],
    "type_unknown": [message("poll_creation")],
    "unsupported": [
        message(
            "unsupported",
            errors=[Failure(131051, "Message type unknown", "Message type unknown", "Message type is currently not supported.")],
        )
    ],
    "edit": [
        message(
            "edit",
            text="Hi, is the GREEN jacket still in stock?",
            edit_of="wamid.HQQYCzE1NTUwMDA3ODkwFQIAEhgURkU4REYxQTVBMTk4MDQ5M0NBOTQA",
            quoted=Quoted("wamid.HQQYCzE1NTUwMDA3ODkwFQIAERgSMzVDNUFGNEUzMTAzNEE2ODRGQzYA"),
        )
    ],
    "edit_caption": [
        message(
            "edit",
            text="My receipt, the right one",
            edit_of="wamid.EARLIER",
            media=[
                MediaRef(
                    "314186006249298",
                    "image",
                    "image/jpeg",
                    "spgUz1eS5oTNddan/OemehGIfjEvh8oqwkltgfNl/3I=",
                    caption="My receipt, the right one",
                )
            ],
        )
    ],
    "revoke": [message("revoke", revoke_of="wamid.EARLIER")],
}

TAPS = {
    "button_template_reply": [
        message(
            "button",
            text="Unsubscribe",
            reply=Choice("template_button", "OPT_OUT", "Unsubscribe"),
            quoted=Quoted("wamid.HQQYCzE1NTUwMDA3ODkwFQIAERgSQzgwREQzRDU3NkE0MTVGNkQ2MjEA", "15550001234"),
        )
    ],
    "interactive_button_reply": [
        message(
            "interactive",
            text="Confirm",
            reply=Choice("button", "confirm:appt-881", "Confirm"),
            quoted=Quoted("wamid.HQQYCzE1NTUwMDA3ODkwFQIAERgSNEMwRjk5Mzg1NjhFMDdGQjQwODEA", "15550001234"),
        )
    ],
    "interactive_list_reply": [
        message(
            "interactive",
            text="Sun 10:00",
            reply=Choice("list", "slot:2026-11-08T10:00", "Sun 10:00", "Main branch"),
            quoted=Quoted("wamid.HQQYCzE1NTUwMDA3ODkwFQIAERgSNUM2NjNDNDY4M0EwQ0MwOTYwMEIA", "15550001234"),
        )
    ],
    "interactive_nfm_reply": [message("interactive", text="Sent", reply=Choice("flow", "flow", "Sent", data=BOOKING), quoted=ASKED)],
    "interactive_nfm_reply_broken": [message("interactive", text="Sent", reply=Choice("flow", "flow", "Sent"))],
    "interactive_address": [
        message(
            "interactive",
            text="12 Example St, Springfield",
            reply=Choice("flow", "address_message", "12 Example St, Springfield", data=ADDRESS),
            quoted=ASKED,
        )
    ],
    "interactive_call_permission_reply": [
        message("interactive", reply=Choice("call_permission", "accept", data=CALL_PERMISSION), quoted=ASKED)
    ],
    "interactive_product_reply": [message("interactive", text="Rye bread", reply=Choice("product_reply", "bread-7", "Rye bread", "1 kg"))],
}

CHANGES = {
    "system_user_changed_number": [
        message(
            "system",
            DANA_UNNAMED,
            text="User Dana Ortiz changed from 15550007890 to 15550007999",
            change=IdentityChange("user_changed_number", "15550007890", "15550007999", OLD_BSUID, NEW_BSUID),
        )
    ],
    "system_user_changed_user_id": [
        message(
            "system",
            DANA_UNNAMED,
            text=f"User Dana Ortiz changed from {OLD_BSUID} to {NEW_BSUID}",
            change=IdentityChange("user_changed_user_id", "15550007890", "15550007999", OLD_BSUID, NEW_BSUID),
        )
    ],
    "system_customer_identity_changed": [
        message(
            "system",
            DANA_UNNAMED,
            text="User Dana Ortiz changed their identity",
            change=IdentityChange("customer_identity_changed", None, "15550007890", None, OLD_BSUID),
        )
    ],
    "system_customer_changed_number_legacy": [
        message(
            "system",
            Sender(phone="15550007890"),
            text="User A changed from 15550007890 to 15550007999",
            change=IdentityChange("customer_changed_number", "15550007890", "15550007999"),
        )
    ],
    "system_without_from": [
        message(
            "system",
            Sender(bsuid="US.13491200000000000077"),
            text="User Zoë changed from US.13491200000000000077 to US.13491200000000000078",
            change=IdentityChange("user_changed_user_id", None, None, "US.13491200000000000077", "US.13491200000000000078", "US.ENT.9002"),
        )
    ],
}

BROKEN = {
    "message_without_id": [kept("messages", "it has no usable id")],
    "message_without_sender": [kept("messages", "it names no sender")],
    "metadata_missing": [kept("messages", "metadata.phone_number_id is missing", number=None)],
    "metadata_only": [kept("messages", "nothing in it")],
    "errors_value_level": [kept("messages", "WhatsApp reports error 131052: Media download error")],
    "user_actions": [kept("messages", "user_actions is kept, not acted on")],
}

EXPECTED = TEXTS | MEDIA | THINGS | TAPS | CHANGES | BROKEN
