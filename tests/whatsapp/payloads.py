"""The sample webhooks of the fixtures folder."""

from pathlib import Path

PAYLOADS = Path(__file__).parents[1] / "fixtures" / "payloads"
NAMES = sorted(path.stem for path in PAYLOADS.glob("*.json"))
LISTS = ("messages", "statuses", "message_echoes", "errors", "user_actions", "user_preferences")


def body_of(name):
    return (PAYLOADS / f"{name}.json").read_bytes()


def parts_of(payload):
    """The parts of a payload that should become one event each, found without the parser."""
    for entry in payload["entry"]:
        changes = entry.get("changes", [entry]) if isinstance(entry, dict) else [entry]
        for change in changes or [entry]:
            value = change.get("value") if isinstance(change, dict) else None
            if not value:
                yield change
            elif change.get("field") in ("messages", "smb_message_echoes", "message_echoes", "user_preferences"):
                yield from [part for key in value if key in LISTS for part in value[key]] or [value]
            else:
                yield value
