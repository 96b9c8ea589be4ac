"""Let everybody see alerts, and those who trade acknowledge theirs."""

from django.db import migrations

from apps.accounts.roles import seed


def grant(apps, schema_editor):
    seed(apps)


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0001_alerts"),
        ("accounts", "0009_alerts_are_acknowledged"),
    ]

    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
