"""workers: who runs the batches. Today that is this process itself: scheduler.py and cli/sending.py call flows/dispatch.py,
and any number of processes on one database share an edition by leases. An engine that wakes other machines goes here."""
