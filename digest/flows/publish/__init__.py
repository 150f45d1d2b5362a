"""publish: newsletter due -> edition -> approved.

periods     which periods are due
edition     one of them built, from the articles that there are (candidates)
approval    a draft is let go; correction: one that corrects an edition that went out
press       what all of it needs besides the database
"""

from digest.flows.publish.approval import approve, check_rendering, check_variants, survey
from digest.flows.publish.candidates import in_general, read_newest, read_waiting
from digest.flows.publish.correction import correct
from digest.flows.publish.edition import BY_HAND, build, extra_period
from digest.flows.publish.periods import build_due, is_anything_due, list_due
from digest.flows.publish.press import Press, freeze, open_maker
from digest.flows.publish.report import BuildReport, Built

__all__ = [
    "BY_HAND",
    "BuildReport",
    "Built",
    "Press",
    "approve",
    "build",
    "build_due",
    "check_rendering",
    "check_variants",
    "correct",
    "extra_period",
    "freeze",
    "in_general",
    "is_anything_due",
    "list_due",
    "open_maker",
    "read_newest",
    "read_waiting",
    "survey",
]
