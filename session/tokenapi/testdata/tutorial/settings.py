"""What can be set from outside. The secret is for tests and guards nothing."""

import os
from datetime import timedelta

SECRET = os.environ.get("TUTORIAL_SECRET", "only-for-tests-0123456789abcdefghij")
ALGORITHM = "HS256"
ACCESS_LIFETIME = timedelta(seconds=float(os.environ.get("TUTORIAL_ACCESS_SECONDS", "900")))
REFRESH_LIFETIME = timedelta(days=14)
