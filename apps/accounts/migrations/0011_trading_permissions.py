"""Let people see halts and comparisons, and those who trade halt, approve and give out webhooks."""

from django.db import migrations

from apps.accounts.roles import seed


def grant(apps, schema_editor):
    seed(apps)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_trading_is_recorded")]

    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]
