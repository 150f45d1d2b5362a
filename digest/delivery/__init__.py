"""delivery: hand each message over exactly as often as the ledger allows.

Takes      editions to plan; an Outcome per attempt
Gives      the next delivery to try, and when; channels that send
Owns       tables batch, delivery, attempt, sender, allowance, notice
Promises   one row per (edition, subscription) (P1); a batch is leased by one worker; `attempting` is committed before
           a message's body is written, so a crash after it leaves `unknown`, never a silent second copy; the rows
           always balance (P2)
Fails      ChannelUnavailable: nothing was tried, stop the run, rows stay; all else is that row's Outcome
Standards  RFC 5321 §4.2.1 reply codes, RFC 3463 enhanced codes, RFC 1047 why `unknown` exists
Start at   store/plan.py, store/batches.py (lease), then flows/dispatch/sender.py
"""
