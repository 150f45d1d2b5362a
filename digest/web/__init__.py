"""web: the door for readers. GET changes nothing, ever (P6): mail scanners follow every link."""
