"""model: the nouns of the trade. Frozen values with types, no I/O, nothing imported from the rooms.

Takes      what a door has parsed
Gives      dataclasses, enums and ids that cross from one room to the next
Start at   newsletter.py, edition.py, delivery.py
"""
