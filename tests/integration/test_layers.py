"""What import-linter cannot see: foreign keys given as strings."""

import os
import subprocess
import sys

from django.apps import apps

ORDER = ["common", "accounts", "marketdata", "brokers", "portfolio", "strategies", "orders", "operations", "dashboard"]


def test_no_model_points_upwards():
    found = 0
    for app in ORDER:
        for model in apps.get_app_config(app).get_models():
            for field in model._meta.get_fields():
                target = getattr(field, "related_model", None)
                if target is None or field.auto_created or target._meta.app_label not in ORDER:
                    continue
                found += 1
                assert ORDER.index(target._meta.app_label) <= ORDER.index(app), f"{model.__name__}.{field.name}"
    assert found > 20


def test_nothing_loads_the_compiler_before_it_is_needed() -> None:
    """Web, stream and trading workers start without it: it costs a second and a hundred megabytes."""
    program = (
        "import sys, django; django.setup(); from django.urls import get_resolver; get_resolver().url_patterns; "
        "from algotrendy.celery import app; app.loader.import_default_modules(); "
        "print(sorted({'numba', 'optuna', 'playwright'} & set(sys.modules)))"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "algotrendy.settings"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
