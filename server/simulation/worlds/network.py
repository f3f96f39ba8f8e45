"""What is down for many children at once: our server, a region's network, the sending of SMS."""

from datetime import datetime

import msgspec

from server.simulation import figures as cohort
from server.simulation.life import BEGIN, DAY, HOUR, MINUTE, Row
from server.simulation.lives import around
from server.simulation.worlds import figures
from server.simulation.worlds.homes import stream

Span = tuple[datetime, datetime]


class Network(msgspec.Struct, frozen=True):
    """Rows of our server; when no phone of a zone reaches us; when no adult can be asked."""

    rows: list[Row]
    regions: dict[str, list[Span]] = msgspec.field(default_factory=dict)
    adults: list[Span] = msgspec.field(default_factory=list)


def usual(seed: int, days: int) -> Network:
    """Our server is down once in two months, for an hour or two."""
    random = stream(seed, "server")
    return Network(around.server_down(random, days, cohort.SERVER_DOWN_MONTH, cohort.SERVER_DOWN_H))


def outages(seed: int, days: int) -> Network:
    """Our server is down for hours, a region's network for a day, and SMS to adults as well."""
    rows = around.server_down(
        stream(seed, "server"), days, figures.OUR_DOWN_MONTH, figures.OUR_DOWN_H
    )
    regions = {
        zone: _down(seed, zone, days, figures.REGION_DOWN_MONTH, figures.REGION_DOWN_H)
        for zone in cohort.ZONES
    }
    sms = _down(seed, "sms", days, figures.SMS_DOWN_MONTH, figures.SMS_DOWN_H)
    return Network(rows, regions, sms)


def _down(seed: int, what: str, days: int, month: float, hours: float) -> list[Span]:
    random, spans = stream(seed, what), []
    for day in range(1, days):
        at = BEGIN + (day + random.random()) * DAY
        lasts = random.expovariate(1 / hours) * HOUR + 30 * MINUTE
        if random.random() < month / cohort.MONTH_DAYS:
            spans.append((at, at + lasts))
    return spans
