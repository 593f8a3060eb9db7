"""The cast of the stories and the nursery of the crash tests, for stories in which something else breaks."""

from tests.crash.conftest import nursery, stage, witnessed  # noqa: F401
from tests.stories.conftest import dana, echo, lumen, model, overrides, role, second, session, zoe  # noqa: F401
