"""Give the roles what they may do with backtests and optimizations."""

from django.db import migrations

from apps.accounts import roles


def seed(apps, schema_editor):
    roles.seed(apps)


class Migration(migrations.Migration):
    dependencies = [
        ("strategies", "0005_backtests"),
        ("accounts", "0002_roles"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
