"""What a message says, in words for people."""

from dragoman.whatsapp.content import Buttons, Choices, ContactCard, LinkButton, Location, Media, Outgoing, Reaction, Template, Text
from dragoman.whatsapp.received import Place, Received

_NOUNS = {
    "text": "a message",
    "image": "an image",
    "video": "a video",
    "audio": "an audio file",
    "voice": "a voice message",
    "document": "a document",
    "sticker": "a sticker",
    "location": "a location",
    "contacts": "a contact card",
    "reaction": "a reaction",
    "order": "an order",
    "interactive": "a choice",
    "button": "a choice",
    "edit": "a correction",
    "revoke": "a deletion",
    "unsupported": "a message of a kind that WhatsApp does not pass on",
}


def words(content: Received | Outgoing) -> str:
    """The words a message carries; empty when it carries none."""
    match content:
        case Received():
            return content.text or _unwritten(content)
        case Text() | Buttons() | LinkButton() | Choices():
            return content.body
        case Media():
            return content.caption or content.transcript or ""
        case Location():
            return _place(content)
        case ContactCard():
            return f"{content.name} ({content.phone_number})"
        case Template():
            return content.text or content.name
        case Reaction():
            return content.emoji


def noun(content: Received | Outgoing) -> str:
    """What kind of thing it is, with its article: "an image"."""
    match content:
        case Received(media=[file, *_]):
            return _NOUNS.get("voice" if file.voice else file.kind, "a file")
        case Received():
            return _NOUNS.get(content.type, f"a message of type {content.type}")
        case Media():
            return _NOUNS["voice" if content.voice else content.kind]
        case Location():
            return _NOUNS["location"]
        case ContactCard():
            return _NOUNS["contacts"]
        case Reaction():
            return _NOUNS["reaction"]
        case Template():
            return "a template"
        case Text() | Buttons() | LinkButton() | Choices():
            return _NOUNS["text"]


def in_words(content: Received | Outgoing) -> str:
    """The words, or, where there are none, what it is in brackets."""
    return words(content) or f"[{noun(content)}]"


def _unwritten(content: Received) -> str:
    if content.reaction:
        return content.reaction.emoji
    if content.location:
        return _place(content.location)
    return ", ".join(" ".join([card.name, *card.phones[:1]]) for card in content.contacts)


def _place(place: Place | Location) -> str:
    named = ", ".join(part for part in (place.name, place.address) if part)
    return f"{named} ({place.latitude}, {place.longitude})" if named else f"{place.latitude}, {place.longitude}"
