"""Refusals of the Graph API, in Meta's own shape. The emulator keeps its own table: an examiner does not copy from the examined."""

import json

# code: (title, HTTP status). Meta: Cloud API error codes; a code that is not here is answered 400.
KNOWN: dict[int, tuple[str, int]] = {
    0: ("AuthException", 401),
    1: ("API Unknown", 400),
    2: ("API Service", 503),
    3: ("API Method", 500),
    4: ("API Too Many Calls", 400),
    10: ("Permission denied", 403),
    33: ("Parameter value is not valid", 400),
    100: ("Invalid parameter", 400),
    190: ("Access token has expired", 401),
    200: ("API Permission", 403),
    368: ("Temporarily blocked for policies violations", 403),
    613: ("Calls to this api have exceeded the rate limit", 400),
    80007: ("Rate limit issues", 400),
    130403: ("User is on the block list", 403),
    130429: ("Rate limit hit", 400),
    130472: ("User's number is part of an experiment", 400),
    130497: ("Business account is restricted from messaging users in this country", 403),
    131000: ("Something went wrong", 500),
    131005: ("Access denied", 403),
    131008: ("Required parameter is missing", 400),
    131009: ("Parameter value is not valid", 400),
    131016: ("Service unavailable", 500),
    131021: ("Recipient cannot be sender", 400),
    131026: ("Message undeliverable", 400),
    131030: ("Recipient phone number not in allowed list", 400),
    131031: ("Account has been locked", 403),
    131037: ("Display name approval needed", 400),
    131041: ("Group does not exist", 400),
    131042: ("Business eligibility payment issue", 400),
    131045: ("Incorrect certificate", 500),
    131047: ("Re-engagement message", 400),
    131048: ("Spam rate limit hit", 400),
    131049: ("This message was not delivered to maintain healthy ecosystem engagement.", 400),
    131050: ("User has stopped marketing messages from this business", 400),
    131051: ("Unsupported message type", 400),
    131052: ("Media download error", 400),
    131053: ("Media upload error", 400),
    131056: ("(Business Account, Consumer Account) pair rate limit hit", 400),
    131057: ("Account in maintenance mode", 500),
    131062: ("Recipient type not supported for this message", 400),
    131064: ("Template messaging limit reached", 400),
    132000: ("Number of parameters does not match the expected number of params", 400),
    132001: ("Template name does not exist in the translation", 404),
    132005: ("Translated text too long", 400),
    132007: ("Template format character policy violated", 400),
    132012: ("Parameter format does not match format in the created template", 400),
    132015: ("Template is paused", 400),
    132016: ("Template is disabled", 400),
    132018: ("Template parameter text is not valid", 400),
    133000: ("Incomplete deregistration", 500),
    133004: ("Server temporarily unavailable", 503),
    133005: ("Two step verification PIN mismatch", 400),
    133006: ("Phone number re-verification needed", 400),
    133010: ("Phone number not registered", 400),
    133015: ("Please wait a few minutes before attempting to register this phone number", 400),
    135000: ("Generic user error", 400),
    137000: ("Recipient identity key hash mismatch", 400),
    139100: ("Failed to block/unblock users", 400),
    2494100: ("Phone number in maintenance mode", 400),
}


class GraphError(Exception):
    """A refusal. `details` is the sentence for people; `subcode` and `kind` only where Meta's clients look at them."""

    def __init__(self, code: int, details: str, *, subcode: int | None = None, http: int | None = None, message: str | None = None) -> None:
        title, status = KNOWN.get(code, ("Error", 400))
        super().__init__(details)
        self.code, self.details, self.subcode = code, details, subcode
        self.http = http or status
        self.message = message or f"(#{code}) {title}"

    def body(self, trace: str) -> bytes:
        error: dict[str, object] = {
            "message": self.message,
            "type": "GraphMethodException" if self.subcode == 33 else "OAuthException",
            "code": self.code,
        }
        if self.subcode:
            error["error_subcode"] = self.subcode
        error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        error["fbtrace_id"] = trace
        return json.dumps({"error": error}, separators=(",", ":")).encode()


def title(code: int) -> str:
    return KNOWN.get(code, ("Error", 400))[0]


def no_such_object(object_id: str) -> GraphError:
    text = (
        f"Unsupported request. Object with ID '{object_id}' does not exist, cannot be loaded due to missing permissions, "
        "or does not support this operation"
    )
    return GraphError(100, text, subcode=33, message=text)
