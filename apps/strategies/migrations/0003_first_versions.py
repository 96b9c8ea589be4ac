"""Give the strategies that there are their first version, and the roles what they may do with versions."""

from django.db import migrations

from apps.accounts import roles

KEPT = ("name", "rule", "parameters", "direction", "sizing_mode", "sizing_value", "min_confidence", "protect")


def keep(apps, schema_editor):
    strategies = apps.get_model("strategies", "Strategy").objects.all()
    version = apps.get_model("strategies", "StrategyVersion")
    version.objects.bulk_create(
        (
            version(strategy=strategy, number=1, **{name: getattr(strategy, name) for name in KEPT})
            for strategy in strategies
        ),
        batch_size=500,
    )


def seed(apps, schema_editor):
    roles.seed(apps)


class Migration(migrations.Migration):
    dependencies = [("strategies", "0002_lifecycle"), ("accounts", "0006_strategy_actions")]

    operations = [
        migrations.RunPython(keep, migrations.RunPython.noop),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
