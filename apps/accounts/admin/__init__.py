"""The console's pages of accounts: users and roles, what was recorded, and each person's own account."""

from . import limits, records, users  # noqa: F401 - registers the pages
