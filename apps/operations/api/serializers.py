"""The form of health answers."""

from rest_framework import serializers

STATUSES = [("ok", "Ok"), ("failed", "Failed")]


class PartSerializer(serializers.Serializer):
    """One part; `advice` says what to do where it failed."""

    status = serializers.ChoiceField(choices=STATUSES)
    milliseconds = serializers.FloatField()
    advice = serializers.CharField(required=False)


class HealthSerializer(serializers.Serializer):
    """The platform, and each of its parts by name."""

    status = serializers.ChoiceField(choices=STATUSES)
    parts = serializers.DictField(child=PartSerializer(), required=False)
