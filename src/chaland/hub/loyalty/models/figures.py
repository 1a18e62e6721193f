"""What left the shops: a month's figures, thresholded, released once and kept as they were."""

from django.db import models
from django.utils.translation import gettext_lazy as _

THE_TOWN = 0
"""As ``shop_id``: all shops that are shown, together."""


class MonthFigures(models.Model):
    """A closed month of one shop, or of the town (shop 0), as others than the shop read it.

    Released once and never made anew: two releases of one month, subtracted, would tell what came
    in between. Every number in ``content`` (``figures.releases``) has passed the threshold.
    """

    association_id = models.BigIntegerField()
    shop_id = models.BigIntegerField()
    month = models.DateField()
    """Its first day."""
    content = models.JSONField(default=dict)
    released_at = models.DateTimeField()

    class Meta:
        verbose_name = verbose_name_plural = _("figures of a month")
        constraints = [
            models.UniqueConstraint(
                fields=["association_id", "shop_id", "month"], name="month_figures_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}, shop {self.shop_id}"
