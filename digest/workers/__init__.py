"""workers: who runs the batches. local.py: this process, and others beside it on the same machine. Any number of machines
may do so on one database; they share an edition by leases. An engine that wakes other machines goes here."""
