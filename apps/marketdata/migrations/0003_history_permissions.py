"""Let those who trade fetch histories, and everybody see them; give instruments the calendars of their kind."""

from django.db import migrations

from apps.accounts.roles import seed


def grant(apps, schema_editor):
    seed(apps)


def give_calendars(apps, schema_editor):
    instruments = apps.get_model("marketdata", "Instrument").objects
    instruments.filter(asset_type="forex").update(calendar="forex")
    instruments.filter(asset_type__in=["stock", "etf"]).update(calendar="XNYS")


class Migration(migrations.Migration):
    dependencies = [
        ("marketdata", "0002_history"),
        ("accounts", "0008_downloads_are_recorded"),
    ]

    operations = [
        migrations.RunPython(grant, migrations.RunPython.noop),
        migrations.RunPython(give_calendars, migrations.RunPython.noop),
    ]
