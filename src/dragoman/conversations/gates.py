"""What a customer meets before a native agent is asked, and what is put around its answer.

Before: STOP and START, the word that brings credits, the paywall, empty credits, and silence after the last answer that a session may
have. Around: the greeting with the first answer of a session, the closing words with the last, now and then an ad.
"""

from typing import Any

import msgspec

from dragoman.agents import records
from dragoman.agents.relations import records as relations
from dragoman.agents.relations.settings import Ad, Paywall, read
from dragoman.agents.turns import Outcome, Scene
from dragoman.conversations import native_queries as queries
from dragoman.conversations import willing
from dragoman.conversations.services import Services
from dragoman.whatsapp.content import LinkButton, Outgoing, Text


async def before(services: Services, agent: records.Agent, scene: Scene) -> Outcome | None:
    """What is answered without the agent; None when the agent is to be asked."""
    if scene.turn.said and (outcome := await _words(services, agent, scene)) is not None:
        return outcome
    if capped(agent, scene):
        most = agent.options.max_messages
        return _outcome(services, [], f"The agent may say {most} answers in one session, and has; it keeps quiet until the session ends.")
    if not scene.turn.said:
        return None
    kit, turn = services.kit, scene.turn
    standing = await relations.standing(kit, scene.organisation_id, agent.id, turn.contact.id, agent.config, turn.id)
    if standing.wall is not None:
        if standing.first:
            await _note(services, scene, "paywall_reached")
        return _outcome(services, _walled(standing.wall, scene, standing.first), "The customer has reached the paywall.")
    if standing.credits is not None and standing.credits < 1:
        await _note(services, scene, "credits_empty")
        settings = relations.credits_of(agent.config)
        return _outcome(
            services, [Text(body=settings.empty_text)] if settings and settings.empty_text else [], "The customer has no credits left."
        )
    return None


async def charge(services: Services, agent: records.Agent, scene: Scene, outcome: Outcome) -> None:
    """One credit for an answer; once, however often the turn begins."""
    if outcome.kind == "answered" and scene.turn.said and relations.credits_of(agent.config) is not None:
        turn = scene.turn
        await relations.move(services.kit, scene.organisation_id, agent.id, turn.contact.id, -1, "answer", f"turn {turn.id}", turn.id)


async def around(services: Services, agent: records.Agent, scene: Scene, outcome: Outcome) -> Outcome:
    """The answer with what goes before and after it."""
    if outcome.kind != "answered":
        return outcome
    contents, spoken = list(outcome.contents), any(line.by == "agent" for line in scene.history)
    if agent.first_message and not spoken:
        contents.insert(0, Text(body=agent.first_message))
    if (ad := await _ad(services, agent, scene)) is not None:
        contents.append(ad)
    if is_last(agent, scene, outcome):
        await _note(services, scene, "max_messages_reached")
        if agent.options.closing_text:
            contents.append(Text(body=agent.options.closing_text))
    return msgspec.structs.replace(outcome, contents=contents)


def capped(agent: records.Agent, scene: Scene) -> bool:
    most = agent.options.max_messages
    return most is not None and scene.session.answers >= most


def is_last(agent: records.Agent, scene: Scene, outcome: Outcome) -> bool:
    most = agent.options.max_messages
    return outcome.kind == "answered" and most is not None and scene.session.answers + 1 >= most


async def _words(services: Services, agent: records.Agent, scene: Scene) -> Outcome | None:
    """The last message as a word to us instead of to the agent."""
    text = str(scene.turn.said[-1].content.get("text") or "")
    wish = willing.wish(text)
    if wish is not None:
        answer = agent.options.opt_out_text if wish else agent.options.opt_in_text
        return _outcome(services, [Text(body=answer)] if answer else [])
    settings = relations.credits_of(agent.config)
    if settings is None or not relations.is_password(services.vault, settings, text):
        return None
    granted = await relations.grant(services.kit, scene.organisation_id, agent.id, scene.turn.contact.id, settings)
    return _outcome(services, [Text(body=settings.granted_text if granted else "This was used today already.")])


def _walled(wall: Paywall, scene: Scene, first: bool) -> list[Outgoing]:
    """The way to the payment page each time; the last word of a wall without a way only once."""
    if wall.paywall_url and wall.paywall_action in ("purchase_link", "subscribe"):
        url = wall.paywall_url.replace("{user_id}", str(scene.turn.contact.id))
        body = wall.terminal_state_message or "To go on, please use this link."
        return [LinkButton(body=body, title=wall.cta_button_text, url=url)]
    return [Text(body=wall.terminal_state_message)] if first and wall.terminal_state_message else []


async def _ad(services: Services, agent: records.Agent, scene: Scene) -> Outgoing | None:
    ad: Ad | None = read(agent.config, "adConfig")
    answers = scene.session.answers + 1
    if ad is None or not ad.active or answers % ad.every_answers or not scene.turn.said:
        return None
    row = await services.db.fetch_one(queries.WILLING, {"organisation_id": scene.organisation_id, "contact_id": scene.turn.contact.id})
    if row is None or row["opted_out_at"] is not None:
        return None
    return LinkButton(body=ad.text, title=ad.button_text, url=ad.url) if ad.url else Text(body=ad.text)


async def _note(services: Services, scene: Scene, kind: str) -> None:
    """Once for each session."""
    values = {"organisation_id": scene.organisation_id, "conversation_id": scene.turn.conversation_id, "session_id": scene.session.id}
    await services.db.execute(queries.NOTE_ONCE, {**values, "kind": kind, "now": services.clock.now()})


def _outcome(services: Services, contents: list[Outgoing], cause: str | None = None) -> Outcome:
    kind: Any = "answered" if contents else "silent"
    return Outcome(kind=kind, started_at=services.clock.now(), duration_ms=0.0, contents=contents, cause=cause)
