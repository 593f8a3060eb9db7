"""What is counted, under names that a dashboard may rely on. Labels never hold anything of a tenant or a customer."""

from prometheus_client import Counter, Gauge, Histogram

from dragoman.agents import linking
from dragoman.store import jobs

RECEIVED = Counter("dragoman_messages_received_total", "Customer messages stored")
DUPLICATES = Counter("dragoman_messages_duplicate_total", "Customer messages that had been stored before")
REFUSED = Counter("dragoman_webhooks_refused_total", "Webhooks or events that were not processed", ["reason"])
DELIVERIES = Counter("dragoman_agent_deliveries_total", "Calls to agents by what came of them", ["outcome"])
DELIVERY_SECONDS = Histogram("dragoman_agent_delivery_seconds", "How long agents took to answer")
SENDS = Counter("dragoman_sends_total", "Messages handed to WhatsApp by what came of it", ["outcome"])
DISCARDED = Counter("dragoman_replies_discarded_total", "Replies dropped because the thread had changed hands")
EXPIRED = Counter("dragoman_replies_expired_total", "Messages that came after the 24-hour window had closed")
MEDIA = Counter("dragoman_media_fetched_total", "Media files by what came of fetching them", ["outcome"])
HELD = Gauge("dragoman_conversations_held", "Conversations this process is working on")
LEASES_LOST = Counter("dragoman_leases_lost_total", "Times this process found that another had taken its conversation over")
CRASHED = Counter("dragoman_conversations_crashed_total", "Times work on a conversation ended in an unexpected error")
PARKED = Counter("dragoman_turns_parked_total", "Questions given up because the server had ended again and again while it worked on them")
SWITCHED_OFF = Counter("dragoman_agents_switched_off_total", "Agents' webhooks that were switched off, by why", ["reason"])
SILENT = Gauge(
    "dragoman_numbers_without_statuses", "Numbers whose messages WhatsApp accepts while it sends no statuses, as this worker saw it"
)
LOOPS = Counter("dragoman_loops_stopped_total", "Times an agent was quieted because its customer answered like a program")
LINKS = linking.REMOVED  # counted where they are taken out
JOBS = jobs.JOBS  # counted where the queue is
