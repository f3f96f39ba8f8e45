"""How a child's request to be away stands, in words for the desk. Pure."""

from collections.abc import Mapping

from server.i18n import N_
from server.watch.absence.rules import Standing

STANDINGS: Mapping[Standing, str] = {
    Standing.WAITING: N_("No answer yet"),
    Standing.PASSED: N_("Its time passed without an answer"),
    Standing.AGREED: N_("Agreed"),
    Standing.BACK: N_("Agreed. The child then said that they are back, or do not go"),
    Standing.OVER: N_("Agreed, and over now"),
    Standing.DECLINED: N_("Not agreed"),
    Standing.RECALLED: N_("Taken back by the child"),
    Standing.REPLACED: N_("Replaced by a newer request"),
    Standing.ENDED: N_("The placement ended first"),
}
