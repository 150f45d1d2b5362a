"""How fast: limits per channel, per receiving domain and per newsletter, and a slow-down by itself. Pure: is told the time.

limit        "20/second", "600/minute": a token bucket that holds one second's worth (at least one);
             "5000/hour", "20000/day": counted by the clock's hour or the day in UTC, shared by all senders and kept over a
             restart, so a sender asks for a share of it (Quota) before it uses it
slow-down    messages in flight at once to a domain or through a channel: after a 4yz half of them, then one more for each
             round that is accepted (additive increase, multiplicative decrease); refused even one by one, it rests, and
             longer each time
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from digest.model.limit import PERIODS, Limit

SHARE = 200
"""So much of an hourly or daily limit a sender takes at once; a sender that is killed loses at most that."""

FIRST_REST_S, LONGEST_REST_S = 2.0, 300.0
WIDE = 256
"""A window as wide as this does not limit any more."""


@dataclass(slots=True)
class Bucket:
    """Tokens that come back steadily. `at` is on the monotonic clock, in seconds."""

    per_second: float
    capacity: float
    tokens: float
    at: float

    @classmethod
    def of(cls, limit: Limit, *, senders: int, now: float) -> Bucket:
        """A full one. senders: how many share the limit just now."""
        rate = limit.count / PERIODS[limit.per] / max(1, senders)
        capacity = max(1.0, rate)
        return cls(rate, capacity, capacity, now)

    def wait(self, now: float) -> float:
        """Seconds until there is a token; 0: there is one."""
        if now > self.at:
            self.tokens = min(self.capacity, self.tokens + (now - self.at) * self.per_second)
            self.at = now
        return 0.0 if self.tokens >= 1 else (1 - self.tokens) / self.per_second

    def spend(self) -> None:
        self.tokens -= 1


@dataclass(slots=True)
class Quota:
    """This sender's share of an hourly or daily limit.

    key      "channel smtp per day": the row in the database
    window   the hour or day that the share is of; a share of an hour that is over is worth nothing
    is_over  the window's limit is used up
    """

    key: str
    limit: Limit
    window: str = ""
    share: int = 0
    is_over: bool = False

    def look(self, now: datetime) -> None:
        """Begin anew when the hour or the day is over."""
        window = window_of(self.limit, now)
        if window != self.window:
            self.window, self.share, self.is_over = window, 0, False

    def wait(self, now: datetime) -> float:
        """Seconds until the next window when this one is used up; 0: there is a share, or one can be asked for."""
        self.look(now)
        if self.share or not self.is_over:
            return 0.0
        seconds = PERIODS[self.limit.per]
        return seconds - now.timestamp() % seconds


def window_of(limit: Limit, now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H" if limit.per == "hour" else "%Y-%m-%d")


@dataclass(slots=True)
class Window:
    """How many messages may be in flight at once; no limit until the first refusal for now."""

    in_flight: int = 0
    width: float = float("inf")
    most: float = float("inf")
    rests_until: float = 0.0
    rests: int = 0
    _since: int = 0

    def wait(self, now: float) -> float:
        """Seconds until one more may start; a small number when that depends on an answer that has yet to come."""
        if now < self.rests_until:
            return self.rests_until - now
        return 0.0 if self.in_flight < min(self.width, self.most) else 0.05

    def accepted(self) -> None:
        self.rests = 0
        self._since += 1
        if self.width != float("inf"):
            self.width += 1 / max(1.0, self.width)
            if self.width > WIDE:
                self.width = float("inf")

    def deferred(self, now: float) -> None:
        """Half of what was in flight, once for each round: the other half of a burst says nothing new."""
        if self._since < min(self.width, WIDE) and self.width != float("inf") and self.width > 1:
            self._since += 1
            return
        self._since = 0
        if self.width <= 1:
            self.rests_until = now + min(FIRST_REST_S * 2**self.rests, LONGEST_REST_S)
            self.rests = min(self.rests + 1, 16)
        self.width = max(1.0, min(self.width, self.in_flight) / 2)


@dataclass(slots=True)
class _Lane:
    """Everything that holds back one channel, domain or newsletter."""

    buckets: list[Bucket] = field(default_factory=list)
    quotas: list[Quota] = field(default_factory=list)
    window: Window = field(default_factory=Window)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is set. domains: by name; "*" is for each domain that has no entry of its own."""

    newsletter: Sequence[Limit] = ()
    channels: Mapping[str, Sequence[Limit]] = field(default_factory=dict)
    domains: Mapping[str, Sequence[Limit]] = field(default_factory=dict)
    in_flight: Mapping[str, int] = field(default_factory=dict)


class Throttle:
    """One sender's. `senders`: how many share the limits by second and minute just now."""

    def __init__(self, limits: Limits, newsletter: str, *, now: float) -> None:
        self._limits = limits
        self._senders = 1
        self._newsletter = self._lane(f"newsletter {newsletter}", limits.newsletter, now)
        self._channels: dict[str, _Lane] = {}
        self._domains: dict[str, _Lane] = {}
        self._known: dict[tuple[str, str], tuple[_Lane, _Lane, _Lane]] = {}

    def share_with(self, senders: int, *, now: float) -> None:
        """Others came or went: the rates by second and minute are divided anew."""
        if senders == self._senders:
            return
        for lane in (self._newsletter, *self._channels.values(), *self._domains.values()):
            for bucket in lane.buckets:
                bucket.per_second *= self._senders / senders
                bucket.capacity = max(1.0, bucket.per_second)
                bucket.tokens = min(bucket.tokens, bucket.capacity)
                bucket.at = max(bucket.at, now)
        self._senders = senders

    def wait(self, channel: str, domain: str, *, now: float, at: datetime) -> float:
        """Seconds until a message to this domain may start on this channel; 0: now."""
        longest = 0.0
        for lane in self._lanes(channel, domain, now):
            longest = max(longest, lane.window.wait(now))
            for bucket in lane.buckets:
                longest = max(longest, bucket.wait(now))
            for quota in lane.quotas:
                longest = max(longest, quota.wait(at))
        return longest

    def try_start(self, channel: str, domain: str, *, now: float, at: datetime) -> float | None:
        """0, and it counts as started; the seconds until it may; or None when a share must be asked for (`wanting`)."""
        lanes = self._lanes(channel, domain, now)
        for lane in lanes:
            if lane.window.wait(now) or lane.buckets or lane.quotas:
                break
        else:
            for lane in lanes:
                lane.window.in_flight += 1
            return 0.0
        wait = self.wait(channel, domain, now=now, at=at)
        if wait:
            return wait
        if self.wanting(channel, domain, now=now, at=at):
            return None
        self.start(channel, domain, now=now)
        return 0.0

    def wanting(self, channel: str, domain: str, *, now: float, at: datetime) -> list[Quota]:
        """Quotas of which a share must be asked for first."""
        found = []
        for lane in self._lanes(channel, domain, now):
            for quota in lane.quotas:
                quota.look(at)
                if not quota.share and not quota.is_over:
                    found.append(quota)
        return found

    def start(self, channel: str, domain: str, *, now: float) -> None:
        for lane in self._lanes(channel, domain, now):
            lane.window.in_flight += 1
            for bucket in lane.buckets:
                bucket.spend()
            for quota in lane.quotas:
                quota.share -= 1

    def end(
        self, channel: str, domain: str, *, now: float, is_accepted: bool, is_deferred: bool, was_sent: bool
    ) -> None:
        """was_sent: it counts against the limits; a message that never left gives its place back."""
        for lane in self._lanes(channel, domain, now):
            lane.window.in_flight -= 1
            if not was_sent:
                for quota in lane.quotas:
                    quota.share += 1
        domain_window, channel_window = self._domain(domain, now).window, self._channel(channel, now).window
        if is_accepted:
            domain_window.accepted()
            channel_window.accepted()
        elif is_deferred:
            domain_window.deferred(now)

    def slow_channel(self, channel: str, *, now: float) -> None:
        """The answer was about us, not about a reader: fewer at once through this channel."""
        self._channel(channel, now).window.deferred(now)

    def slowed(self, *, now: float) -> dict[str, str]:
        """What is slowed down at this moment, for people."""
        found = {}
        lanes = [*(("channel " + n, lane) for n, lane in self._channels.items()), *self._domains.items()]
        for name, lane in lanes:
            if now < lane.window.rests_until:
                found[name] = f"rests {lane.window.rests_until - now:.0f} s"
            elif lane.window.width != float("inf"):
                found[name] = f"{lane.window.width:.0f} at once"
        return found

    def unused(self) -> list[Quota]:
        lanes = (self._newsletter, *self._channels.values(), *self._domains.values())
        return [quota for lane in lanes for quota in lane.quotas if quota.share > 0]

    # --- lanes ----------------------------------------------------------------------------------------------------

    def _lanes(self, channel: str, domain: str, now: float) -> tuple[_Lane, _Lane, _Lane]:
        key = (channel, domain)
        if (lanes := self._known.get(key)) is None:
            lanes = self._known[key] = self._newsletter, self._channel(channel, now), self._domain(domain, now)
        return lanes

    def _channel(self, name: str, now: float) -> _Lane:
        if name not in self._channels:
            self._channels[name] = self._lane(f"channel {name}", self._limits.channels.get(name, ()), now)
        return self._channels[name]

    def _domain(self, name: str, now: float) -> _Lane:
        if name not in self._domains:
            known = name if name in self._limits.domains or name in self._limits.in_flight else "*"
            lane = self._lane(f"domain {name}", self._limits.domains.get(known, ()), now)
            lane.window.most = self._limits.in_flight.get(known, float("inf"))
            self._domains[name] = lane
        return self._domains[name]

    def _lane(self, name: str, limits: Sequence[Limit], now: float) -> _Lane:
        """Of several limits for one period only the smallest counts: they would draw on the same allowance twice."""
        smallest: dict[str, Limit] = {}
        for limit in sorted(limits, key=lambda each: each.count):
            smallest.setdefault(limit.per, limit)
        kept = smallest.values()
        return _Lane(
            buckets=[Bucket.of(limit, senders=self._senders, now=now) for limit in kept if not limit.is_counted],
            quotas=[Quota(f"{name} per {limit.per}", limit) for limit in kept if limit.is_counted],
        )
