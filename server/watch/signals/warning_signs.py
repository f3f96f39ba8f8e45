"""The warning signs that adults can note about a child with one tap, in plain words. Pure.

From the list in docs/reference/practice.md. A sign is something that an adult saw, heard or knows
to have happened. Where a child comes from, and what they believe, is never one.
"""

from collections.abc import Mapping

from server.i18n import N_

# In groups, so that a thumb finds them: what the group is called, and its signs by their codes.
GROUPS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        N_("Phone"),
        (
            ("new_phone", N_("A new or second phone or SIM card")),
            ("phone_hidden", N_("Hides their phone, or it rings all the time")),
            ("same_number", N_("The same phone number as other children who went missing")),
        ),
    ),
    (
        N_("People"),
        (
            ("unknown_adults", N_("Unknown adults or cars")),
            ("address_noted", N_("An address or a number written down")),
            ("threats", N_("Talks about debts or threats to the family")),
            ("same_story", N_("Arrived with the same story as others")),
        ),
    ),
    (
        N_("Belongings"),
        (
            ("packed_bag", N_("A packed bag")),
            ("unexplained_things", N_("Unexplained money or clothes")),
            ("injuries", N_("Unexplained injuries")),
            ("documents", N_("Papers changed, hidden or gone")),
        ),
    ),
    (
        N_("How the child is"),
        (
            ("secrecy", N_("Says little, hides things")),
            ("compliance", N_("Suddenly agrees to everything")),
            ("withdrawal", N_("Gives up on their own goals")),
            ("school_missed", N_("Away from school for no known reason")),
            ("visit_missed", N_("A missed appointment or a visit cut short")),
        ),
    ),
    (
        N_("What happened"),
        (
            ("refusal", N_("A negative decision")),
            ("transfer_notice", N_("A notice of transfer to another country")),
            ("age_dispute", N_("A decision about their age")),
            ("court_date", N_("A police or court appointment")),
            ("moved", N_("A move to another place")),
            ("friend_left", N_("A roommate or a friend has left")),
            ("guardian_changed", N_("A new guardian")),
            ("of_age_soon", N_("Turning 18 soon")),
            ("hard_day", N_("A hard holiday or anniversary")),
        ),
    ),
)
SIGNS: Mapping[str, str] = {code: words for _, signs in GROUPS for code, words in signs}
