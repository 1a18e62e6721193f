from django.apps import AppConfig


class FootfallConfig(AppConfig):
    name = "chaland.hub.footfall"
    label = "footfall"
    default_auto_field = "django.db.models.BigAutoField"
