"""Which state of a delivery may follow which, and through which function. Deliveries change thousands of times a second, so
each function is one conditional statement for many rows, and none writes audit_log or the outbox: the edition's moves do.

        planned, deferred ──mark_attempting──> attempting ──record_results──> accepted | deferred | rejected | unknown
        unknown ──record_results (a late answer)──> accepted | deferred | rejected         ──resend_unknown──> planned
        attempting ──record_results (nothing was tried)──> planned          ──settle_interrupted──> unknown | planned
        planned, deferred ──skip_unwanted, record_unrenderable──> skipped              ──cancel_batch──> cancelled
"""

from __future__ import annotations

from collections.abc import Mapping

from digest.model.delivery import OPEN, DeliveryStatus

_PLANNED, _ATTEMPTING, _UNKNOWN = DeliveryStatus.PLANNED, DeliveryStatus.ATTEMPTING, DeliveryStatus.UNKNOWN
_ANSWERED = frozenset({DeliveryStatus.ACCEPTED, DeliveryStatus.DEFERRED, DeliveryStatus.REJECTED})
_FROM_OPEN = frozenset({_ATTEMPTING, DeliveryStatus.SKIPPED, DeliveryStatus.CANCELLED})

TRANSITIONS: Mapping[DeliveryStatus, frozenset[DeliveryStatus]] = {
    **dict.fromkeys(OPEN, _FROM_OPEN),
    _ATTEMPTING: _ANSWERED | {_UNKNOWN, _PLANNED},
    _UNKNOWN: _ANSWERED | {_PLANNED},
    **dict.fromkeys((DeliveryStatus.ACCEPTED, DeliveryStatus.REJECTED), frozenset[DeliveryStatus]()),
    **dict.fromkeys((DeliveryStatus.SKIPPED, DeliveryStatus.CANCELLED), frozenset[DeliveryStatus]()),
}
"""From each state, those that may follow. From accepted, rejected, skipped and cancelled there is no way on."""
