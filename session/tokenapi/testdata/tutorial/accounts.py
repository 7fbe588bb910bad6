"""Users, in memory, with bcrypt hashes."""

from passlib.context import CryptContext

_hashing = CryptContext(schemes=["bcrypt"], deprecated="auto")

_users = {
    name: {"username": name, "role": role, "password_hash": _hashing.hash(password)}
    for name, password, role in [
        ("alice", "password123", "user"),
        ("root", "toor-password", "admin"),
    ]
}


def find(name):
    return _users.get(name)


def authenticate(name, password):
    """The user, or None for an unknown name and a wrong password alike."""
    user = find(name)
    if user is None or not _hashing.verify(password, user["password_hash"]):
        return None
    return user
