"""feedback: what comes back.

Takes      reports of non-delivery and of abuse
Gives      bounces and complaints, tied to the delivery they are about
Owns       table feedback
Promises   the same report twice counts once (a unique row per provider and event)
Fails      nothing yet, since nothing is read yet
Standards  RFC 3464 delivery status, RFC 5965 abuse reports
Start at   db/tables/records.py: nothing is read yet; leaving, the one kind of feedback there is, is flows/membership.py
"""
