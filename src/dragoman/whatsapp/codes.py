"""Graph API error codes: their names, the HTTP status they come with, and what a sender does about them.

Source: Meta, "Error codes" of the Cloud API. The treatment is ours:

    retry         certainly not sent, and may work later without any change
    pause_number  nothing from this number will work until somebody mends its set-up
    final         this message will never work as it is

What each code means to a business owner is in `whatsapp.causes`.
"""

from typing import Literal, NamedTuple

Treatment = Literal["retry", "pause_number", "final"]


class Code(NamedTuple):
    title: str
    http: int
    treatment: Treatment
    wait: float | None = None  # seconds before a retry makes sense, where Meta names them


UNKNOWN = 1
SERVICE = 2
TOO_MANY_CALLS = 4
PERMISSION_DENIED = 10
OBJECT_MISSING = 33
INVALID_PARAMETER = 100
TOKEN_EXPIRED = 190
BLOCKED_BY_POLICY = 368
ACCOUNT_RATE = 80007
BLOCKED_CUSTOMER = 130403
THROUGHPUT = 130429
SOMETHING_WRONG = 131000
PARAMETER_MISSING = 131008
PARAMETER_INVALID = 131009
SERVICE_UNAVAILABLE = 131016
SAME_SENDER = 131021
UNDELIVERABLE = 131026
NOT_ALLOWED_RECIPIENT = 131030
ACCOUNT_LOCKED = 131031
PAYMENT = 131042
BAD_CERTIFICATE = 131045
WINDOW_CLOSED = 131047
SPAM_RATE = 131048
MARKETING_CAP = 131049
MARKETING_STOPPED = 131050
UNSUPPORTED_TYPE = 131051
MEDIA_DOWNLOAD = 131052
MEDIA_UPLOAD = 131053
PAIR_RATE = 131056
MAINTENANCE = 131057
NEEDS_PHONE = 131062
TEMPLATE_PARAMETER_COUNT = 132000
TEMPLATE_MISSING = 132001
TEMPLATE_TEXT_TOO_LONG = 132005
TEMPLATE_PARAMETER_FORMAT = 132012
TEMPLATE_PAUSED = 132015
TEMPLATE_DISABLED = 132016
NOT_REGISTERED = 133010
GENERIC_USER = 135000
IDENTITY_MISMATCH = 137000

SUBCODE_OBJECT_MISSING = 33  # of code 100: the id in the address, so the phone number, does not exist or is not ours

CODES: dict[int, Code] = {
    0: Code("AuthException", 401, "pause_number"),
    UNKNOWN: Code("API Unknown", 400, "retry"),
    SERVICE: Code("API Service", 503, "retry"),
    3: Code("API Method", 500, "pause_number"),
    TOO_MANY_CALLS: Code("API Too Many Calls", 400, "retry"),
    PERMISSION_DENIED: Code("Permission Denied", 403, "pause_number"),
    OBJECT_MISSING: Code("Parameter value is not valid", 400, "pause_number"),
    INVALID_PARAMETER: Code("Invalid parameter", 400, "final"),
    TOKEN_EXPIRED: Code("Access token has expired", 401, "pause_number"),
    BLOCKED_BY_POLICY: Code("Temporarily blocked for policies violations", 403, "pause_number"),
    613: Code("Rate limit reached", 400, "retry"),
    ACCOUNT_RATE: Code("Rate limit issues", 400, "retry"),
    BLOCKED_CUSTOMER: Code("User is blocked", 403, "final"),
    THROUGHPUT: Code("Rate limit hit", 400, "retry"),
    130472: Code("User's number is part of an experiment", 400, "final"),
    130497: Code("Business account is restricted from messaging users in this country", 403, "final"),
    SOMETHING_WRONG: Code("Something went wrong", 500, "retry"),
    131005: Code("Access denied", 403, "pause_number"),
    PARAMETER_MISSING: Code("Required parameter is missing", 400, "final"),
    PARAMETER_INVALID: Code("Parameter value is not valid", 400, "final"),
    SERVICE_UNAVAILABLE: Code("Service unavailable", 500, "retry"),
    131020: Code("Group invalid", 400, "final"),
    SAME_SENDER: Code("Recipient cannot be sender", 400, "final"),
    UNDELIVERABLE: Code("Message undeliverable", 400, "final"),
    NOT_ALLOWED_RECIPIENT: Code("Recipient phone number not in allowed list", 400, "final"),
    ACCOUNT_LOCKED: Code("Account has been locked", 403, "pause_number"),
    131037: Code("Display name approval needed", 400, "pause_number"),
    131041: Code("Group unknown", 400, "final"),
    PAYMENT: Code("Business eligibility payment issue", 400, "pause_number"),
    131044: Code("Business eligibility payment issue", 400, "pause_number"),
    BAD_CERTIFICATE: Code("Incorrect certificate", 500, "pause_number"),
    WINDOW_CLOSED: Code("Re-engagement message", 400, "final"),
    SPAM_RATE: Code("Spam rate limit hit", 400, "final"),
    MARKETING_CAP: Code("Message not delivered to maintain healthy ecosystem engagement", 400, "final"),
    MARKETING_STOPPED: Code("User has stopped marketing messages", 400, "final"),
    UNSUPPORTED_TYPE: Code("Unsupported message type", 400, "final"),
    MEDIA_DOWNLOAD: Code("Media download error", 400, "final"),
    MEDIA_UPLOAD: Code("Media upload error", 400, "final"),
    131055: Code("Method not allowed", 400, "final"),
    PAIR_RATE: Code("Business account, consumer account pair rate limit hit", 400, "retry"),
    MAINTENANCE: Code("Account in maintenance mode", 500, "retry", 60),
    131059: Code("Invalid cursor", 400, "final"),
    NEEDS_PHONE: Code("Business-scoped user id is not supported for this message", 400, "final"),
    131063: Code("Marketing templates are not enabled on Cloud API", 400, "final"),
    131064: Code("Template messaging limit reached", 400, "final"),
    131208: Code("Group rate limit hit", 429, "retry"),
    TEMPLATE_PARAMETER_COUNT: Code("Template param count mismatch", 400, "final"),
    TEMPLATE_MISSING: Code("Template does not exist", 404, "final"),
    TEMPLATE_TEXT_TOO_LONG: Code("Template hydrated text too long", 400, "final"),
    132007: Code("Template format character policy violated", 400, "final"),
    132008: Code("Template parameter invalid", 400, "final"),
    TEMPLATE_PARAMETER_FORMAT: Code("Template parameter format mismatch", 400, "final"),
    TEMPLATE_PAUSED: Code("Template is paused", 400, "final"),
    TEMPLATE_DISABLED: Code("Template is disabled", 400, "final"),
    132018: Code("Template parameters are not valid", 400, "final"),
    132021: Code("Template content is not valid", 400, "final"),
    132068: Code("Flow is blocked", 400, "final"),
    132069: Code("Flow is throttled", 400, "final"),
    133000: Code("Incomplete deregistration", 500, "retry"),
    133004: Code("Server temporarily unavailable", 503, "retry"),
    133005: Code("Two step verification PIN mismatch", 400, "pause_number"),
    133006: Code("Phone number re-verification needed", 400, "pause_number"),
    133008: Code("Too many two step verification PIN guesses", 400, "final"),
    133009: Code("Two step verification PIN guessed too fast", 400, "final"),
    NOT_REGISTERED: Code("Phone number not registered", 400, "pause_number"),
    133015: Code("Phone number was recently deleted", 400, "retry", 300),
    133016: Code("Account register/deregister rate limit exceeded", 400, "final"),
    134011: Code("Payments terms of service not accepted", 400, "final"),
    134100: Code("Only marketing messages are supported", 400, "final"),
    134101: Code("Account not eligible for Marketing Messages", 400, "final"),
    134102: Code("Template is not yet available for Marketing Messages", 500, "retry", 600),
    GENERIC_USER: Code("Generic user error", 400, "final"),
    IDENTITY_MISMATCH: Code("Identity key mismatch", 400, "final"),
    138005: Code("Call rate limit hit", 400, "retry"),
    138013: Code("Call permission API rate limit hit", 400, "retry"),
    139102: Code("Concurrent block list change", 400, "retry"),
    139103: Code("Block list internal error", 400, "retry"),
    139200: Code("Direct Send template generation failed", 400, "final"),
    2494100: Code("Phone number is in maintenance mode", 400, "retry", 120),
    2388001: Code("Phone number migration failed", 400, "final"),
    2388012: Code("Phone number already registered", 400, "final"),
    2388019: Code("Template limit exceeded", 400, "final"),
    2388023: Code("Template language is being deleted", 400, "final"),
    2388024: Code("Template language already exists", 400, "final"),
    2388040: Code("Template field is too long", 400, "final"),
    2388047: Code("Template header format incorrect", 400, "final"),
    2388072: Code("Template body format incorrect", 400, "final"),
    2388073: Code("Template footer format incorrect", 400, "final"),
    2388091: Code("Phone number verification failed", 400, "final"),
    2388093: Code("Phone number verification failed", 400, "final"),
    2388103: Code("Phone number migration failed", 400, "final"),
    2388293: Code("Template has too many variables for its length", 400, "final"),
    2388299: Code("Template has a variable at its start or end", 400, "final"),
    2388318: Code("Direct Send refused", 400, "final"),
    2388330: Code("Direct Send refused", 400, "final"),
}
RANGES: list[tuple[int, int, Code]] = [
    (200, 299, Code("API Permission", 403, "pause_number")),
    (131201, 131215, Code("Group messaging error", 400, "final")),
    (138000, 138018, Code("Calling error", 400, "final")),
    (139000, 139004, Code("Flow error", 400, "final")),
    (139100, 139101, Code("Block list error", 400, "final")),
    (147001, 147005, Code("Username error", 400, "final")),
    (200005, 200007, Code("Template insights are not available", 400, "final")),
    (2494164, 2494179, Code("In-app signup error", 400, "final")),
    (2593107, 2593109, Code("Business app synchronisation error", 400, "final")),
]


def look_up(code: int) -> Code | None:
    """What is known of a code; None for one that Meta added after this table was written."""
    if found := CODES.get(code):
        return found
    return next((entry for first, last, entry in RANGES if first <= code <= last), None)
