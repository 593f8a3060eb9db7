"""WhatsApp's limits, each with where it comes from. Numbers only: who enforces them is `whatsapp.messages` and the sandbox.

"Meta" is the Cloud API reference of the message type named; lengths are characters (Unicode code points).
"Ours" marks a bound that Meta leaves open.
"""

from typing import Literal

TEXT_BODY = 4096  # Meta, text.body
CAPTION = 1024  # Meta, image/video/document caption; audio and stickers take none
URL = 2000  # ours: longer links are cut by many servers on the way
FILENAME = 240  # ours: what common file systems hold

INTERACTIVE_BODY = 1024  # Meta, interactive body of reply buttons and of a link button
LIST_BODY = 4096  # Meta, interactive body of a list
HEADER_TEXT = 60  # Meta, interactive header text
FOOTER = 60  # Meta, interactive footer text

BUTTONS = 3  # Meta, reply buttons
BUTTON_TITLE = 20  # Meta, reply button title
BUTTON_ID = 256  # Meta, reply button id
LINK_TITLE = 20  # Meta, cta_url display_text

LIST_BUTTON = 20  # Meta, list button
LIST_SECTIONS = 10  # Meta, list sections
LIST_ROWS = 10  # Meta, list rows in all sections together
SECTION_TITLE = 24  # Meta, list section title
ROW_ID = 200  # Meta, list row id
ROW_TITLE = 24  # Meta, list row title
ROW_DESCRIPTION = 72  # Meta, list row description

CONTACTS = 257  # Meta, contacts in one message
LOCATION_TEXT = 1000  # ours, location name and address
CONTACT_TEXT = 256  # ours, contact name and phone number
EMOJI = 16  # ours: the longest joined emoji are 10 code points

TEMPLATE_NAME = 512  # Meta, template name
TEMPLATE_LANGUAGE = 15  # ours: the longest of Meta's language codes is shorter
TEMPLATE_PARAMETER = 1024  # Meta, template body after substitution
TEMPLATE_BUTTONS = 10  # Meta, template button index 0 to 9
TEMPLATE_CARDS = 10  # Meta, carousel cards
TEMPLATE_CARDS_LEAST = 2  # Meta, carousel cards

MESSAGE_ID = 512  # ours, a wamid; real ones have about 60 characters
OPAQUE = 512  # Meta, biz_opaque_callback_data

ANSWER_BYTES = 256 * 1024  # ours, what one answer of an agent may weigh
ANSWER_ITEMS = 10  # ours, contents in one answer
ANSWER_MESSAGES = 20  # ours, messages that one answer may become once long texts are split

NUMBER_PER_SECOND = 80  # Meta, messages per second and business number
COEXISTENCE_PER_SECOND = 20  # Meta, the same for a number that is also in the WhatsApp Business app
PAIR_SECONDS = 6  # Meta, one message in 6 s to the same customer
PAIR_BURST = 45  # Meta, messages that may be borrowed from that rate

WINDOW_SECONDS = 24 * 3600  # Meta, customer service window after a customer's message
TYPING_SECONDS = 25  # Meta, a typing indicator ends by itself
MEDIA_URL_SECONDS = 5 * 60  # Meta, a resolved media URL
MEDIA_UPLOADED_DAYS = 30  # Meta, id of an uploaded file
MEDIA_RECEIVED_DAYS = 7  # Meta, id of a customer's file
REACTION_DAYS = 30  # Meta, age of a message one may react to

_MB = 1024 * 1024
MEDIA_BYTES = {  # Meta, largest file by kind
    "image": 5 * _MB,
    "video": 16 * _MB,
    "audio": 16 * _MB,
    "document": 100 * _MB,
    "sticker": 500 * 1024,
}
MEDIA_TYPES = {  # Meta, MIME types by kind
    "image": ("image/jpeg", "image/png"),
    "video": ("video/mp4", "video/3gpp"),
    "audio": ("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"),
    "document": (
        "application/pdf",
        "text/plain",
        "application/msword",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.ms-excel",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.ms-powerpoint",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
    "sticker": ("image/webp",),
}
MEDIA_EXTENSIONS: dict[str, Literal["image", "video", "audio", "document"]] = {  # which kind a file name's ending means
    "jpg": "image",
    "jpeg": "image",
    "png": "image",
    "mp4": "video",
    "3gp": "video",
    "3gpp": "video",
    "aac": "audio",
    "amr": "audio",
    "mp3": "audio",
    "m4a": "audio",
    "ogg": "audio",
    "oga": "audio",
    "opus": "audio",
    "pdf": "document",
    "txt": "document",
    "csv": "document",
    "doc": "document",
    "docx": "document",
    "xls": "document",
    "xlsx": "document",
    "ppt": "document",
    "pptx": "document",
}
