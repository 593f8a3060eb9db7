"""What only a native agent has: who it is, what it may spend, and how it behaves at the edges of a conversation."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from dragoman.agents import links
from dragoman.agents.schema import Flag, Schema
from dragoman.whatsapp.limits import TEXT_BODY

Words = Annotated[str, Field(max_length=TEXT_BODY)]
AutomaticTurns = Annotated[
    int | None,
    Field(
        strict=True,
        ge=0,
        le=1000,
        description="From the first message after so many in a minute that each followed an answer within 3 seconds, the customer is taken "
        "for a program and the agent keeps quiet for a while; 0: never; null: 10, and on a sandbox number never",
    ),
]
LinkDomain = Annotated[
    str, Field(max_length=300, description="A host with its subdomains, such as shop.example"), AfterValidator(links.domain)
]
LinkDomains = Annotated[
    list[LinkDomain] | None,
    Field(
        max_length=100,
        description="The only places to which links in what the model says may lead; others are taken out. Empty: no links; null: any",
    ),
]
Tokens = Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)]
Dollars = Annotated[float, Field(strict=True, gt=0, le=1_000_000)]


class Limits(Schema):
    """Looked at before each call of the model. None is no limit."""

    steps: Annotated[int, Field(strict=True, ge=1, le=50, description="Calls of the model in one turn")] = 8
    tool_calls: Annotated[int, Field(strict=True, ge=0, le=100, description="Calls of tools in one turn")] = 16
    seconds: Annotated[float, Field(strict=True, ge=5, le=600, description="How long one turn may take")] = 120
    turn_tokens: Annotated[Tokens | None, Field(description="Tokens in one turn, prompt and response together")] = 200_000
    turn_cost: Annotated[Dollars | None, Field(description="US dollars in one turn, where the price is known")] = None
    contact_day_tokens: Tokens | None = None
    contact_day_cost: Dollars | None = None
    agent_day_tokens: Tokens | None = None
    agent_day_cost: Dollars | None = None
    history_tokens: Annotated[int, Field(strict=True, ge=200, le=1_000_000, description="How much of the past the model is told")] = 6000


class OnLimit(Schema):
    """What the customer gets when a limit is reached."""

    action: Literal["hand_over", "text", "silence"] = "text"
    text: Words = "I cannot go on with this right now. Please try again later."


class Confirmations(Schema):
    """How a customer is asked before a tool changes something."""

    question: Words = "Shall I go ahead?"
    yes: Annotated[str, Field(min_length=1, max_length=20)] = "Yes"
    no: Annotated[str, Field(min_length=1, max_length=20)] = "No"
    declined: Words = "All right, I have not done it."


class Faq(Schema):
    """How `builtin/faq` answers: alone from the agent's knowledge, without a language model."""

    answer_from: Annotated[float, Field(strict=True, ge=0, le=1, description="From this strength on a passage is the answer")] = 0.5
    rephrase: Words = "I am not sure I understood. Could you say it in other words?"
    hand_over: Annotated[Flag, Field(description="After a second question in a row without an answer, a person takes over")] = False
    handing_over: Words = "I do not know that. A colleague will answer you here."


class Speech(Schema):
    """Voice notes: what the customer says is always written down; answers are spoken where the provider can."""

    transcribe: Flag = True
    transcription_model: Annotated[str, Field(max_length=255)] = "openai/whisper-1"
    reply_with_voice: Annotated[Literal["never", "to_voice", "always"], Field(description="When answers are spoken")] = "never"
    speech_model: Annotated[str, Field(max_length=255)] = "openai/gpt-4o-mini-tts"
    voice: Annotated[str, Field(max_length=100)] = "alloy"


class Options(Schema):
    """Our additions for agents of kind "llm"; everything has a default."""

    persona: Annotated[str, Field(max_length=20_000, description="Who the agent is")] = ""
    goal: Annotated[str, Field(max_length=20_000, description="What it is to reach")] = ""
    time_zone: Annotated[str, Field(max_length=64, description="For the time that the model is told")] = "UTC"
    temperature: Annotated[float | None, Field(strict=True, ge=0, le=2)] = None
    max_tokens: Annotated[int | None, Field(strict=True, ge=1, le=200_000, description="Of one response")] = None
    idle_hours: Annotated[float, Field(strict=True, gt=0, le=24 * 30, description="A session ends when nothing is said for so long")] = 24
    max_messages: Annotated[
        int | None, Field(strict=True, ge=1, le=100_000, description="Answers in one session; after the last one it keeps quiet")
    ] = None
    automatic_turns: AutomaticTurns = None
    link_domains: LinkDomains = None
    closing_text: Annotated[str, Field(max_length=TEXT_BODY, description="Said with the last answer that `maxMessages` allows")] = ""
    opt_out_text: Annotated[str, Field(max_length=TEXT_BODY, description="Answer to STOP")] = (
        "You will get no more messages that you did not ask for. Write START to change that."
    )
    opt_in_text: Annotated[str, Field(max_length=TEXT_BODY, description="Answer to START")] = "Good to have you back."
    limits: Limits = Field(default_factory=Limits)
    on_limit: OnLimit = Field(default_factory=OnLimit)
    confirmations: Confirmations = Field(default_factory=Confirmations)
    faq: Faq = Field(default_factory=Faq)
    speech: Speech = Field(default_factory=Speech)
    embedding_model: Annotated[str, Field(max_length=255, description="provider/model for the knowledge; empty: full text alone")] = ""
