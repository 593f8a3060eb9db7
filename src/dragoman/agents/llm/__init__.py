"""Native agents: a language model that thinks inside Dragoman. `loop.answer` is the way in."""
