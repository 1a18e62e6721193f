"""The words of ``footfall.web.words`` as template filters."""

from django import template

from chaland.hub.footfall.web import words

register = template.Library()

for _filter in (
    words.amount,
    words.bar,
    words.hundred,
    words.hundred_between,
    words.minutes,
    words.minutes_between,
    words.day_and_month,
    words.unclear,
    words.untold,
    words.until_then,
    words.since_then,
    words.period_after,
    words.percent_amount,
    words.full_date,
    words.about,
    words.between,
    words.change_between,
    words.change_words,
    words.direction,
    words.hour_between,
    words.hour_label,
    words.hour_span,
    words.percent,
    words.percent_between,
    words.period_words,
    words.weekday_name,
    words.weekday_short,
):
    register.filter(_filter.__name__, _filter)
