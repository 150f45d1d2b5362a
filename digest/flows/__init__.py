"""flows: stories, the only place where rooms meet. Each reads, asks a rule, acts and records, in its own transactions.

collect     sources due -> articles
publish     newsletter due -> edition -> a ledger row per reader
dispatch    lease a batch -> select -> splice -> send -> record
copies      a frozen edition -> the message of one reader
membership  ask, confirm, change, leave, erase
importing   files -> articles, subscribers
"""
