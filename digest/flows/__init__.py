"""flows: stories, the only place where rooms meet. Each reads, asks a rule, acts and records, in its own transactions.

collect     sources due -> articles
due         what is due, done once: collect, sync, build
publish/    newsletter due -> edition -> approved
admin/      what a person changes or starts: articles, sources, readers, sponsors, the calendar, newsletters, editions
images      an edition's pictures -> copies of our own, in the sizes of a mail
dispatch    lease a batch -> select -> splice -> send -> record
copies      a frozen edition -> the message of one reader
explain     why a reader got what they got, and the same bytes again
simulate    editions that are never built: what they would be
membership  what readers do themselves: choose, leave
importing   files -> articles, subscribers
notices     one message that is no edition: asked for, sent soon, on record
keys        the keys of links: seen, replaced, ended
doctor      what is wrong, or will be
overview    lists that join rooms
history     who did what
syncing     a site's own readers -> subscribers, and who is gone from there leaves
"""
