"""Make the groups Admin, Trader and Viewer with what they may do."""

from django.db import migrations

from apps.accounts import roles


def seed(apps, schema_editor):
    roles.seed(apps)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
