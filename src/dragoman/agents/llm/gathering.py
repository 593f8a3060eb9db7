"""What a turn begins with: the tools that are offered, what the capabilities add to the prompt, passages, pictures."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel

from dragoman.agents import configured
from dragoman.agents.actions import linked, records
from dragoman.agents.actions.linked import Linked
from dragoman.agents.capabilities import REGISTRY
from dragoman.agents.capability import Run, Told
from dragoman.agents.llm import knowing, speaking
from dragoman.agents.llm.given import Given
from dragoman.agents.llm.providers import Choice
from dragoman.agents.tools import Tool


@dataclass
class Gathered:
    """`block` is data for this question (passages); `outside`: it holds what others wrote. `files` are texts by a file's URL."""

    tools: dict[str, Tool] = field(default_factory=dict)
    prompts: list[str] = field(default_factory=list)
    passages: list[Any] = field(default_factory=list)
    block: str = ""
    outside: bool = False
    hosts: frozenset[str] = frozenset()  # named by the business itself: files may be sent from there
    pictures: list[tuple[bytes, str]] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    actions: Linked = field(default_factory=Linked)

    def tell(self, told: Sequence[Told]) -> None:
        """Put words into the prompt."""
        self.prompts += [one.text for one in told]
        self.outside |= any(one.outside for one in told)

    @property
    def citations(self) -> list[dict[str, Any]]:
        return [passage.citation() for passage in self.passages]


async def gather(run: Run, given: Given, choice: Choice | None) -> Gathered:
    """What the agent knows of the question and, for a model, what it may do. `builtin/faq` (`choice` None) could call nothing."""
    actions = records.of_rows(run.kit, given.actions)
    gathered = Gathered(passages=await knowing.passages(run, given.bases), actions=await linked.of_turn(run, actions))
    if choice is not None:
        # Questions with their answers are the business's own words; files and pages may be anybody's.
        gathered.outside = any(passage.kind != "faq" for passage in gathered.passages)
        gathered.block = knowing.block(gathered.passages)
        await _ask_capabilities(run, given, gathered)
    return gathered


async def _ask_capabilities(run: Run, given: Given, gathered: Gathered) -> None:
    """What each kind that the agent has something of offers to the model and tells it."""
    items = configured.by_field(run.kit, run.organisation_id, given.capabilities, REGISTRY)
    tools: list[Tool] = [speaking.SEND_TOOL] if run.scene.forced else [speaking.SEND_TOOL, speaking.SILENT_TOOL]
    for capability in REGISTRY:
        active = [item for item in items[capability.field] if getattr(item.config, "active", True)]
        tools += await capability.tools(run, active)
        if told := await capability.prompt(run, active):
            gathered.tell([told])
    tools += gathered.actions.offered
    configs = [*(item.config for found in items.values() for item in found), *gathered.actions.configs]
    gathered.hosts = _hosts(run, configs, gathered.passages)
    for tool in tools:
        name, nth = tool.name, 1
        while name in gathered.tools:  # two kinds may have thought of one name
            nth += 1
            name = f"{tool.name[:60]}_{nth}"
        gathered.tools[name] = tool if name == tool.name else replace(tool, name=name)


def _hosts(run: Run, configs: Sequence[BaseModel], passages: list[Any]) -> frozenset[str]:
    """Every host that the business has named: in its instructions, its tools, the addresses of its knowledge; and our own."""
    agent = run.agent
    own = [agent.system_prompt, agent.first_message, agent.options.persona, agent.options.goal, run.kit.settings.public_url]
    told = [config.model_dump_json() for config in configs]
    return frozenset(speaking.hosts_in("\n".join([*own, *told, *(passage.url or "" for passage in passages)])))
