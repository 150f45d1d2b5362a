"""message: from rendered parts to RFC 5322 bytes, the static work done once.

Takes      a renderer of one edition in one language; a Copy (reader, picks) at a time; keys that sign
Gives      the bytes of one message, ready to follow DATA; its signatures
Owns       nothing that lasts
Promises   headers and decoded parts equal the plain rendering of that copy, byte for byte (P8); lines keep to 76, no
           line begins with a dot, nothing a person typed can add a header
Fails      MessageInvalid: a header that cannot be written, a message without one sender
Standards  RFC 5322 messages, RFC 2045 §6.7 quoted-printable, RFC 2047 encoded-words,
           RFC 2369, RFC 2919 and RFC 8058 for lists, RFC 6376 signatures
Start at   splice.Splicer
"""
