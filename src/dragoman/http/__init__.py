"""The two doors through which Dragoman calls out, and what comes back. Nothing else in Dragoman opens a connection of its own."""

from aiohttp import FormData

from dragoman.http.answers import Answer, NoAnswer, Refused, Streamed, TooLate, TooLong, Unreadable
from dragoman.http.guarded import Guarded, check_url
from dragoman.http.trusted import Trusted

__all__ = ["Answer", "FormData", "Guarded", "NoAnswer", "Refused", "Streamed", "TooLate", "TooLong", "Trusted", "Unreadable", "check_url"]
