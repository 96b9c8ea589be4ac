"""Make an account for a person or a program."""

from __future__ import annotations

import secrets
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.errors import InvalidAccount
from apps.accounts.models import Role, Tier
from apps.accounts.services import user_create

CURL = """Sign in:
  curl -s http://localhost:8000/api/auth/login -H 'Content-Type: application/json' \\
    -d '{{"username": "{username}", "password": "<the password>"}}'
Then send the answer's "access" with each request:
  curl -s http://localhost:8000/api/portfolios -H 'Authorization: Bearer <access>'"""


class Command(BaseCommand):
    help = (
        "Make an account that signs in to the API and to the console. Without --password-stdin a random password is "
        "made and printed once; a password is no argument, for every user of the machine could read it there."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        roles = [role.value.lower() for role in Role]
        parser.add_argument("username")
        parser.add_argument("--email", required=True)
        parser.add_argument("--role", choices=roles, default="trader", help="default: %(default)s")
        parser.add_argument("--tier", choices=Tier.values, default=Tier.FREE.value, help="default: %(default)s")
        parser.add_argument("--password-stdin", action="store_true", help="read the password's line from stdin")

    def handle(self, *args: Any, **options: Any) -> None:
        given = _password_of_stdin() if options["password_stdin"] else None
        password = given or secrets.token_urlsafe(15)
        username, role = options["username"], Role(options["role"].capitalize())
        try:
            user_create(
                username=username, email=options["email"], password=password, role=role, tier=Tier(options["tier"])
            )
        except InvalidAccount as error:
            raise CommandError(f"No account was made. {error.message}") from error
        self.stdout.write(self.style.SUCCESS(f"Made {username} ({role.value})."))
        if given is None:
            self.stdout.write(f"Password, shown only now: {password}")
        self.stdout.write(CURL.format(username=username))


def _password_of_stdin() -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise CommandError("There is no password on stdin; pipe it in, or leave --password-stdin out for a random one.")
    return password
