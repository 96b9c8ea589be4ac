"""Let those who trade fetch histories, and everybody see them."""

from django.db import migrations

from apps.accounts.roles import seed


def grant(apps, schema_editor):
    seed(apps)


class Migration(migrations.Migration):
    dependencies = [
        ("marketdata", "0002_history"),
        ("accounts", "0008_downloads_are_recorded"),
    ]

    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
