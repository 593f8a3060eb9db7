"""Campaigns: one template to many people, each at most once, behind everything that is said in conversations.

    scheduled ──► running ◄──► paused
        │            │           │
        │            ├──► completed        everybody was written to, skipped, or could not be
        └────────────┴───────────┴──► cancelled

Creating one writes its recipients down; jobs then hand them to the outbox in small batches (`batches`), one chain of jobs for each
number. What became of a message is known by the message: `records.statistics` counts those.
"""
