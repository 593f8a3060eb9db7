"""An HTTP API as one tool: what is written down of it (`schema`), and the way from there to a request and to what the model reads.

schema    the `apiSchema` of the API, checked
older     the form that an older guide shows, turned into it
build     a schema and the model's arguments → the request
sending   the request → what came of it, in words
keeping   which of its values are secret, and how they stay so
curl, openapi   where a schema can come from
"""
