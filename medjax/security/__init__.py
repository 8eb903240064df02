"""Encrypted data sets and runs: who holds which key, and what a file was when it was written.

The ciphers are those of ``cryptography`` (AES-256-GCM, HKDF, Ed25519) and of age (``pyrage``, which
wraps keys to people); nothing below them is made here. SECURITY.md says what is protected.
"""
