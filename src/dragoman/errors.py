"""What can go wrong for a caller, as a small tree.

    Problem
    ├── Invalid        400  a field is wrong: says which, and what to do
    ├── Unauthorized   401  no key, or a key that does not open anything
    ├── Forbidden      403  the key is good, the act is not allowed
    ├── NotFound       404  no such thing, or not yours
    ├── Conflict       409  right request, wrong moment (window closed, handed over, ...)
    ├── TooSlow        408  the request did not come to its end in time
    ├── Gone           410  was here, is no more
    ├── TooLarge       413
    ├── Unprocessable  422  understood, and no use: says which field
    ├── RateLimited    429  knows when to come back
    └── Unavailable    503  nothing was done; try again

A problem is raised where it is known and becomes an HTTP answer in one place per dialect.
What the *remote* side does wrong is never an exception: it is a value (see `whatsapp.errors`, `agents.byoa`).
"""


class Problem(Exception):
    status = 500
    code = "error"

    def __init__(self, message: str, *, code: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        if code:
            self.code = code


class Invalid(Problem):
    status, code = 400, "invalid"


class Unauthorized(Problem):
    status, code = 401, "unauthorized"


class Forbidden(Problem):
    status, code = 403, "forbidden"


class NotFound(Problem):
    status, code = 404, "not_found"


class Conflict(Problem):
    status, code = 409, "conflict"


class TooSlow(Problem):
    status, code = 408, "too_slow"


class Gone(Problem):
    status, code = 410, "gone"


class TooLarge(Problem):
    status, code = 413, "too_large"


class Unprocessable(Problem):
    status, code = 422, "unprocessable"


class RateLimited(Problem):
    status, code = 429, "rate_limited"

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(Problem):
    status, code = 503, "unavailable"
