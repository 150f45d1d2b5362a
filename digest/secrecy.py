"""Texts without the secrets in them: what is shown, stored as an error or said in one passes through here.

A secret stands in an address (`user:password@`, `?token=...`), or is the value of a field that is called so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

MASK = "***"

_NAME = r"[\w.\-%\[\]]*(?:pass|pwd|secret|token|key|auth(?!or)|sig|credential|session)[\w.\-%\[\]]*"
_LOGIN = re.compile(  # up to the last @ of the word: a password that was not escaped may hold @ / ? and #
    r"(?P<begin>\b[a-z][\w+.\-]*://[^\s:/@?#\"'<>]*):(?P<secret>(?!//)\S*)@", re.IGNORECASE
)
_TOKEN = re.compile(r"(?P<begin>\bhttps?://)[^\s:/@?#\"'<>]+@", re.IGNORECASE)  # https://TOKEN@host/
_PARAMETER = re.compile(rf"(?P<begin>[?&;#]{_NAME}=)[^\s&;#\"'<>]+", re.IGNORECASE)
_FIELD = re.compile(
    r"(?:.*[_-])?(?:password|passwd|pwd|secret|token|api_?key|token_keys?|credentials?)\Z", re.IGNORECASE
)


def without_secrets(text: str) -> str:
    """The text with *** in the place of each secret of an address in it."""
    if "://" not in text:
        return text
    text = _LOGIN.sub(rf"\g<begin>:{MASK}@", text)
    text = _TOKEN.sub(rf"\g<begin>{MASK}@", text)
    return _PARAMETER.sub(rf"\g<begin>{MASK}", text)


def fit_to_show(value: object, name: str = "") -> object:
    """A value of a setting, whatever it is made of; of a field called password, token, ... nothing."""
    if isinstance(value, Mapping):
        return {key: fit_to_show(each, str(key)) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [fit_to_show(each, name) for each in value]
    if not isinstance(value, str) or value.startswith("env:"):
        return value
    return MASK if value and _FIELD.match(name) else without_secrets(value)
