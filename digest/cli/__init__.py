"""cli: the door for people at a shell. One file per command; tree.py is the argument tree.

Output is readable tables, or JSON with --json; errors say what to do; exit codes are those of errors.py.
"""
