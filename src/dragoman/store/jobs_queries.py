"""The SQL of the queue that is not procrastinate's own."""

# One that has been due for longer waits for another of its lock, and whoever has that one looks again when it is done.
UNTIL_NEXT = """
select extract(epoch from min(scheduled_at) - now()) as seconds from procrastinate_jobs
where status = 'todo' and queue_name = any(%(queues)s) and scheduled_at > now() - interval '1 second'
"""
