"""The names of the areas of a life project, for all of the server. Pure."""

from collections.abc import Mapping

from server.i18n import N_

AREAS: Mapping[str, str] = {
    "housing": N_("Where I live"),
    "health": N_("Health"),
    "education": N_("School"),
    "language": N_("Language"),
    "training": N_("Training"),
    "work": N_("Work"),
    "social": N_("Friends and free time"),
    "personal": N_("Myself"),
    "culture": N_("Culture and faith"),
    "family": N_("Family"),
    "legal": N_("Papers and rights"),
    "safety": N_("Being safe"),
    "money": N_("Money"),
    "independence": N_("Doing things by myself"),
    "own": N_("Something else"),
}
