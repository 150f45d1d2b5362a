"""editions: choose and compose.

Takes      newsletters with their schedules; articles; what earlier editions held
Gives      the period that is due; an edition with its candidates; a reader's picks, each with its reason
Owns       tables newsletter, edition, edition_article
Promises   one edition per newsletter, cadence and period (P7); an article is in at most one edition of a
           newsletter (P3), and in one unless a rule that is named leaves it out (P4)
Fails      Refused: an edition in the wrong state
Start at   due.py, then candidates.py
"""
