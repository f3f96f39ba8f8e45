"""What a child's lock screen shows when we remind them: one of a few neutral sentences, or none.

Each fits an ordinary app. None names care, a check-in, an adult, an agency or this app, and none
asks to hurry: a person who reads over the child's shoulder learns nothing. The phone shows the same
list (pwa/src/screens/LockText.tsx), and a test keeps the two alike.
"""

from collections.abc import Mapping

from server.i18n import N_

DEFAULT = ""
NAME_ALONE = "none"  # No sentence: the name of the app stands alone.
NEUTRAL = N_("You have 1 new item")

TEXTS: Mapping[str, str] = {
    DEFAULT: NEUTRAL,
    "planner": N_("New in your planner"),
    "break": N_("Time for a short break"),
    "list": N_("Your list for today is ready"),
    "water": N_("Remember to drink some water"),
    "tip": N_("Your tip of the day"),
    "look": N_("Take a look when you have a minute"),
    NAME_ALONE: "",
}
