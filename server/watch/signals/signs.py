"""The warning signs that adults can note about a child with one tap, in plain words. Pure.

From the list in docs/reference/practice.md. A sign is something that somebody saw, heard or knows
to have happened. Where a child comes from, and what it believes, is never one.
"""

from collections.abc import Mapping

from server.i18n import N_

# In groups, so that a thumb finds them: what the group is called, and its signs by their codes.
GROUPS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        N_("Phone"),
        (
            ("new_phone", N_("A new or a second phone, or SIM card")),
            ("phone_hidden", N_("Hides the phone, or it rings all the time")),
            ("same_number", N_("The same number as other children who went missing")),
        ),
    ),
    (
        N_("People"),
        (
            ("unknown_adults", N_("Adults or cars that nobody knows")),
            ("address_noted", N_("An address or a number written down")),
            ("threats", N_("Talks of debts, or of threats to the family")),
            ("same_story", N_("Came with the same story as others")),
        ),
    ),
    (
        N_("Things"),
        (
            ("packed_bag", N_("A packed bag")),
            ("unexplained_things", N_("Money or clothes that nobody can explain")),
            ("injuries", N_("Injuries that nobody can explain")),
            ("documents", N_("Papers changed, hidden or gone")),
        ),
    ),
    (
        N_("How the child is"),
        (
            ("secrecy", N_("Says little, hides things")),
            ("compliance", N_("Suddenly agrees to everything")),
            ("withdrawal", N_("Gives up on its own goals")),
            ("school_missed", N_("Away from school, and nobody knows why")),
            ("visit_missed", N_("An appointment missed, a visit broken off")),
        ),
    ),
    (
        N_("What has happened"),
        (
            ("refusal", N_("A negative decision")),
            ("transfer_notice", N_("A notice of transfer to another country")),
            ("age_dispute", N_("An outcome about the age")),
            ("court_date", N_("A date with the police or a court")),
            ("moved", N_("A move to another place")),
            ("friend_left", N_("A roommate or a friend has left")),
            ("guardian_changed", N_("Another guardian")),
            ("of_age_soon", N_("Soon 18")),
            ("hard_day", N_("A holiday or an anniversary that is hard")),
        ),
    ),
)
SIGNS: Mapping[str, str] = {code: words for _, signs in GROUPS for code, words in signs}
