"""`dragoman serve` with shorter patience, so that a test of slow requests is no slow test. Everything else is as it is shipped.

    python -m tests.security.impatient serve --port 8050 …

With CARELESS in the environment it is a server without our limits, for the negative control.
"""

import os

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from dragoman import app
from dragoman.api import body, heads
from dragoman.cli import main

SECONDS = 1.5

if __name__ == "__main__":
    body.BODY_SECONDS = heads.HEAD_SECONDS = heads.REST_SECONDS = heads.READING_SECONDS = SECONDS
    if "CARELESS" in os.environ:
        app.LimitedHeads = HttpToolsProtocol
        body.BODY_SECONDS = 3600.0
    main()
