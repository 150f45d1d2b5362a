"""admin: what a person changes or starts, one file a noun. Every door calls these, and no door writes by itself.

A function takes the engine, what is to be changed, the actor and `now`. In one transaction it locks the row, checks,
changes, and writes the row of audit_log and the event.

`seen` is the version that the caller looked at: a change of a field that somebody else has changed since is refused
(errors.Stale). Where it is None, the caller gives values that hold in any case.
"""
