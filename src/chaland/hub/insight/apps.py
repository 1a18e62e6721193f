from django.apps import AppConfig


class InsightConfig(AppConfig):
    name = "chaland.hub.insight"
    label = "insight"
