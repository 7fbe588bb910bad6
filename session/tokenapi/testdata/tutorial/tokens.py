"""Access tokens are JWTs and kept nowhere. Refresh tokens are random, kept by their hash, and good for one use."""

import hashlib
import secrets
from datetime import datetime, timezone

from fastapi import HTTPException
from jose import JWTError, jwt

import settings

_refresh_tokens = {}  # id -> {username, expires_at, revoked, token_hash}


def _now():
    return datetime.now(timezone.utc)


def _digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def _refuse(why):
    return HTTPException(status_code=401, detail=why)


def new_access(user):
    now = _now()
    claims = {"sub": user["username"], "role": user["role"], "iat": now, "exp": now + settings.ACCESS_LIFETIME, "type": "access"}
    return jwt.encode(claims, settings.SECRET, algorithm=settings.ALGORITHM)


def subject_of(access):
    try:
        claims = jwt.decode(access, settings.SECRET, algorithms=[settings.ALGORITHM])
    except JWTError:
        raise _refuse("Invalid access token")
    if claims.get("type") != "access":
        raise _refuse("Wrong token type")
    if not claims.get("sub"):
        raise _refuse("Missing subject")
    return claims["sub"]


def new_refresh(username):
    key, raw = secrets.token_urlsafe(16), secrets.token_urlsafe(48)
    _refresh_tokens[key] = {
        "username": username,
        "expires_at": _now() + settings.REFRESH_LIFETIME,
        "revoked": False,
        "token_hash": _digest(raw),
    }
    return key + "." + raw


def _split(token):
    key, dot, raw = token.partition(".")
    if not dot:
        raise _refuse("Invalid refresh token format")
    return key, raw


def owner_of(token):
    """Whose refresh token it is, if it may still be used."""
    key, raw = _split(token)
    record = _refresh_tokens.get(key)
    if record is None:
        raise _refuse("Refresh token not found")
    if record["revoked"]:
        raise _refuse("Refresh token revoked")
    if record["expires_at"] < _now():
        raise _refuse("Refresh token expired")
    if record["token_hash"] != _digest(raw):
        raise _refuse("Refresh token invalid")
    return record["username"]


def revoke(token):
    key, _ = _split(token)
    if key in _refresh_tokens:
        _refresh_tokens[key]["revoked"] = True


def rotate(token):
    username = owner_of(token)
    revoke(token)
    return new_refresh(username)
