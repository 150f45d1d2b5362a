"""render: an edition -> HTML and text, with marks where readers differ.

Takes      an edition, its newsletter, the template's files, a language; the facts of a reader where a template asks
Gives      frames and blocks with holes, and what each depended on; one reader's mail by itself (the plain way)
Owns       nothing that lasts
Promises   no network, no file, no code of the template's outside the sandbox; a rendering that is shared is right for
           all who share it (P8)
Fails      RenderFailed: file, line and what is wrong there
Start at   html.Renderer, then recording.py
"""
