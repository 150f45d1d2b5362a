"""editions: choose and compose.

Takes      newsletters with their schedules; articles; what earlier editions held
Gives      the period that is due; an edition with its candidates; a reader's picks, each with its reason
Owns       tables newsletter, event, edition, edition_article, web_view
Promises   one edition per newsletter, cadence and period (P7); a reader gets an article of a newsletter at most
           once (P3), and once unless a rule that is named leaves it out (P4)
Fails      Refused: an edition in the wrong state
Start at   due.py, then candidates.py, then select.py
"""
