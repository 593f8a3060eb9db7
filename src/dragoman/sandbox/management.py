"""Everything of the Graph API around messaging: numbers, accounts, subscriptions, templates, profiles."""

from dragoman.sandbox.failures import no_such_object
from dragoman.sandbox.graph import Call, Endpoint


def find(call: Call) -> Endpoint:
    raise no_such_object(call.parts[0])
