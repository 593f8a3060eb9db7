"""What can go wrong at somebody else's server, as one exception."""


class Failed(Exception):
    """A server could not be called, or did not answer; `reason` is for people and models.

    unauthorized   it does not let us in
    unknown        the call had left: nobody knows whether it took effect
    outside        the server's own words are in the reason
    """

    def __init__(self, reason: str, *, unauthorized: bool = False, unknown: bool = False, outside: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason.rstrip(".")
        self.unauthorized = unauthorized
        self.unknown = unknown
        self.outside = outside

    @property
    def sentence(self) -> str:
        return f"{self.reason[:1].upper()}{self.reason[1:]}."


class NeedsSignIn(Failed):
    """There is no grant for this connector, or one that has run out for good."""

    def __init__(self) -> None:
        super().__init__("the business has to sign in at this server again", unauthorized=True)
