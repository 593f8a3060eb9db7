"""APPOINTMENT: a time in a calendar of the business, at Google or Outlook, that the customer chooses and the agent books.

schema      what is configured: the calendars, the weekly hours, the pauses
slots       when an appointment can be; pure
accounts    signing in at the calendar's service, and asking it
google, outlook   what is busy, and putting an event there, in each one's own words
booking     which calendar gets an appointment, once for each call
"""

from dragoman.agents.actions.appointment.offer import TYPE

__all__ = ["TYPE"]
