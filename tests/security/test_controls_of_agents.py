"""Without what stands around the model, the gullible one does harm; without a fingerprint, a tool may turn."""

import pytest
import test_native_safety_carriers as carriers
from test_native_safety_carriers import model, shop
from tests.agents.mcp import test_cleaning as cleaning
from tests.security.switched import fails
from tests.stories.conftest import dana, lumen, overrides, role, session

from dragoman.agents.llm.calling import Calling


@pytest.fixture(autouse=True)
def impatience(monkeypatch):
    monkeypatch.setattr("cast.PATIENCE", 5.0)


async def test_without_the_button_a_remembered_order_is_carried_out(monkeypatch, lumen, model, shop, dana):
    monkeypatch.setattr(Calling, "_who_agrees", lambda self, tool: None)
    await fails(carriers.test_what_was_remembered_in_words_is_nobodys_word, lumen, model, shop, dana, because="until Dana is asked")
    assert shop.refunds


async def test_without_the_button_a_forwarded_order_is_carried_out(monkeypatch, lumen, model, shop, dana):
    monkeypatch.setattr(Calling, "_who_agrees", lambda self, tool: None)
    await fails(
        carriers.test_what_he_passed_on_to_a_colleague_is_not_his_word_afterwards, lumen, model, shop, dana, because="until Dana is asked"
    )
    assert shop.refunds


@pytest.mark.parametrize("deceit", ["tags", "zero width", "direction", "colours"])
async def test_what_is_not_cleaned_hides(monkeypatch, deceit):
    for name in ("clean", "clean_lines"):
        monkeypatch.setattr(f"dragoman.agents.mcp.tools.{name}", str)
    await fails(cleaning.test_what_is_shown_is_what_the_model_reads, deceit, because="assert 'A")
