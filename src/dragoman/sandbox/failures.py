"""Refusals of the Graph API, in Meta's own shape."""

import json

from dragoman.whatsapp import codes


class GraphError(Exception):
    """A refusal. `details` is the sentence for people; `subcode` and `kind` only where Meta's clients look at them."""

    def __init__(self, code: int, details: str, *, subcode: int | None = None, http: int | None = None, message: str | None = None) -> None:
        known = codes.look_up(code)
        super().__init__(details)
        self.code, self.details, self.subcode = code, details, subcode
        self.http = http or (known.http if known else 400)
        self.message = message or f"(#{code}) {title(code)}"

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
    known = codes.look_up(code)
    return known.title if known else "Error"


def no_such_object(object_id: str) -> GraphError:
    text = (
        f"Unsupported request. Object with ID '{object_id}' does not exist, cannot be loaded due to missing permissions, "
        "or does not support this operation"
    )
    return GraphError(100, text, subcode=33, message=text)
