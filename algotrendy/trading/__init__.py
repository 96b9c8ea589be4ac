"""The pure trading core: values in, values out; no Django, no Celery, no clock, no network."""
