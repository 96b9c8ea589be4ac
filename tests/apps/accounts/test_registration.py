"""Registering, letters, forgotten passwords; letters go through a worker's task and a real SMTP conversation."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.message import Message

import pytest
from django.conf import LazySettings
from django.core import mail, signing
from django.utils import timezone
from freezegun import freeze_time  # noqa: F401

from apps.accounts import tasks
from apps.accounts.models import Action, AuditEvent, User
from apps.accounts.services.passwords import reset_token
from apps.accounts.services.registration import verification_token
from tests.apps.accounts.conftest import Call
from tests.builders import PASSWORD

NEW = {"username": "newcomer", "email": "New@Example.com", "password": "a-long-enough-passphrase"}
