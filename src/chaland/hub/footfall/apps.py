from django.apps import AppConfig
from django.db.models.signals import post_delete


class FootfallConfig(AppConfig):
    name = "chaland.hub.footfall"
    label = "footfall"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hear of shops that leave: the association's plane knows nothing of this one."""
        # Models can be imported from here on only.
        from chaland.hub.footfall.services.enrolment import shop_left  # noqa: PLC0415

        post_delete.connect(shop_left, sender="association.Shop")
