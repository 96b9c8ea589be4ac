"""What each role may do, on a database that was just migrated."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType

from apps.accounts import roles
from apps.accounts.models import Role, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def _fresh_database() -> Iterator[None]:
    """Leave neither groups nor permissions nor content types: Django makes the last two after all migrations."""
    for model in (Group, Permission, ContentType):
        model.objects.all().delete()
    yield
    ContentType.objects.clear_cache()


@pytest.mark.usefixtures("_fresh_database")
def test_the_migration_makes_the_groups_before_there_are_permissions() -> None:
    importlib.import_module("apps.accounts.migrations.0002_roles").seed(apps, None)
    assert set(Group.objects.values_list("name", flat=True)) == {"Admin", "Trader", "Viewer"}
    seeded = set(Permission.objects.values_list("content_type__app_label", "codename", "name"))
    ContentType.objects.clear_cache()
    for app in apps.get_app_configs():
        create_permissions(app, verbosity=0)
    assert seeded <= set(Permission.objects.values_list("content_type__app_label", "codename", "name"))
    for permission in Permission.objects.select_related("content_type"):
        assert permission.content_type.model_class() is not None, permission
    names = Permission.objects.values_list("content_type__app_label", "codename")
    assert len(names) == len(set(names))


def test_a_viewer_reads_and_a_trader_trades(viewer: User, trader: User) -> None:
    assert viewer.has_perms(["orders.view_order", "portfolio.view_position", "marketdata.view_candle"])
    assert not any("view" not in permission for permission in viewer.get_all_permissions())
    assert trader.has_perms(["orders.add_order", "orders.change_order", "strategies.change_strategy"])
    assert not trader.has_perm("accounts.view_user")
    assert not trader.has_perm("marketdata.change_instrument")


def test_an_administrator_may_do_everything_that_there_is(admin: User) -> None:
    everything = {f"{p.content_type.app_label}.{p.codename}" for p in Permission.objects.select_related("content_type")}
    assert admin.get_all_permissions() == everything
    assert admin.has_module_perms("django_celery_beat")


def test_an_administrator_who_is_switched_off_may_do_nothing(admin: User) -> None:
    admin.is_active = False
    assert not admin.has_perm("orders.view_order")


def test_seeding_again_brings_a_lost_permission_back_and_takes_none_away() -> None:
    roles.seed(apps)
    group = Group.objects.get(name=Role.VIEWER.value)
    own = Permission.objects.get(codename="add_order")
    lost = Permission.objects.get(codename="view_order")
    group.permissions.add(own)
    group.permissions.remove(lost)
    roles.seed(apps)
    assert {own, lost} <= set(group.permissions.all())
