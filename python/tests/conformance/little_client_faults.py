"""The faults of little_client.py, and for each a case that must find it."""

from __future__ import annotations

FAULTS = {
    "no-hello": "hello",
    "any-version": "version-2",
    "names-any-feature": "features-offered",
    "text-bodies": "send-lf",
    "splits-body-at-lf": "recv-lf",
    "one-read-one-reply": "one-segment",
    "in-order": "out-of-order",
    "reuses-tags": "tags",
    "maybe-is-ok": "send-maybe-timeout",
    "repeats-sends": "lost-send-after",
    "loss-is-timeout": "lost-recv-after",
    "partial-body": "lost-recv-in-body",
    "forgets-tag-at-cancel": "late-reply",
    "interprets-did": "ack",
    "unknown-error-is-ok": "unknown-error",
    "chokes-on-keys": "unknown-key",
    "prefix-ok": "unknown-reply-ok",
    "endless": "endless-line",
    "hangs-on-nonsense": "malformed-no-length",
    "two-outcomes": "send-ok",
    "exits": "send-ok",
    "no-ready": "hello",
}
