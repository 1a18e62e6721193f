from django.apps import AppConfig


class AssociationConfig(AppConfig):
    name = "chaland.hub.association"
    label = "association"
    default_auto_field = "django.db.models.BigAutoField"
