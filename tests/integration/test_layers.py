"""What import-linter cannot see: foreign keys given as strings."""

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
