"""admin: what a person does to the installation, a file for each noun. Every door calls these.

Each act locks what it changes, checks, changes and keeps its audit row in one transaction: of two who change different
things both keep their change, and what one changed while the other looked is not written over in silence.
"""
