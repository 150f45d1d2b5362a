"""audience: who reads, and with what consent.

Takes      imports; what a site says of its readers; readers' wishes; tokens from links
Gives      subscribers and subscriptions; may we write to this address? yes, or no and why
Owns       tables subscriber, subscription, reader_change, consent, suppression, spent_token, registration, sync
Promises   one mailbox is one subscriber; who left or is suppressed is never brought back by an import, a sync or an edit
Fails      BadInput for a file that cannot be read; a bad line is refused with its number and its reason
Start at   importing.py, store/subscribers.py; links.py for where readers' links lead
"""
