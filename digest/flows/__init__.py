"""flows: stories, the only place where rooms meet. Each reads, asks a rule, acts and records, in its own transactions.

collect     sources due -> articles
publish     newsletter due -> edition -> a ledger row per reader
images      an edition's pictures -> copies of our own, in the sizes of a mail
dispatch    lease a batch -> select -> splice -> send -> record
control     an edition on its way: pause, cancel, resolve, withdraw an article
copies      a frozen edition -> the message of one reader
explain     why a reader got what they got, and the same bytes again
simulate    editions that are never built: what they would be
membership  ask, confirm, choose, leave, erase
importing   files -> articles, subscribers
notices     one message that is no edition: asked for, sent soon, on record
keys        the keys of links: seen, replaced, ended
syncing     a site's own readers -> subscribers, and who is gone from there leaves
"""
