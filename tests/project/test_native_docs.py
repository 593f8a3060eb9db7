"""The page about native agents names what there is to set."""

from tests.project.source import ROOT

from dragoman.agents.capabilities import REGISTRY
from dragoman.agents.native import Confirmations, Faq, Limits, OnLimit, Options, Speech

PAGE = (ROOT / "docs/native-agents.md").read_text()


def test_every_option_is_named():
    schemas = (Options, Limits, OnLimit, Confirmations, Faq, Speech)
    names = {field.alias for schema in schemas for field in schema.model_fields.values()}
    assert {name for name in names if f"`{name}`" not in PAGE and f".{name}`" not in PAGE} == set()


def test_every_capability_is_named():
    lists = {"".join(word.capitalize() if n else word for n, word in enumerate(one.field.split("_"))) for one in REGISTRY}
    assert {name for name in lists if f"`{name}`" not in PAGE} == set()
