"""The form of health answers."""

from rest_framework import serializers


class PartSerializer(serializers.Serializer):
    """One part; `advice` says what to do where it failed."""

    status = serializers.ChoiceField(choices=["ok", "failed"])
    milliseconds = serializers.FloatField()
    advice = serializers.CharField(required=False)


class HealthSerializer(serializers.Serializer):
    """The platform, and each of its parts by name."""

    status = serializers.ChoiceField(choices=["ok", "failed"])
    parts = serializers.DictField(child=PartSerializer(), required=False)
