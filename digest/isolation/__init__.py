"""isolation: work that may hang, fill the memory or crash is done in child processes, and costs its own caller alone.

Takes      a pure function by its module and name, and arguments that pickle travels with
Gives      what it returns; TooMuch (a ValueError) where the child had to be ended or died, Stumbled where it raised what
           nobody foresaw
Owns       at most a few children of this process: started when they are needed, used again, ended when idle
Promises   no call takes longer than its limit or more memory than the limit; one that does ends its child and no other; no
           child has a socket, a database or a setting of ours; none outlives this process, however that ends
Fails      where a system knows no limit of memory (macOS), the limit of time is left
Start at   pool.py, then child.py, which is the other side
"""

from digest.isolation.pool import Stumbled, TooMuch, call, each

__all__ = ["Stumbled", "TooMuch", "call", "each"]
