"""choosing: the form of a reader's choices. Pure: `form` is what stands in it, `sent` what somebody wants who sent it,
`stale` what was chosen and is not on offer any more, `words` how a page says it, `links` what one link in a mail does.
"""
