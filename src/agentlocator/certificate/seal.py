"""Certificates as documents: JSON, signed with the deployment's own secret, and whether such a signature is good."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import msgspec

from agentlocator.certificate.verdicts import Certificate

_WAVES = ("caller_peaks", "assistant_peaks")


def document(certificate: Certificate, secret: str) -> dict[str, Any]:
    """Everything that was judged and seen, and a signature over it. The outlines of the sound stay with the page."""
    seen = msgspec.to_builtins(certificate.evidence, str_keys=True)
    for wave in _WAVES:
        del seen["sound"][wave]
    body: dict[str, Any] = {
        "passed": certificate.passed,
        "version": certificate.evidence.about.version,
        "at": certificate.evidence.about.at,
        "business": certificate.evidence.about.business,
        "business_id": certificate.evidence.about.business_id,
        "sections": [{"verdict": section.verdict, **msgspec.to_builtins(section)} for section in certificate.sections],
        "evidence": seen,
    }
    return {**body, "signature": signature(body, secret)}


def signature(body: dict[str, Any], secret: str) -> str:
    """HMAC-SHA256 over the document without its signature, its keys in order."""
    bare = {name: value for name, value in body.items() if name != "signature"}
    return hmac.new(secret.encode(), msgspec.json.encode(bare, order="deterministic"), hashlib.sha256).hexdigest()


def is_genuine(body: dict[str, Any], secret: str) -> bool:
    """Whether this deployment signed the document, and nobody has changed it since."""
    return hmac.compare_digest(str(body.get("signature", "")), signature(body, secret))
